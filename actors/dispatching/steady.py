"""A clock that never jumps, also over restarts.

Steady time advances with the machine's boot-time clock. While one boot lasts, it is exact across
restarts of Heliograph, whatever happens to the wall clock; after a reboot it goes on from the
wall clock, but never backwards.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.moments import Moment
from engine.ports import Clock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NS_PER_US = 1000


def machine() -> tuple[str, int]:
    """Give this boot's id and the microseconds since it, sleep included."""
    boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
    return boot_id, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _NS_PER_US


class SteadyClock:
    """Moments on both clocks."""

    def __init__(self, clock: Clock, anchor: Mapping[str, Any], newest_us: int) -> None:
        """Go on from where the anchor of the last run stood; `newest_us` is a lower bound."""
        self._clock = clock
        boot_id, uptime_us = machine()
        if anchor and anchor.get("boot_id") == boot_id and boot_id:
            steady = anchor["steady_us"] + (uptime_us - anchor["boottime_us"])
        else:
            steady = clock.now()
        self._offset = max(steady, newest_us) - uptime_us

    def moment(self) -> Moment:
        """Give now, on both clocks."""
        _, uptime_us = machine()
        return Moment(steady=uptime_us + self._offset, wall=self._clock.now())

    def anchor(self) -> dict[str, Any]:
        """Give what the next run needs to go on from here."""
        boot_id, uptime_us = machine()
        return {
            "boot_id": boot_id,
            "boottime_us": uptime_us,
            "steady_us": uptime_us + self._offset,
        }
