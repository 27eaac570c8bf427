"""One parser for every way in which providers tell their rate limits, on success and on failure.

Understood are `retry-after` (seconds or an HTTP date) and `retry-after-ms`; OpenAI's
`x-ratelimit-{limit,remaining,reset}-{requests,tokens}` with durations like ``6m0s``, and the same
without an ending as others send it; Anthropic's `anthropic-ratelimit-*` with RFC 3339 times and
its `unified` status with epoch seconds; the IETF draft's `ratelimit-*`; LiteLLM's prefix before
any of these; and in bodies `resets_in_seconds`, Gemini's `retryDelay` and "try again in 46.72s".

Untrusted text comes in, values come out: what cannot be read or lies in the past says nothing.
Which slot it closes, this module does not know.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from engine.moments import US_PER_S, us

MOST_WAIT_S = 35 * 86_400  # no reset is believed to be further away
_MOST_DEPTH = 6  # of a body
_MOST_TEXT = 4_000
_LITELLM = "llm_provider-"
_EPOCH_S = 1e9  # a plain number from here on is a time and not a duration
_EPOCH_MS = 1e11
_UNITS_S = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0,
}  # fmt: skip
_PART = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*(ns|us|µs|ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern}\s*)+")
_AGAIN = re.compile(
    r"(?:try again|retry|retry again|reset(?:s)?|available)\s+(?:in|after)\s+"
    r"(\d{1,9}(?:\.\d{1,9})?)\s*(milliseconds|ms|seconds|second|secs|sec|s|minutes|minute|mins|min|"
    r"m|hours|hour|h)?((?:\s*\d{1,9}(?:\.\d{1,9})?\s*(?:ms|s|m)\b)*)",
    re.IGNORECASE,
)
_WORDS_S = {"milliseconds": 1e-3, "ms": 1e-3, "m": 60.0, "h": 3600.0}
_DIALECTS = (
    ("requests", "anthropic-ratelimit-requests-{}"),
    ("requests", "x-ratelimit-{}-requests"),
    ("requests", "x-ratelimit-{}-requests-minute"),
    ("requests", "x-ratelimit-{}"),
    ("requests", "ratelimit-{}"),
    ("tokens", "anthropic-ratelimit-tokens-{}"),
    ("tokens", "x-ratelimit-{}-tokens"),
    ("tokens", "x-ratelimit-{}-tokens-minute"),
    ("input_tokens", "anthropic-ratelimit-input-tokens-{}"),
    ("output_tokens", "anthropic-ratelimit-output-tokens-{}"),
)
# What is limited -> the names of limit, remaining and reset in each dialect.
_NAMES = {
    what: tuple(
        (form.format("limit"), form.format("remaining"), form.format("reset"))
        for spoken_of, form in _DIALECTS
        if spoken_of == what
    )
    for what in ("requests", "tokens", "input_tokens", "output_tokens")
}


@dataclass(frozen=True, slots=True)
class Meter:
    """One limit as the provider tells it; None is not told. `reset` is an instant, 0 unknown."""

    limit: int | None = None
    remaining: int | None = None
    reset: int = 0


SILENT = Meter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that one answer tells of limits. Times are instants in microseconds, 0 is unknown."""

    requests: Meter = SILENT
    tokens: Meter = SILENT
    input_tokens: Meter = SILENT
    output_tokens: Meter = SILENT
    retry_at: int = 0  # the provider's word on when to come back
    rejected: bool = False  # the whole plan is used up (Anthropic's unified status)
    rejected_until: int = 0

    @property
    def meters(self) -> tuple[Meter, ...]:
        """All limits."""
        return (self.requests, self.tokens, self.input_tokens, self.output_tokens)

    def exhausted_until(self) -> int:
        """When the last of the used-up limits renews; 0 where none is used up or nobody knows."""
        return max((m.reset for m in self.meters if m.remaining == 0), default=0)

    def closed_until(self) -> int:
        """When a refused call may be made again, 0 unknown.

        The provider's own word comes first, then the resets of what is used up; if nothing says
        that it is used up, the earliest reset there is.
        """
        resets = [meter.reset for meter in self.meters if meter.reset]
        return self.retry_at or self.exhausted_until() or min(resets, default=0)


