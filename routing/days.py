"""Days of the owner's time zone: which one an instant lies in, and when the next begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.moments import US_PER_S


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its ISO date, its first microsecond, and that of the next day."""

    name: str
    begins: int
    ends: int

    def holds(self, now: int) -> bool:
        """Whether an instant lies in this day."""
        return self.begins <= now < self.ends


def day_at(now: int, zone: ZoneInfo) -> Day:
    """Give the day that an instant lies in; days of a clock change are shorter or longer."""
    today = datetime.fromtimestamp(now // US_PER_S, zone).date()
    return Day(today.isoformat(), _start(today, zone), _start(today + timedelta(days=1), zone))


def _start(day: date, zone: ZoneInfo) -> int:
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    return round(start.timestamp()) * US_PER_S
