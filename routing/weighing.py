"""What speaks against one candidate for one request, now. Pure; used by `routing.waterfall`.

The order of the questions is the order of the reasons given: does the prompt fit, may it cost
anything, is it closed, was it tried, does the money do, is there room.
"""

from __future__ import annotations

from engine.jobs import Lane
from engine.moments import US_PER_S, us
from routing.budget import Limit
from routing.models import Deployment, Tier
from routing.ranking import Group, Option, Plan
from routing.requests import Skip, SkipReason, Wanted
from routing.room import Room, urgent_due
from routing.state import ProviderState, Shut
from routing.view import View

BACKGROUND = Lane.P3  # from here on, work waits for its first choice
PROBE_WAIT_US = US_PER_S  # how long to wait for what somebody else's probe finds
PATIENCE_US = 3600 * US_PER_S  # background work waits so long for a key that is used up
USUAL_OUTPUT = 4096  # tokens of an answer where neither caller nor catalogue names a most
_SILENT = (Tier.EMBED, Tier.AUDIO)  # their answers cost no tokens
_OF_KEYS = frozenset({"quota", "auth", "tripped", "not_found"})


class Weighing:
    """One request being weighed; `usd`, `probe` and `emergency` speak of the last candidate."""

    __slots__ = (
        "_alone", "_cap", "_frugal", "_limits", "_needs", "_now", "_purse", "_room", "_tokens",
        "_tried", "_view", "_wanted", "emergency", "plan", "probe", "usd",
    )  # fmt: skip

    def __init__(self, wanted: Wanted, plan: Plan, view: View, now: int) -> None:
        self._wanted, self.plan, self._view, self._now = wanted, plan, view, now
        self._purse = view.budgets.purse(wanted.who, now)
        self._needs = max(wanted.input_tokens + (wanted.max_tokens or 0), wanted.min_context)
        self._tried = wanted.tried
        self._alone = wanted.only is not None
        asks_room = view.policy.admits and not self._alone
        self._room = Room(wanted, view.settings.urgent_share, now) if asks_room else None
        self._tokens: dict[str, int] = {}
        lowers = self._purse.stepped and wanted.who.lane != Lane.P0
        self._cap = plan.lower if lowers else None
        self._frugal = self._purse.empty or self._cap is not None
        self._limits = view.budgets.limited_providers
        self.usd = 0.0
        self.probe = self.emergency = False

    def against(self, option: Option, *, spill: bool) -> Skip | None:
        """Say what speaks against a candidate, None where nothing does."""
        self.probe = self.emergency = False
        self.usd = 0.0
        skip = None
        state, key, provider = option.barriers
        barred = state.barred or key.barred or provider.barred
        if self._needs > option.context > 0:
            skip = self._too_long(option)
        elif not option.free and (self._frugal or not option.priced):
            skip = self._too_dear(option)
        if skip is None and barred and not self._alone:
            skip = self._closed(option)
        if skip is None and self._tried and option.slot in self._tried:
            skip = option.tried
        if skip is None and self._room is not None:
            lack = self._room.lack(option, self.tokens(option), spill=spill)
            skip = None if lack is None else lack.skip(state, option.slot)
        if skip is None and option.priced and not option.free:
            skip = self._unpaid(option)
        return skip

    def _too_long(self, option: Option) -> Skip:
        detail = f"{self._needs} tokens do not fit into {option.context}"
        return Skip(option.slot, SkipReason.CONTEXT_TOO_SMALL, 0, detail)

    # -- closed ---------------------------------------------------------------------------------
    def _closed(self, option: Option) -> Skip | None:
        state, key, provider = option.barriers
        half_open = False
        if not (key.barred or provider.barred):  # the usual cases first
            shut = state.last
        else:
            shut = None if key.barred or state.barred else provider.last
        if shut is None or self._now >= shut.until:
            shut, half_open = standing(option, self._now)
        if shut is not None:
            return shut.skip(state, option.slot)
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
        return not urgent_due(provider, self._wanted.who.lane, self._now)

    def waits(self, group: Group) -> bool:
        """Whether background work shall wait for its first choice instead of spilling."""
        if self._wanted.who.lane < BACKGROUND or self._wanted.only is not None:
            return False
        return any(self._worth_waiting(option) for option in group.options)

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
        prompt = self._wanted.input_tokens
        self.usd = option.cost(prompt, self.tokens(option) - prompt)
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

    # -- room -----------------------------------------------------------------------------------
    def tokens(self, option: Option) -> int:
        """Give what the call will take of limits of tokens: its prompt and its likely answer."""
        known = self._tokens.get(option.model)
        if known is None:
            known = self._wanted.input_tokens + self._output(option.candidate.deployment)
            self._tokens[option.model] = known
        return known

    def _output(self, deployment: Deployment) -> int:
        """Give how long the answer will be: the most allowed, or what is usual if that is less."""
        if deployment.tier in _SILENT:
            return 0
        most = self._wanted.max_tokens or deployment.max_output or USUAL_OUTPUT
        usual = self._view.outputs(self._wanted.who.worker, deployment.model)
        return most if usual is None else min(most, usual)


def standing(option: Option, now: int) -> tuple[Shut | None, bool]:
    """Give the closure that lasts longest, None if none does; and whether a probe is needed."""
    longest: Shut | None = None
    half_open = False
    for barrier in option.barriers:
        last = barrier.last
        if last is None:
            continue
        if now >= last.until:
            half_open = half_open or barrier.shut is not None
        elif longest is None or last.until > longest.until:
            longest = last
    return longest, half_open
