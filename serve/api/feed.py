"""One reader's way along the events: from the store as far back as needed, then live.

A position is the `seq` of the last event that was passed on, and it only rises: nothing comes
twice. When the hub says that the position is older than its ring, the store is read to its end
first: nothing is left out. A hub or a dispatcher that restarts is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import Unavailable
from serve.api.answers import ask
from serve.api.waiting import HUB_AWAY_S, Position
from serve.api.wiring import Wiring

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which events a reader wants."""

    prefixes: Sequence[str] = ()
    subject: str = ""


async def follow(
    wired: Wiring, at: Position, wish: Wish, quiet_s: float
) -> AsyncIterator[Event | None]:
    """Give events for ever; None when nothing came for `quiet_s`. `at` moves along."""
    while True:
        try:
            found = await wired.hub.after(at.cursor, wish.prefixes, wish.subject, quiet_s, at.tick)
        except Unavailable:
            async for event in _from_store(wired, at, wish):
                yield event
            await asyncio.sleep(HUB_AWAY_S)
            yield None
            continue
        if found.get("behind"):
            async for event in _from_store(wired, at, wish):
                yield event
            # The ring holds what is stored: with the store read to its end, all before is seen.
            at.cursor = max(at.cursor, int(found["oldest"]) - 1)
            continue
        for event in found["events"]:
            yield event
        at.cursor, at.tick = found["cursor"], found["tick"]
        if not found["events"]:
            yield None


async def _from_store(wired: Wiring, at: Position, wish: Wish) -> AsyncIterator[Event]:
    """Give stored events behind the position until there are no more."""
    limit = wired.settings.limits.page
    while True:
        page = await _page(wired, at, wish, limit)
        for event in page["items"]:
            at.cursor = int(event["seq"])
            yield event
        at.cursor = max(at.cursor, int(page["cursor"]))
        if len(page["items"]) < limit:
            return


async def _page(wired: Wiring, at: Position, wish: Wish, limit: int) -> dict[str, Any]:
    while True:
        try:
            return await ask(
                wired, "event.list", after=at.cursor, limit=limit,
                prefixes=list(wish.prefixes), subject=wish.subject or None,
            )  # fmt: skip
        except Unavailable:
            await asyncio.sleep(HUB_AWAY_S)
