"""Ships finished calls and notices to the main store, each exactly once.

The ledger keeps a fact until the store has said that it has it, and the store counts by the
ledger's identity and the fact's place in it: so either side may die at any point, and what is
sent again counts once. It knows neither what a call is nor what the store does with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from engine.errors import HelioError, Unavailable
from engine.ports import Desk
from routing.ports import Ledger as LedgerPort

_LOG = logging.getLogger("heliograph.router")
_PAGE = 200
_BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Shipping:
    """One way from the ledger to the desk; make it on the router's loop."""

    def __init__(self, ledger: LedgerPort, find_desk: Callable[[], Desk], every_s: float) -> None:
        self._ledger = ledger
        self._find_desk = find_desk
        self._every_s = every_s
        self._news = asyncio.Event()
        self._news.set()  # what the last process left
        self._one = asyncio.Lock()
        self.said = "well"

    def nudge(self) -> None:
        """Hear that there is something to ship."""
        self._news.set()

    async def run(self) -> None:
        """Ship what comes, gathered for a moment, for ever."""
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self.ship()
            except (HelioError, TimeoutError) as away:
                self._news.set()
                self.said = str(away)
                await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
                failures += 1
            else:
                failures, self.said = 0, "well"
                await asyncio.sleep(self._every_s)

    async def ship(self) -> None:
        """Ship all that is there now.

        Raises:
            HelioError: the desk is away, or the ledger failed; all is shipped again later.
        """
        async with self._one:
            while facts := await self._ledger.unshipped(_PAGE):
                body = {"ledger": self._ledger.identity, "calls": [list(one) for one in facts]}
                answer = await self._find_desk().command("call.take", body)
                await self._note(int(answer["taken"]), first=facts[0][0], last=facts[-1][0])

    async def ship_within(self, seconds: float) -> None:
        """Ship all that is there now, however often the desk is away in between.

        Raises:
            Unavailable: it was away for so long; all is shipped later, by `run`.
        """
        why = "It did not answer in time."
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        return await self.ship()
                    except HelioError as away:
                        why = away.detail
                    await asyncio.sleep(_BACK_OFF_S[0])
        raise Unavailable(
            f"The finished calls are not in the main store yet. {why}",
            remedy="They are durable and follow as soon as the dispatcher is back.",
        )

    async def _note(self, taken: int, *, first: int, last: int) -> None:
        if taken > last:
            # The store counts further than this file: the file is an older copy of itself. What
            # lies in its outbox may count twice then, which is better than never.
            _LOG.warning("The ledger is older than the store knows it; it takes a new identity.")
            await self._ledger.rename()
        elif taken >= first:
            await self._ledger.shipped(taken)
        else:
            raise Unavailable("The dispatcher took none of the finished calls.")
