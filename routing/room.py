"""Whether there is room for one more call: limits, calls under way, second attempts. Pure.

One `Room` serves one decision: what it found about a provider holds for all its keys.
"""

from __future__ import annotations

from engine.jobs import Lane
from engine.moments import US_PER_S
from routing.admission import Lack
from routing.ranking import Option
from routing.requests import Wanted
from routing.state import ProviderState, SlotState

URGENT = Lane.P1  # up to here, the last of a fallback may be used
GRACE_US = 3 * US_PER_S  # a waiter of a higher lane may be so late and still come first
SOON_US = US_PER_S  # ... or so early
_MOST_BUSY_US = 30 * US_PER_S
_USUAL_CALL_US = US_PER_S


class Room:
    """The room that one request finds."""

    __slots__ = (
        "_again", "_found", "_lane", "_now", "_part", "_provider", "_spill", "_urgent_part"
    )  # fmt: skip

    def __init__(self, wanted: Wanted, urgent_share: float, now: int) -> None:
        self._lane = wanted.who.lane
        self._now = now
        self._again = {slot.provider for slot in wanted.tried}
        self._urgent_part = 1.0 - urgent_share if self._lane > URGENT else 1.0
        self._provider: ProviderState | None = None  # the last one that was asked, as
        self._spill = False  # ... spill or not, so
        self._part = 1.0  # ... for this part of its limits,
        self._found: Lack | None = None  # ... and what it lacks as a whole

    def lack(self, option: Option, tokens: int, *, spill: bool) -> Lack | None:
        """Say what there is no room in, None where there is."""
        state, key, provider = option.barriers
        if provider is not self._provider or spill != self._spill:
            self._provider, self._spill = provider, spill
            self._part = self._urgent_part if spill else 1.0
            self._found = self._at_provider(provider, self._part)
        if self._found is not None:
            return self._found
        if state.ramp and state.in_flight >= state.ramp:
            return self._just_opened(provider)
        return (
            key.allowance.lack(tokens, self._now, self._part)
            or state.allowance.lack(tokens, self._now, self._part)
            or self._spent(state, tokens)
        )

    def _at_provider(self, provider: ProviderState, part: float) -> Lack | None:
        busy = provider.in_flight
        if busy and busy > provider.concurrency * part - 1:  # one call always may be under way
            reserved = provider.in_flight < provider.concurrency
            return Lack(self._now + busy_us(provider), "calls under way", reserved)
        if provider.ramp and provider.in_flight >= provider.ramp:
            return self._just_opened(provider)
        if provider.waiting and self._lane > URGENT and urgent_due(provider, URGENT + 1, self._now):
            return Lack(self._now + SOON_US, "urgent work comes first")
        if self._again and self._beyond_retries(provider):
            return Lack(self._now + US_PER_S, "second attempts")
        return None

    def _beyond_retries(self, provider: ProviderState) -> bool:
        again = provider.name.removeprefix("provider:") in self._again
        return again and not provider.retries.admits(self._now)

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
