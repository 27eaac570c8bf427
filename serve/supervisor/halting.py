"""The order to halt: on disk before anything else, and there until a dispatcher has taken it.

Once taken, the halt stands in the store, and the store alone says whether it is in force. While no
dispatcher can be reached, the jobs' processes are killed from here, and the order is repeated to
every dispatcher that comes, also by the supervisor after this one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from engine.errors import HelioError
from engine.ports import Clock
from serve.supervisor import homestead, kin
from store.home import Home

Command = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

_INSIST_S = 0.3
_KEEPER = "actors/keeper.py"


class Halting:
    """Gives the order, repeats it, and lifts it."""

    def __init__(self, home: Home, clock: Clock, command: Command) -> None:
        self._home = home
        self._clock = clock
        self._command = command
        self._delivering = asyncio.Lock()  # one at a time: a second one could outlive a resume

    @property
    def pending(self) -> bool:
        """Whether an order waits for a dispatcher to take it."""
        return self._home.halted.exists()

    async def order(self, by: str) -> dict[str, Any]:
        """Halt: by the dispatcher if it answers, else by killing what the jobs run."""
        marker = {"at": self._clock.now(), "by": by}
        homestead.write_private(self._home.halted, json.dumps(marker))
        try:
            return {"halted": True, "house": await self._deliver(by)}
        except HelioError:
            return {"halted": True, "killed": await asyncio.to_thread(_end_job_trees)}

    async def lift(self, by: str) -> dict[str, Any]:
        """Resume.

        Raises:
            HelioError: the dispatcher did not take it; an order that it took is still in force.
        """
        self._home.halted.unlink(missing_ok=True)
        return {"halted": False, "house": await self._command("house.resume", {"by": by})}

    async def insist(self) -> None:
        """Repeat an order that nobody has taken, for ever; run this as a task."""
        while True:
            if self.pending and not self._delivering.locked():
                try:
                    await self._deliver(_who_ordered(self._home))
                except HelioError:
                    await asyncio.to_thread(_end_job_trees)
            await asyncio.sleep(_INSIST_S)

    async def _deliver(self, by: str) -> dict[str, Any]:
        async with self._delivering:
            taken = await self._command("house.halt", {"by": by})
            self._home.halted.unlink(missing_ok=True)
        return taken


def _who_ordered(home: Home) -> str:
    try:
        return str(json.loads(home.halted.read_text()).get("by", "owner"))
    except (OSError, ValueError):
        return "owner"


def _end_job_trees() -> int:
    """Kill every keeper below the supervisor with all that grows from it."""
    doomed: set[kin.Kin] = set()
    for one in kin.descendants(os.getpid()):
        if any(word.endswith(_KEEPER) for word in kin.command_of(one)):
            doomed |= {one, *kin.descendants(one[0])}
    kin.send(doomed, signal.SIGKILL)
    return len(doomed)
