"""Who was told to come back, and when: so that a probe goes to the highest lane that waits.

A lower lane is told to come a little later than a higher one, and nobody at the same instant, so
that a reset does not wake the whole house at once.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from engine.jobs import Lane
from engine.moments import US_PER_S
from routing.requests import Refusal, RefusalKind, Wanted
from routing.state import Board, ProviderState

STAGGER_US = US_PER_S // 4  # between two lanes
_FORGOTTEN_US = 60 * US_PER_S  # somebody so late does not come any more


class Waiting:
    """Notes waiters by provider and lane. Chance is an argument of the constructor."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def told(self, wanted: Wanted, refusal: Refusal, board: Board, now: int) -> Refusal:
        """Spread the time in a refusal, and note that somebody comes back then."""
        if refusal.kind is not RefusalKind.CLOSED or not refusal.until:
            return refusal
        lane = wanted.who.lane
        until = refusal.until
        if lane is not Lane.P0:
            until += int((int(lane) - self._rng.random()) * STAGGER_US) + 1
        for name in {s.slot.provider for s in refusal.skips if s.until == refusal.until}:
            waiting = board.provider(name).waiting
            for old in [one for one, due in waiting.items() if due < now - _FORGOTTEN_US]:
                del waiting[old]
            waiting[lane] = until
        return replace(refusal, until=until)

    def came(self, lane: Lane, provider: ProviderState) -> None:
        """Somebody of a lane is served: nobody else of it is waited for."""
        provider.waiting.pop(lane, None)
