"""Waiting without polling: ask the hub where now is, look at the store, then sleep on the hub.

The order makes it safe: what changes after the look is behind the position that was taken before
it. Where the hub is away, the store is looked at once a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import Unavailable
from engine.jobs import TERMINAL
from serve.api.answers import ask
from serve.api.wiring import Wiring

NOW = -1
NO_PASSING = -1
ALL_PASSING = 0  # that a hub still holds
HUB_AWAY_S = 1.0
_ROUND_S = 20.0


@dataclass(slots=True)
class Position:
    """Where a reader stands: behind which stored event, and behind which passing one."""

    cursor: int
    tick: int = NO_PASSING


async def here(wired: Wiring, *, passing: bool = False) -> Position:
    """Give the position of now; while the hub is away or starts, of the last stored event."""
    try:
        now = await wired.hub.after(NOW, (), "", HUB_AWAY_S)
    except Unavailable:
        now = {"cursor": NOW, "tick": NOW}
    if now["cursor"] != NOW:
        return Position(now["cursor"], now["tick"] if passing else NO_PASSING)
    last = int((await ask(wired, "house.status"))["last_seq"])
    return Position(last, ALL_PASSING if passing else NO_PASSING)


async def news(
    wired: Wiring, at: Position, prefixes: Sequence[str], subject: str, wait_s: float
) -> list[dict[str, Any]]:
    """Wait for events behind the position and move it behind them; may come back early."""
    try:
        found = await wired.hub.after(at.cursor, prefixes, subject, wait_s, at.tick)
    except Unavailable:
        await asyncio.sleep(min(HUB_AWAY_S, wait_s))
        return []
    if found.get("behind"):
        at.cursor = int(found["oldest"]) - 1
        return []
    at.cursor, at.tick = found["cursor"], found["tick"]
    return list(found["events"])


async def for_change(wired: Wiring, job: str, wait_s: float) -> dict[str, Any]:
    """Give a job at its next change, or as it stands when it is at rest or the time is over."""
    return await _watch(wired, job, wait_s, any_change=True)


async def for_rest(wired: Wiring, job: str, wait_s: float) -> dict[str, Any]:
    """Give a job when it is at rest, or as it stands when the time is over."""
    return await _watch(wired, job, wait_s, any_change=False)


async def _watch(wired: Wiring, job: str, wait_s: float, *, any_change: bool) -> dict[str, Any]:
    if not wait_s:
        return await ask(wired, "job.show", id=job)
    until = wired.clock.monotonic() + min(wait_s, wired.settings.serve.wait_s)
    at = await here(wired)
    view = await ask(wired, "job.show", id=job)
    while view["state"] not in TERMINAL:
        left_s = until - wired.clock.monotonic()
        if left_s <= 0:
            break
        changes = await news(wired, at, ("job.",), view["id"], min(left_s, _ROUND_S))
        view = await ask(wired, "job.show", id=job)
        if changes and any_change:
            break
    return view
