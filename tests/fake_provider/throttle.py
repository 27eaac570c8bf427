"""How providers say "not now": every way that is known, by its name."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How a limit stands: `reset_us` is when there is room again, in microseconds UTC."""

    limit: int
    remaining: int
    now_us: int
    reset_us: int

    @property
    def wait_s(self) -> float:
        """Seconds until the reset."""
        return max(0, self.reset_us - self.now_us) / US


@dataclass(slots=True)
class Words:
    """What a style adds to an answer."""

    headers: dict[str, str] = field(default_factory=dict)
    message: str = "Rate limit reached."
    code: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def refusal(style: str, gauge: Gauge) -> Words:
    """Give what a 429 says in a style.

    Raises:
        ValueError: there is no such style.
    """
    wait, at = gauge.wait_s, gauge.reset_us / US
    match style:
        case "none":
            return Words()
        case "retry-after":
            return Words({"retry-after": str(math.ceil(wait))})
        case "retry-after-date":
            return Words({"retry-after": formatdate(math.ceil(at), usegmt=True)})
        case "retry-after-ms":
            return Words({"retry-after-ms": str(math.ceil(wait * 1000))})
        case _:
            shown = standing(style, gauge)
            return Words(shown) if shown else _in_body(style, gauge)


def _in_body(style: str, gauge: Gauge) -> Words:
    wait = gauge.wait_s
    match style:
        case "body-resets-in-seconds":
            extra = {"type": "usage_limit_reached", "resets_in_seconds": math.ceil(wait)}
            return Words({}, "The usage limit has been reached", "", extra)
        case "body-try-again":
            return Words({}, f"Rate limit reached. Please try again in {wait:.2f}s.")
        case "gemini-retry-info":
            info = {"@type": "type.googleapis.com/google.rpc.RetryInfo"}
            info["retryDelay"] = f"{math.ceil(wait)}s"
            return Words({}, "Resource has been exhausted.", "", {"details": [info]})
        case "openrouter":
            told = {"X-RateLimit-Limit": str(gauge.limit), "X-RateLimit-Remaining": "0"}
            told["X-RateLimit-Reset"] = str(math.ceil(gauge.reset_us / 1000))
            return Words(told, "Rate limit exceeded.", "", {"metadata": {"headers": told}})
        case _:
            raise ValueError(f"There is no style {style!r}; the README names them.")


def standing(style: str, gauge: Gauge) -> dict[str, str]:
    """Give the headers that a style puts on every answer, good ones too."""
    left = str(gauge.remaining)
    match style:
        case "x-ratelimit" | "x-ratelimit-tokens":
            kind = "tokens" if style.endswith("tokens") else "requests"
            return {
                f"x-ratelimit-limit-{kind}": str(gauge.limit),
                f"x-ratelimit-remaining-{kind}": left,
                f"x-ratelimit-reset-{kind}": duration(gauge.wait_s),
            }
        case "anthropic" | "anthropic-tokens":
            kind = "tokens" if style.endswith("tokens") else "requests"
            moment = datetime.fromtimestamp(math.ceil(gauge.reset_us / US), UTC)
            return {
                f"anthropic-ratelimit-{kind}-limit": str(gauge.limit),
                f"anthropic-ratelimit-{kind}-remaining": left,
                f"anthropic-ratelimit-{kind}-reset": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        case "anthropic-unified":
            return {
                "anthropic-ratelimit-unified-status": "allowed" if gauge.remaining else "rejected",
                "anthropic-ratelimit-unified-reset": str(math.ceil(gauge.reset_us / US)),
            }
        case _:
            return {}


def duration(seconds: float) -> str:
    """Give a duration as Go prints it: 12ms, 6s, 6m0s, 1h2m3s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = math.ceil(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    head = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "")
    return f"{head}{left}s"
