"""The newest measurements of one thing, and the value that 95 of 100 of them stay below."""

from __future__ import annotations

from collections import deque

NEWEST = 100  # measurements kept
LEAST = 10  # fewer say nothing about the slowest twentieth
_SHARE = 0.95


class Recent:
    """The newest measurements. What is asked often is worked out once a change."""

    __slots__ = ("_p95", "_values")

    def __init__(self) -> None:
        self._values: deque[int] = deque(maxlen=NEWEST)
        self._p95: int | None = None

    def add(self, value: int) -> None:
        """Take the next measurement."""
        self._values.append(value)
        self._p95 = None

    def p95(self) -> int | None:
        """Give the 95th percentile (nearest rank), None while there are too few."""
        if len(self._values) < LEAST:
            return None
        if self._p95 is None:
            ordered = sorted(self._values)
            self._p95 = ordered[min(len(ordered) - 1, int(_SHARE * len(ordered)))]
        return self._p95
