"""Who was told to come back, and when: so that a probe goes to the highest lane that waits.

A lower lane is told to come a little later than a higher one, and background work comes one by
one at the pace of the limit: a reset that woke a thousand jobs at once would be asked a thousand
times for one free place, again and again.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from engine.jobs import Lane
from engine.moments import US_PER_S
from routing.admission import MINUTE_US
from routing.requests import Refusal, RefusalKind, Wanted
from routing.state import Board, ProviderState
from routing.weighing import BACKGROUND

STAGGER_US = US_PER_S // 4  # between two lanes
LONGEST_LINE_US = 10 * MINUTE_US  # behind the reset; whoever comes later is told any time in it
_PACE_US = US_PER_S // 20  # between two of the line, where no limit is known
_FORGOTTEN_US = MINUTE_US  # somebody so late does not come any more


class Waiting:
    """Notes waiters by provider and lane. Chance is an argument of the constructor."""

    def __init__(self, rng: Random, *, lines_up: bool = True) -> None:
        self._rng = rng
        self._lines_up = lines_up

    def told(self, wanted: Wanted, refusal: Refusal, board: Board, now: int) -> Refusal:
        """Spread the time in a refusal, and note that somebody comes back then."""
        if refusal.kind is not RefusalKind.CLOSED or not refusal.until:
            return refusal
        slot = next(skip.slot for skip in refusal.skips if skip.until == refusal.until)
        provider = board.provider(slot.provider)
        lane = wanted.who.lane
        until = refusal.until
        if lane is not Lane.P0:
            until += int((int(lane) - self._rng.random()) * STAGGER_US) + 1
        if lane >= BACKGROUND and self._lines_up:
            learned, named = board.slot(slot), board.key(slot.provider, slot.key)
            window = learned.allowance.requests or named.allowance.requests
            pace = MINUTE_US // window.cap if window is not None else _PACE_US
            until = self._in_line(provider, until, pace)
        self._expect(provider, lane, until, now)
        return replace(refusal, until=until)

    def came(self, lane: Lane, provider: ProviderState) -> None:
        """Somebody of a lane is served: nobody else of it is waited for."""
        provider.waiting.pop(lane, None)

    def _in_line(self, provider: ProviderState, until: int, pace: int) -> int:
        """Give a place behind the one that was given last."""
        place = max(until, provider.promised + pace)
        if place > until + LONGEST_LINE_US:
            return until + int(self._rng.random() * LONGEST_LINE_US)
        provider.promised = place
        return place

    def _expect(self, provider: ProviderState, lane: Lane, until: int, now: int) -> None:
        waiting = provider.waiting
        for old in [one for one, due in waiting.items() if due < now - _FORGOTTEN_US]:
            del waiting[old]
        waiting[lane] = until
