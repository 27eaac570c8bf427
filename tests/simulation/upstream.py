"""Providers of the cascade simulation: a limit a minute, told in one dialect or in none.

Every call counts against the limit, a rejected one too, as at the providers that punish asking
again. A provider can be throttled for a while, and says nothing about it until it rejects.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

S = 1_000_000
MINUTE = 60 * S


@dataclass(frozen=True, slots=True)
class Throttle:
    """From then till then, a lower limit."""

    begins: int
    ends: int
    a_minute: int


@dataclass(slots=True)
class Upstream:
    """One provider, seen from outside."""

    name: str
    a_minute: int
    dialect: str  # anthropic, openai or silent
    throttle: Throttle | None = None
    rejected_cost: bool = True
    seen: deque[int] = field(default_factory=deque)
    calls: int = 0
    rejected: int = 0

    def limit(self, now: int) -> int:
        squeeze = self.throttle
        if squeeze is not None and squeeze.begins <= now < squeeze.ends:
            return squeeze.a_minute
        return self.a_minute

    def ask(self, now: int) -> tuple[bool, dict[str, str]]:
        """Take a call: whether it is answered, and the headers."""
        self.calls += 1
        while self.seen and self.seen[0] <= now - MINUTE:
            self.seen.popleft()
        limit = self.limit(now)
        fits = len(self.seen) < limit
        if fits or self.rejected_cost:
            self.seen.append(now)
        self.rejected += not fits
        return fits, self._headers(now, limit, fits=fits)

    def free_at(self, now: int) -> int:
        """When the next call would be answered."""
        over = len(self.seen) - self.limit(now)
        return now if over < 0 else self.seen[over] + MINUTE + 1

    def _headers(self, now: int, limit: int, *, fits: bool) -> dict[str, str]:
        left, reset_s = max(limit - len(self.seen), 0), (self.free_at(now) - now) / S
        match self.dialect:
            case "anthropic":
                at = datetime.fromtimestamp(self.free_at(now) / S, UTC).isoformat()
                told = {
                    "anthropic-ratelimit-requests-limit": str(limit),
                    "anthropic-ratelimit-requests-remaining": str(left),
                    "anthropic-ratelimit-requests-reset": at,
                }
                return told if fits else {**told, "retry-after": f"{reset_s:.3f}"}
            case "openai":
                return {
                    "x-ratelimit-limit-requests": str(limit),
                    "x-ratelimit-remaining-requests": str(left),
                    "x-ratelimit-reset-requests": f"{reset_s:.3f}s",
                }
            case "late":  # speaks up only when it rejects
                return {} if fits else {"retry-after": f"{reset_s:.3f}"}
            case _:
                return {}
