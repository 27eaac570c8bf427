"""One instant on both clocks.

`steady` never jumps: backoff, stuck and the order of events live on it. `wall` is the world's
time: schedules, deadlines and a provider's reset are compared with it. Both are microseconds
since the epoch, UTC, and are the same number until somebody sets the wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass

US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, twice."""

    steady: int
    wall: int


def us(seconds: float) -> int:
    """Turn seconds into microseconds."""
    return round(seconds * US_PER_S)
