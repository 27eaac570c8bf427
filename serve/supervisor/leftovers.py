"""What a killed supervisor left behind, and how the next one ends it.

While it lives, the supervisor writes down every process below it, by pid and start tick, and its
run directory. The next start ends what of that still lives, and whatever bears the home's mark: a
job's process that was born after the last writing, and whose keeper died with the rest, must not
meet the job's next attempt in its directory.
"""

from __future__ import annotations

import asyncio
import json
import signal

from actors.strays import house_mark, sweep
from serve.supervisor import homestead, kin
from store.home import Home

_GONE_S = 10.0
_POLL_S = 0.05


def remember(home: Home, run_dir: str, living: list[kin.Kin]) -> None:
    """Write down what must not outlive this supervisor."""
    told = {"run_dir": run_dir, "boot": kin.boot(), "kin": living}
    homestead.write_private(home.kin, json.dumps(told), sync=False)


def forget(home: Home) -> None:
    """Nothing is left: the next start has nothing to do."""
    home.kin.unlink(missing_ok=True)
    home.ports.unlink(missing_ok=True)


async def end(home: Home) -> int:
    """End what an earlier supervisor of this home left; gives how many processes that were."""
    ended = await _end_recorded(home)  # first whoever could still start something
    return ended + await asyncio.to_thread(sweep, [house_mark(str(home.root))])


async def _end_recorded(home: Home) -> int:
    try:
        told = json.loads(home.kin.read_text())
        same_boot = told["boot"] == kin.boot()
        recorded = [(int(pid), int(tick)) for pid, tick in told["kin"] if same_boot]
        run_dir = str(told["run_dir"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    left = set(kin.living(recorded))
    ended = set(left)
    loop = asyncio.get_running_loop()
    until = loop.time() + _GONE_S
    while left and loop.time() < until:
        for pid, _ in list(left):
            left.update(kin.descendants(pid))
        ended |= left
        kin.send(left, signal.SIGKILL)
        await asyncio.sleep(_POLL_S)
        left = set(kin.living(left))
    homestead.clear_run_dir(run_dir)
    forget(home)
    return len(ended)