def read_limits(headers: Mapping[str, str], body: Mapping[str, Any], now: int) -> Reading:
    """Read an answer's headers, and an error's body."""
    said = {_plain(name): str(value) for name, value in headers.items()}
    status = said.get("anthropic-ratelimit-unified-status", "")
    overage = said.get("anthropic-ratelimit-unified-overage-status", "")
    return Reading(
        requests=_meter(said, "requests", now),
        tokens=_meter(said, "tokens", now),
        input_tokens=_meter(said, "input_tokens", now),
        output_tokens=_meter(said, "output_tokens", now),
        retry_at=_retry_at(said, now) or _body_time(body, now),
        rejected=status == "rejected" and overage != "allowed",
        rejected_until=_instant(said.get("anthropic-ratelimit-unified-reset", ""), now),
    )


def _plain(name: str) -> str:
    return name.lower().removeprefix(_LITELLM)


# -- headers --------------------------------------------------------------------------------------
def _meter(said: Mapping[str, str], what: str, now: int) -> Meter:
    """Read one limit in whichever dialect it is told; the first that says anything counts."""
    for limit, remaining, reset in _NAMES[what]:
        if limit in said or remaining in said or reset in said:
            return Meter(
                _count(said.get(limit, "")),
                _count(said.get(remaining, "")),
                _instant(said.get(reset, ""), now),
            )
    return SILENT


def _count(text: str) -> int | None:
    """Read a number of requests or tokens; drafts add a policy behind a comma or semicolon."""
    number = _number(re.split(r"[,;]", text, maxsplit=1)[0])
    return int(number) if number is not None and 0 <= number < _EPOCH_MS else None


def _retry_at(said: Mapping[str, str], now: int) -> int:
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        number = _number(said.get(name, ""))
        if number is not None:
            return _after(number / 1000, now)
    return _instant(said.get("retry-after", ""), now)


def _instant(text: str, now: int) -> int:
    """Read a time in any of the forms that providers use; 0 when it says nothing of the future."""
    text = text.strip()[:_MOST_TEXT]
    number = _number(text)
    if number is not None:
        return _from_number(number, now)
    if _DURATION.fullmatch(text):
        return _after(sum(float(n) * _UNITS_S[unit] for n, unit in _PART.findall(text)), now)
    return _date(text, now)


def _from_number(number: float, now: int) -> int:
    if number >= _EPOCH_MS:
        return _after(number / 1000 - now / US_PER_S, now)
    if number >= _EPOCH_S:
        return _after(number - now / US_PER_S, now)
    return _after(number, now)


def _date(text: str, now: int) -> int:
    """Read RFC 3339, or an HTTP date."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        try:
            return _after(found.timestamp() - now / US_PER_S, now)
        except (ValueError, OverflowError):
            return 0
    return 0


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _after(seconds: float, now: int) -> int:
    """Give the instant so many seconds from now, 0 unless it lies ahead and can be believed."""
    if not 0 < seconds <= MOST_WAIT_S:
        return 0
    return now + max(us(seconds), 1)


# -- bodies ---------------------------------------------------------------------------------------
def _body_time(body: Mapping[str, Any], now: int) -> int:
    """Find when to come back in an error's body."""
    found = [_field_time(name, value, now) for name, value in _fields(body, _MOST_DEPTH)]
    return max(found, default=0)


def _fields(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Give every named leaf of a JSON value, to a depth."""
    if depth == 0:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, Mapping | list | tuple):
                yield from _fields(inner, depth - 1)
            else:
                yield str(name).lower().replace("-", "_"), inner
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _fields(inner, depth - 1)


def _field_time(name: str, value: Any, now: int) -> int:
    if isinstance(value, bool) or value is None:
        return 0
    text = str(value)[:_MOST_TEXT]
    match name:
        case "resets_in_seconds" | "retry_after" | "retry_after_seconds" | "reset_after":
            number = _number(text)
            return _after(number, now) if number is not None else _instant(text, now)
        case "resets_at" | "reset_at" | "retrydelay" | "retry_delay" | "x_ratelimit_reset":
            return _instant(text, now)
        case "retry_after_ms":
            number = _number(text)
            return _after(number / 1000, now) if number is not None else 0
        case "message" | "text" | "error" | "detail" | "description":
            return _words(text, now)
        case _:
            return 0


def _words(text: str, now: int) -> int:
    """Find "try again in 46.72s", "retry in 1m30s" and their like."""
    found = _AGAIN.search(text)
    if found is None:
        return 0
    number, unit, more = found.groups()
    unit = (unit or "s").lower()
    scale = _WORDS_S.get(unit) or (60.0 if unit.startswith("min") else 1.0)
    if unit.startswith("hour"):
        scale = 3600.0
    seconds = float(number) * scale
    seconds += sum(float(n) * _UNITS_S[u.lower()] for n, u in _PART.findall(more or ""))
    return _after(seconds, now)
