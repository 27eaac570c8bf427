"""Nobody can be asked now: which kind of no it is, until when, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable

from routing.ranking import Plan
from routing.requests import Refusal, RefusalKind, Skip, SkipReason, Wanted
from routing.resolving import AUTO, nothing_configured
from routing.waterfall import Choice

_CLOSED = frozenset(
    {
        SkipReason.RATE_LIMITED,
        SkipReason.BREAKER_OPEN,
        SkipReason.PROBING,
        SkipReason.ADMISSION_FULL,
        SkipReason.RESERVED,
        SkipReason.DEFERRED,
    }
)
_UNCONFIGURED = frozenset({SkipReason.NO_KEY, SkipReason.DISABLED})


def refusal(wanted: Wanted, choice: Choice) -> Refusal:
    """Give the refusal for a choice that found nobody."""
    skips = choice.skips
    reasons = {skip.reason for skip in skips}
    if reasons & _CLOSED:
        return _closed(wanted, skips, deferred=SkipReason.DEFERRED in reasons)
    if SkipReason.OVER_BUDGET in reasons:
        return _over_budget(skips)
    if SkipReason.TRIED in reasons:
        return Refusal(
            kind=RefusalKind.FAILED,
            message=f"Every model that could answer {_asked(wanted)} was tried, and all failed.",
            remedy="How each stands: helio model list",
            skips=skips,
        )
    if reasons <= _UNCONFIGURED:
        return _unconfigured(choice.plan, skips)
    return _unfit(wanted, skips)


def earliest(skips: Iterable[Skip]) -> int:
    """Give the first known time at which one of the closed candidates can be tried; 0 if none."""
    return min({s.until for s in skips if s.until and s.reason in _CLOSED}, default=0)


def _closed(wanted: Wanted, skips: tuple[Skip, ...], *, deferred: bool) -> Refusal:
    what = "Its first choice is" if deferred else "Every model that could answer is"
    return Refusal(
        kind=RefusalKind.CLOSED,
        message=f"{what} closed or full at the moment: {_asked(wanted)} must wait.",
        remedy="Nothing needs to be done: it can go on at the time given.",
        until=earliest(skips),
        skips=skips,
    )


def _over_budget(skips: tuple[Skip, ...]) -> Refusal:
    over = [skip for skip in skips if skip.reason is SkipReason.OVER_BUDGET]
    return Refusal(
        kind=RefusalKind.BUDGET,
        message=f"No money is left for this call: {over[0].detail}.",
        remedy="Wait for the next day, or raise the limit under [budgets] in config.toml.",
        until=min((skip.until for skip in over if skip.until), default=0),
        skips=skips,
    )


def _unconfigured(plan: Plan, skips: tuple[Skip, ...]) -> Refusal:
    if not skips:
        nothing = nothing_configured()
        return Refusal(
            kind=nothing.kind,
            message=f"No {plan.meant.tier} model is configured, and none that may stand in.",
            remedy=nothing.remedy,
        )
    first = skips[0]
    slot, why = first.slot, first.detail or str(first.reason)
    who = "" if slot.key == "-" else f"{slot.provider}/{slot.key}: "
    return Refusal(
        kind=RefusalKind.NOTHING_CONFIGURED,
        message=f"No model can be asked: {who}{why}.",
        remedy=(
            f"Give {slot.provider} a key that works: helio secret set NAME, with the name that "
            "stands under its keys in models.toml. `helio check` tells which one is missing."
        ),
        skips=skips,
    )


def _unfit(wanted: Wanted, skips: tuple[Skip, ...]) -> Refusal:
    told = dict.fromkeys(f"{skip.reason}: {skip.detail}".removesuffix(": ") for skip in skips)
    if {skip.reason for skip in skips} == {SkipReason.SAME_FAMILY}:
        return _of_one_family(wanted, skips)
    remedy = "Ask for another model, or change what is required: helio model list"
    if any(skip.reason is SkipReason.UNPRICED for skip in skips):
        remedy = "Give the model a price in models.toml, or set models.allow_unpriced."
    return Refusal(
        kind=RefusalKind.UNFIT,
        message=f"No configured model can answer {_asked(wanted)} ({'; '.join(told)}).",
        remedy=remedy,
        skips=skips,
    )


def _of_one_family(wanted: Wanted, skips: tuple[Skip, ...]) -> Refusal:
    families = ", ".join(sorted(set(wanted.who.avoid)))
    return Refusal(
        kind=RefusalKind.UNFIT,
        message=f"No model of another family than {families} is configured.",
        remedy="Add a provider of another family to models.toml: helio model init",
        skips=skips,
    )


def _asked(wanted: Wanted) -> str:
    return "this request" if wanted.asked in ("", AUTO) else repr(wanted.asked)
