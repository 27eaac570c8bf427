"""The `llm` backend: a job that is one model call. No process, so a stop ends it at once.

What is heavy (HTTP, schemas) lives in `actors.asking.asker` and is imported with the first such
order. The key to the gateway outlives the call by a moment: when it is released, what the call
cost is in the main store, and the result can tell it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from actors.asking.keys import RELEASE_S, Key, open_key, release
from actors.backends.base import Bench
from actors.sessions.effects import Ending
from engine.errors import Halted, HelioError
from engine.jobs import Result
from engine.messages import Order
from engine.outcomes import Done, Drained, Failed

if TYPE_CHECKING:
    from actors.asking.asker import Answer

_STOPPED = Ending(Drained(), by_itself=False)
_HASTY_S = 2.0  # for the release of a key when nobody wants the answer any more
_COST_S = 5.0


class LlmAttempt:
    """One call from its key to its result."""

    def __init__(self, order: Order, bench: Bench) -> None:
        self._order = order
        self._bench = bench
        self._key: Key | None = None
        self._task: asyncio.Task[Ending | Answer] | None = None
        self._stopped = False

    async def run(self) -> Ending:
        """Ask the model.

        Raises:
            HelioError: the order cannot be asked as it stands, or the router stayed away.
        """
        if self._stopped:
            return _STOPPED
        self._task = asyncio.get_running_loop().create_task(self._ask())
        try:
            said = await self._task
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            said = _STOPPED
        finally:
            if self._key is not None:
                hasty = self._stopped
                await release(self._key, self._bench.lines, _HASTY_S if hasty else RELEASE_S)
        return said if isinstance(said, Ending) else await self._done(said)

    def stop(self, grace_s: float) -> None:  # noqa: ARG002  # there is nothing to be gentle with
        """End the call at once; an answer that is there already stays."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _ask(self) -> Ending | Answer:
        from actors.asking.asker import NoAnswer, ask_model  # noqa: PLC0415  # heavy; see above

        self._key = await open_key(self._order, self._bench.lines)
        try:
            return await ask_model(self._order, self._bench, self._key)
        except NoAnswer as none:
            return Ending(Failed(none.failure))
        except Halted:
            return Ending(Drained())  # it goes on when the house does

    async def _done(self, answer: Answer) -> Ending:
        """Make the result; what it cost is told, not counted again: the ledger counts it."""
        result = Result(
            text=answer.text,
            data=answer.data,
            truncated=answer.truncated,
            served=dict(answer.served) | {"cost_usd": await self._cost_usd()},
        )
        return Ending(Done(result), turns=tuple(answer.turns))

    async def _cost_usd(self) -> float | None:
        """Add up the calls of this attempt; None where nobody can tell now."""
        with suppress(HelioError, TimeoutError):
            async with asyncio.timeout(_COST_S):
                desk = self._bench.lines.find_desk()
                shown: dict[str, Any] = await desk.query("job.show", {"id": self._order.job})
            mine = [call for call in shown["calls"] if call["epoch"] == self._order.epoch]
            return float(sum(call["usd"] for call in mine))
        return None
