"""A session's keepers: one warm for the next order, and care for those that were used."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from actors.processes import KeptProcess, Unkept
from actors.strays import sweep


class Keepers:
    """Hands out keepers and has the next one ready. Make it on the session's loop."""

    def __init__(self, tag: str, lease_fd: int) -> None:
        self._tag = tag
        self._held = (lease_fd,) if lease_fd >= 0 else ()
        self._warm: KeptProcess | None = None
        self._closed = False

    def warm(self) -> None:
        """See to it that one is waiting."""
        if not self._closed:
            self._ready()

    def take(self) -> KeptProcess:
        """Give a keeper, warm if there is one; call `warm` when there is time for it."""
        taken, self._warm = self._ready(), None
        return taken

    async def settle(self, taken: Sequence[KeptProcess], marks: Sequence[str]) -> None:
        """Wait until the trees of these keepers are gone; sweep where one was not kept."""
        for keeper in taken:
            keeper.dismiss()
            if await keeper.fate() == Unkept(swept=False):
                await asyncio.to_thread(sweep, marks, f"helio-{self._tag}-{keeper.pid}")

    async def close(self) -> None:
        """Let the warm one go, and make no other."""
        self._closed = True
        if self._warm is not None:
            self._warm.dismiss()
            await self._warm.fate()
            self._warm = None

    def _ready(self) -> KeptProcess:
        if self._warm is None or not self._warm.alive:
            if self._warm is not None:
                self._warm.dismiss()
            self._warm = KeptProcess(self._tag, self._held)
        return self._warm
