"""Makes what the core says durable: one append under way at a time, shared by all who wait.

An append that failed is tried again with the next; nothing that the core said is ever dropped,
and nothing is written twice because its caller went away. It knows the ledger and the core only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from routing.ports import Entry, EntryKind, Ledger

_SHIPPED = frozenset({EntryKind.CALL, EntryKind.NOTICE})


class Scribe:
    """`take` gives what the core said since; `news` is called when something is to be shipped."""

    def __init__(
        self, ledger: Ledger, take: Callable[[], Sequence[Entry]], news: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._take = take
        self._news = news
        self._pending: list[Entry] = []
        self._said = 0
        self._written = 0
        self._writing: asyncio.Task[None] | None = None

    async def durable(self, also: Sequence[Entry] = ()) -> None:
        """Return when all that was said so far, and `also`, survives a power cut.

        Raises:
            StoreFull, HouseFault: the ledger did not take it.
        """
        for entries in (self._take(), also):
            self._pending += entries
            self._said += len(entries)
        upto = self._said
        while self._written < upto:
            if self._writing is None:
                self._writing = asyncio.get_running_loop().create_task(self._write())
                self._writing.add_done_callback(_heard)
            # Whoever waits may go away; what they all wait for goes on.
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        batch = tuple(self._pending)
        try:
            await self._ledger.append(batch)
        finally:
            self._writing = None
        del self._pending[: len(batch)]
        self._written += len(batch)
        if any(entry.kind in _SHIPPED for entry in batch):
            self._news()


def _heard(writing: asyncio.Task[None]) -> None:
    """Take note of a fault that nobody waited for; the next append meets it again."""
    if not writing.cancelled():
        writing.exception()
