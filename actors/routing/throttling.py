"""Tells sessions that every model that fits their job is closed, so that they stop and wait.

Each is told once about a wait: the ends that single refusals name differ a little, so that not all
come back at one instant. One that could not be reached is told at its next refused call.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from engine.errors import HelioError
from engine.ports import Clock, SessionFace
from routing.requests import Refusal, RefusalKind, Who

_REMEMBERED = 1000


class Throttling:
    """Hears every refusal, and tells the session whose job it stops."""

    def __init__(self, find_session: Callable[[str], SessionFace], clock: Clock) -> None:
        self._find_session = find_session
        self._clock = clock
        self._told: OrderedDict[tuple[str, int], int] = OrderedDict()  # claim -> until when
        self._tasks: set[asyncio.Task[None]] = set()

    def refused(self, who: Who, refusal: Refusal) -> None:
        """Tell the session, unless it knows; returns at once."""
        known_end = refusal.kind is RefusalKind.CLOSED and refusal.until > 0
        if not (known_end and who.session and who.job):
            return
        if self._told.get((who.job, who.epoch), 0) > self._clock.now():
            return
        self._told[who.job, who.epoch] = refusal.until
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        task = asyncio.get_running_loop().create_task(self._tell(who, refusal))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Tell nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, who: Who, refusal: Refusal) -> None:
        try:
            face = self._find_session(who.session)
            await face.throttle(who.job, who.epoch, refusal.until, refusal.message)
        except HelioError:
            self._told.pop((who.job, who.epoch), None)
