"""Whether there is room for one more call: limits, calls under way, second attempts. Pure.

One `Room` serves one decision: what it found about a provider holds for all its keys.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.jobs import Lane
from engine.moments import US_PER_S
from routing.admission import Allowance, Window
from routing.ranking import Option
from routing.requests import Skip, SkipReason, Wanted
from routing.state import ProviderState, SlotState

URGENT = Lane.P1  # up to here, the last of a fallback may be used
GRACE_US = 3 * US_PER_S  # a waiter of a higher lane may be so late and still come first
SOON_US = US_PER_S  # ... or so early
_MOST_BUSY_US = 30 * US_PER_S
_USUAL_CALL_US = US_PER_S


@dataclass(frozen=True, slots=True)
class Lack:
    """No room until then; `reserved`: what there is belongs to P0 and P1."""

    until: int
    detail: str
    reserved: bool = False

    def skip(self, option: Option) -> Skip:
        """Give the skip of a candidate that lacks it."""
        reason = SkipReason.RESERVED if self.reserved else SkipReason.ADMISSION_FULL
        return Skip(option.slot, reason, self.until, self.detail)


class Room:
    """The room that one request finds."""

    __slots__ = ("_again", "_known", "_lane", "_now", "_urgent_part")

    def __init__(self, wanted: Wanted, urgent_share: float, now: int) -> None:
        self._lane = wanted.who.lane
        self._now = now
        self._again = {slot.provider for slot in wanted.tried}
        self._urgent_part = 1.0 - urgent_share if self._lane > URGENT else 1.0
        self._known: dict[tuple[str, float], Lack | None] = {}

    def lack(self, option: Option, tokens: int, *, spill: bool) -> Lack | None:
        """Say what there is no room in, None where there is."""
        part = self._urgent_part if spill else 1.0
        state, key, provider = option.state, option.key, option.provider
        if (provider.name, part) in self._known:
            found = self._known[provider.name, part]
        else:
            found = self._known[provider.name, part] = self._at_provider(provider, part)
        if found is not None:
            return found
        if state.ramp and state.in_flight >= state.ramp:
            return self._just_opened(provider)
        return (
            self._short(key.allowance, tokens, part)
            or self._short(state.allowance, tokens, part)
            or self._spent(state, tokens)
        )

    def _at_provider(self, provider: ProviderState, part: float) -> Lack | None:
        if provider.in_flight >= max(1, int(provider.concurrency * part)):
            reserved = provider.in_flight < provider.concurrency
            return Lack(self._now + busy_us(provider), "calls under way", reserved)
        if provider.ramp and provider.in_flight >= provider.ramp:
            return self._just_opened(provider)
        if self._lane > URGENT and urgent_due(provider, URGENT + 1, self._now):
            return Lack(self._now + SOON_US, "urgent work comes first")
        again = bool(self._again) and provider.name.removeprefix("provider:") in self._again
        if again and not provider.retries.admits(self._now):
            return Lack(self._now + US_PER_S, "second attempts")
        return None

    def _short(self, allowance: Allowance, tokens: int, part: float) -> Lack | None:
        found = None
        if allowance.requests is not None:
            found = self._beyond(allowance.requests, 1, part)
        if found is None and allowance.tokens is not None:
            found = self._beyond(allowance.tokens, tokens, part)
        return found

    def _beyond(self, window: Window, amount: int, part: float) -> Lack | None:
        until = window.free_at(amount, self._now, part)
        if until <= self._now:
            return None
        reserved = part < 1 and window.admits(amount, self._now)
        return Lack(until, f"{window.limit} a minute", reserved)

    def _spent(self, state: SlotState, tokens: int) -> Lack | None:
        """Take the provider's word of what is left until its reset."""
        requests, left = state.requests_left, state.tokens_left
        if requests is not None and not requests.admits(1, self._now):
            return Lack(requests.reset, "requests until the reset")
        if left is not None and self._now < left.reset:
            window = state.allowance.tokens
            most = window.limit if window is not None else left.left
            if not left.admits(min(tokens, most), self._now):
                return Lack(left.reset, "tokens until the reset")
        return None

    def _just_opened(self, provider: ProviderState) -> Lack:
        return Lack(self._now + busy_us(provider), "just opened")


def urgent_due(provider: ProviderState, lane: int, now: int) -> bool:
    """Whether somebody of a higher lane was told to come to a provider about now."""
    return bool(provider.waiting) and any(
        other < lane and now - GRACE_US <= due <= now + SOON_US
        for other, due in provider.waiting.items()
    )


def busy_us(provider: ProviderState) -> int:
    """Give about when one of the calls under way ends."""
    usual = provider.took or _USUAL_CALL_US
    return min(usual // max(provider.in_flight, 1) + 1, _MOST_BUSY_US)
