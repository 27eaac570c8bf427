"""Tells sessions that no model answers their job for a while, so that they stop and wait.

Every model that fits it is closed, or the money of the day is spent. Each is told once about a
wait: the ends that single refusals name differ a little, so that not all come back at one instant.
One that could not be reached is told at its next refused call.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from engine.errors import HelioError
from engine.failures import Cause
from engine.ports import Clock, SessionFace
from routing.requests import Refusal, RefusalKind, Who

_REMEMBERED = 1000
_CAUSES = {RefusalKind.CLOSED: Cause.RATE_LIMIT, RefusalKind.BUDGET: Cause.BUDGET}


class Throttling:
    """Hears every refusal, and tells the session whose job it stops."""

    def __init__(self, find_session: Callable[[str], SessionFace], clock: Clock) -> None:
        self._find_session = find_session
        self._clock = clock
        self._told: OrderedDict[tuple[str, int], int] = OrderedDict()  # claim -> until when
        self._tasks: dict[asyncio.Task[None], tuple[str, int]] = {}

    def refused(self, who: Who, refusal: Refusal) -> None:
        """Tell the session, unless it knows; returns at once."""
        claim, known_end = (who.job, who.epoch), refusal.kind in _CAUSES and refusal.until > 0
        if not (known_end and who.session and who.job):
            return
        if self._told.get(claim, 0) > self._clock.now():
            return
        self._told[claim] = refusal.until
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        task = asyncio.get_running_loop().create_task(self._tell(who, refusal))
        self._tasks[task] = claim
        task.add_done_callback(self._tasks.pop)

    async def heard(self, who: Who, within_s: float) -> None:
        """Wait until what is being told about this attempt has been heard."""
        telling = [task for task, claim in self._tasks.items() if claim == (who.job, who.epoch)]
        if telling:
            await asyncio.wait(telling, timeout=within_s)

    async def close(self) -> None:
        """Tell nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, who: Who, refusal: Refusal) -> None:
        try:
            face = self._find_session(who.session)
            cause = str(_CAUSES[refusal.kind])
            await face.throttle(who.job, who.epoch, refusal.until, refusal.message, cause)
        except HelioError:
            self._told.pop((who.job, who.epoch), None)
