"""The circuit breaker of one provider: when faults are enough, and when successes are.

It counts; what it shuts and for how long stands in `routing.state` and `routing.backoff`. Only
faults that speak of the provider come here (`routing.faults.REACH`): a refused request or a rate
limit is no sign of a broken provider.
"""

from __future__ import annotations

from collections import deque

from engine.moments import us
from engine.settings import ModelSettings


class Breaker:
    """Closed until `fault` says otherwise; the successes of probes close it again."""

    __slots__ = ("_faulty", "_outcomes", "_settings", "in_a_row", "openings", "successes")

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._outcomes: deque[tuple[int, bool]] = deque()  # (when, fault) inside the window
        self._faulty = 0
        self.in_a_row = 0
        self.openings = 0  # in a row, without being closed in between
        self.successes = 0  # of probes since it opened

    def fault(self, now: int) -> bool:
        """Count a fault; whether the breaker must open now."""
        self._take(now, fault=True)
        self.in_a_row += 1
        calls = len(self._outcomes)
        many = calls >= self._settings.breaker_calls
        return self.in_a_row >= self._settings.breaker_faults or (
            many and self._faulty > self._settings.breaker_share * calls
        )

    def success(self, now: int) -> None:
        """Count a success."""
        self._take(now, fault=False)
        self.in_a_row = 0

    def opened(self) -> None:
        """It opens, or opens again after a probe that failed: the count begins anew."""
        self.openings += 1
        self.successes = 0
        self._forget()

    def probed(self) -> bool:
        """Count a probe's success; whether the breaker closes."""
        self.successes += 1
        if self.successes < self._settings.breaker_successes:
            return False
        self.openings = self.successes = 0
        self._forget()
        return True

    def _take(self, now: int, *, fault: bool) -> None:
        self._outcomes.append((now, fault))
        self._faulty += fault
        start = now - us(self._settings.breaker_window_s)
        while self._outcomes and self._outcomes[0][0] <= start:
            self._faulty -= self._outcomes.popleft()[1]

    def _forget(self) -> None:
        self._outcomes.clear()
        self._faulty = self.in_a_row = 0
