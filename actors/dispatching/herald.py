"""The herald: stored events on their way to the hub, in order, gathered while the last ones fly.

What does not arrive is not sent again: the hub sees the hole and reads the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from actors.dispatching.crew import Crew
from actors.dispatching.views import event_view
from engine.events import Event

_MOST = 500  # events in one call


class Herald:
    """One publisher, so that no batch overtakes another."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._told: list[Event] = []
        self._news = asyncio.Event()

    def tell(self, events: Iterable[Event]) -> None:
        """Take events that are durable."""
        self._told.extend(events)
        if self._told:
            self._news.set()

    async def run(self) -> None:
        """Publish, for ever."""
        while True:
            await self._news.wait()
            batch, self._told = self._told[:_MOST], self._told[_MOST:]
            if not self._told:
                self._news.clear()
            await self._crew.publish([event_view(event) for event in batch])
