"""The real clock, for those who are started by the machine and not by a test."""

from __future__ import annotations

import time

_NS_PER_US = 1000


class SystemClock:
    """Wall time and elapsed time of this machine."""

    def now(self) -> int:
        """Give wall time in microseconds since the epoch, UTC."""
        return time.time_ns() // _NS_PER_US

    def monotonic(self) -> float:
        """Give elapsed seconds; never goes back."""
        return time.monotonic()
