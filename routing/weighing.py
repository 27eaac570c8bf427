"""What speaks against one candidate for one request, now. Pure; used by `routing.waterfall`.

The order of the questions is the order of the reasons given: does the prompt fit, may it cost
anything, is it closed, was it tried, does the money do, is there room.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.jobs import Lane
from engine.moments import US_PER_S, us
from routing.admission import Window
from routing.budget import Limit
from routing.models import Tier
from routing.ranking import Option, Plan
from routing.requests import Skip, SkipReason, Wanted
from routing.state import ProviderState, Shut
from routing.view import View

BACKGROUND = Lane.P3  # from here on, work waits for its first choice
URGENT = Lane.P1  # up to here, the last of a fallback may be used
GRACE_US = 3 * US_PER_S  # a waiter of a higher lane may be so late and still come first
PROBE_WAIT_US = US_PER_S  # how long to wait for what somebody else's probe finds
PATIENCE_US = 3600 * US_PER_S  # background work waits so long for a key that is used up
USUAL_OUTPUT = 4096  # tokens of an answer where neither caller nor catalogue names a most
_SILENT = (Tier.EMBED, Tier.AUDIO)  # their answers cost no tokens
_OF_KEYS = frozenset({"quota", "auth", "tripped", "not_found"})
_MOST_BUSY_US = 30 * US_PER_S
_USUAL_CALL_US = US_PER_S


class Weighing:
    """One request being weighed; `usd`, `probe` and `emergency` speak of the last candidate."""

    __slots__ = (
        "_again", "_cap", "_limits", "_needs", "_now", "_purse", "_view", "_wanted",
        "emergency", "plan", "probe", "usd",
    )  # fmt: skip

    def __init__(self, wanted: Wanted, plan: Plan, view: View, now: int) -> None:
        self._wanted, self.plan, self._view, self._now = wanted, plan, view, now
        self._purse = view.budgets.purse(wanted.who, now)
        self._needs = max(wanted.input_tokens + (wanted.max_tokens or 0), wanted.min_context)
        self._again = {slot.provider for slot in wanted.tried}
        lowers = self._purse.stepped and wanted.who.lane != Lane.P0
        self._cap = plan.lower if lowers else None
        self._limits = view.budgets.limited_providers
        self.usd = 0.0
        self.probe = self.emergency = False

    def against(self, option: Option, *, spill: bool) -> Skip | None:
        """Say what speaks against a candidate, None where nothing does."""
        self.probe = self.emergency = False
        self.usd = 0.0
        barred = option.state.barred or option.key.barred or option.provider.barred
        skip = self._too_long(option) or (None if option.free else self._too_dear(option))
        if skip is None and barred and self._wanted.only is None:
            skip = self._closed(option)
        if skip is None and option.slot in self._wanted.tried:
            skip = option.tried
        if skip is None and option.priced and not option.free:
            skip = self._unpaid(option)
        if skip is None and self._wanted.only is None and self._view.policy.admits:
            skip = self._full(option, spill=spill)
        return skip

    def _too_long(self, option: Option) -> Skip | None:
        context = option.candidate.deployment.context
        if not context or self._needs <= context:
            return None
        detail = f"{self._needs} tokens do not fit into {context}"
        return Skip(option.slot, SkipReason.CONTEXT_TOO_SMALL, 0, detail)

    # -- closed ---------------------------------------------------------------------------------
    def _closed(self, option: Option) -> Skip | None:
        shut, half_open = standing(option, self._now)
        if shut is not None:
            return shut.skip(option.slot)
        if not half_open:
            return None
        if self._may_probe(option.provider):
            self.probe = True
            return None
        return Skip(option.slot, SkipReason.PROBING, self._now + PROBE_WAIT_US)

    def _may_probe(self, provider: ProviderState) -> bool:
        """Whether the one probe is free, and no higher lane was told to come back about now."""
        if provider.probe and self._now < provider.probe_ends:
            return False
        soon, late = self._now + PROBE_WAIT_US, self._now - GRACE_US
        return not any(
            lane < self._wanted.who.lane and late <= due <= soon
            for lane, due in provider.waiting.items()
        )

    def waits(self, group: tuple[Option, ...]) -> bool:
        """Whether background work shall wait for its first choice instead of spilling."""
        if self._wanted.who.lane < BACKGROUND or self._wanted.only is not None:
            return False
        return any(self._worth_waiting(option) for option in group)

    def _worth_waiting(self, option: Option) -> bool:
        shut, half_open = standing(option, self._now)
        if shut is not None:
            left = shut.until - self._now
            if shut.reason is SkipReason.BREAKER_OPEN and shut.why != "tripped":
                return False
            if shut.why in _OF_KEYS:
                return shut.known and left <= PATIENCE_US
            return shut.known or left <= us(self._view.settings.backoff_ladder_s[0])
        if half_open:
            return option.provider.shut is None
        return option.slot not in self._wanted.tried

    # -- money ----------------------------------------------------------------------------------
    def _too_dear(self, option: Option) -> Skip | None:
        """Refuse what needs no sum to be refused: no price, no money at all, too high a tier."""
        if not option.priced and not self._view.settings.allow_unpriced:
            return option.unpriced
        if self._purse.empty and not self._in_emergency(0.0):
            return self._over(option, self._purse.tight, "is used up")
        if self._cap is not None and option.rank > self._cap:
            return self._over(option, self._purse.tight, "is nearly used up: a lower tier answers")
        return None

    def _unpaid(self, option: Option) -> Skip | None:
        """Work out the reserve, and refuse what the budgets do not hold."""
        self.usd = option.cost(self._wanted.input_tokens, self.output(option))
        own = None
        if option.slot.provider in self._limits:
            budgets = self._view.budgets
            own = budgets.provider_limit(option.slot.provider, budgets.day_of(self._now).name)
            if own and self._lowers(own) and option.rank > (self.plan.lower or 0):
                return self._over(option, own, "is nearly used up: a lower tier answers")
        purse = self._purse
        if purse.pays(self.usd) and (own is None or self._view.budgets.pays(own, self.usd)):
            return None
        if self._in_emergency(self.usd):
            self.emergency = True
            return None
        missing = purse.tight if not purse.pays(self.usd) else own
        return self._over(option, missing, f"does not hold another {self.usd:.4f} USD")

    def _lowers(self, own: Limit) -> bool:
        urgent = self._wanted.who.lane == Lane.P0
        return not urgent and self.plan.lower is not None and self._view.budgets.stepped(own)

    def _in_emergency(self, usd: float) -> bool:
        return self._wanted.who.lane == Lane.P0 and self._purse.rescues(usd)

    def _over(self, option: Option, limit: Limit | None, what: str) -> Skip:
        ends = self._view.budgets.day_of(self._now).ends
        until = ends if limit is None or limit.daily else 0
        name = limit.key if limit else "the budget"
        return Skip(option.slot, SkipReason.OVER_BUDGET, until, f"{name} {what}")

    def output(self, option: Option) -> int:
        """Give how long the answer will be: the most allowed, or what is usual if that is less."""
        deployment = option.candidate.deployment
        if deployment.tier in _SILENT:
            return 0
        most = self._wanted.max_tokens or deployment.max_output or USUAL_OUTPUT
        usual = self._view.outputs(self._wanted.who.worker, option.model)
        return most if usual is None else min(most, usual)

    # -- room -----------------------------------------------------------------------------------
    def tokens(self, option: Option) -> int:
        """Give what the call will take of limits of tokens."""
        return self._wanted.input_tokens + self.output(option)

    def _full(self, option: Option, *, spill: bool) -> Skip | None:
        provider, settings = option.provider, self._view.settings
        part = 1.0
        if spill and self._wanted.who.lane > URGENT:
            part -= settings.urgent_share
        if provider.in_flight >= max(1, int(provider.concurrency * part)):
            until = self._now + busy_us(provider)
            full = provider.in_flight >= provider.concurrency
            return _no_room(option, until, full=full, detail="calls under way")
        for window, amount in self._windows(option):
            if not window.admits(amount, self._now, part):
                until = window.free_at(amount, self._now, part)
                full = part >= 1 or not window.admits(amount, self._now)
                return _no_room(option, until, full=full, detail=f"{window.limit} a minute")
        return self._spent_headroom(option) or self._too_many_retries(option)

    def _windows(self, option: Option) -> Iterator[tuple[Window, int]]:
        state, provider = option.state, option.provider
        for window in (state.requests, provider.requests):
            if window is not None:
                yield window, 1
        for window in (state.tokens, provider.tokens):
            if window is not None:
                yield window, self.tokens(option)

    def _spent_headroom(self, option: Option) -> Skip | None:
        state = option.state
        requests, tokens = state.requests_left, state.tokens_left
        if requests is not None and not requests.admits(1, self._now):
            return _no_room(option, requests.reset, full=True, detail="requests until the reset")
        if tokens is not None and self._now < tokens.reset:
            most = state.tokens.limit if state.tokens is not None else tokens.left
            if not tokens.admits(min(self.tokens(option), most), self._now):
                return _no_room(option, tokens.reset, full=True, detail="tokens until the reset")
        return None

    def _too_many_retries(self, option: Option) -> Skip | None:
        again = option.slot.provider in self._again
        if not again or option.provider.retries.admits(self._now):
            return None
        until = self._now + US_PER_S
        return _no_room(option, until, full=True, detail="second attempts")


def standing(option: Option, now: int) -> tuple[Shut | None, bool]:
    """Give the closure that lasts longest, None if none does; and whether a probe is needed."""
    last: Shut | None = None
    half_open = False
    for barrier in (option.state, option.key, option.provider):
        for shut in (barrier.shut, barrier.trip):
            if shut is None:
                continue
            if now < shut.until:
                last = shut if last is None or shut.until > last.until else last
            elif shut is barrier.shut:
                half_open = True
    return last, half_open


def busy_us(provider: ProviderState) -> int:
    """Give about when one of the calls under way ends."""
    usual = provider.took or _USUAL_CALL_US
    return min(usual // max(provider.in_flight, 1) + 1, _MOST_BUSY_US)


def _no_room(option: Option, until: int, *, full: bool, detail: str) -> Skip:
    reason = SkipReason.ADMISSION_FULL if full else SkipReason.RESERVED
    return Skip(option.slot, reason, until, detail)
