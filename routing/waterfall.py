"""The choice: who answers a request now, and for everybody passed over the reason. Pure.

`choose` walks the plan from the best candidate on and takes the first that nothing speaks
against. It reads states and sums and changes none; whoever calls it books what it says
(`routing.router`). What each reason means and which number is behind it: docs/routing.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from routing.ranking import Group, Option, Plan
from routing.requests import Refusal, Skip, SkipReason, Wanted
from routing.view import View
from routing.weighing import BACKGROUND, Weighing

# Reasons that do not say that the first choice is closed: the next one is the first choice then.
_NO_CHOICE = frozenset({SkipReason.CONTEXT_TOO_SMALL, SkipReason.OVER_BUDGET, SkipReason.UNPRICED})
_SAMPLE_TOKENS = 1000  # prices are compared by


@dataclass(frozen=True, slots=True)
class Choice:
    """Who shall be asked, None for nobody; and what it takes."""

    plan: Plan
    option: Option | None
    skips: tuple[Skip, ...]
    usd: float = 0.0  # to be reserved
    tokens: int = 0  # to be taken of the limits
    probe: bool = False
    spill: bool = False
    emergency: bool = False


def choose(wanted: Wanted, view: View, now: int) -> Choice | Refusal:
    """Give the first candidate that nothing speaks against, with a reason for all before it."""
    plan = view.plans.of(wanted)
    if isinstance(plan, Refusal):
        return plan
    weighing = Weighing(wanted, plan, view, now)
    loyal = _loyal(wanted, plan, view)
    if loyal is not None and weighing.against(loyal, spill=not loyal.first) is None:
        return _chosen(weighing, loyal, plan.unfit, spill=not loyal.first)
    skips = list(plan.unfit)
    spill = False
    for group in plan.groups:
        told: list[Skip] = []
        for option in group.by_load():
            against = weighing.against(option, spill=spill)
            if against is None:
                return _chosen(weighing, option, (*skips, *told), spill=spill)
            told.append(against)
        skips += told
        if not spill and any(skip.reason not in _NO_CHOICE for skip in told):
            spill = True
            if view.policy.defers and weighing.waits(group):
                skips += _deferred(plan, group)
                break
    return Choice(plan, None, tuple(skips))


def _chosen(weighing: Weighing, option: Option, skips: Sequence[Skip], *, spill: bool) -> Choice:
    return Choice(
        plan=weighing.plan,
        option=option,
        skips=tuple(skips),
        usd=weighing.usd,
        tokens=weighing.tokens(option),
        probe=weighing.probe,
        spill=spill,
        emergency=weighing.emergency,
    )


def _loyal(wanted: Wanted, plan: Plan, view: View) -> Option | None:
    """Give whoever served this session last, if it is as good as the first choice.

    The prompt is in its cache. Background work stays with the first choice all the same: else a
    spill of long ago would go on for ever.
    """
    if not plan.groups or not wanted.who.session:
        return None
    first = plan.groups[0].options[0]
    slot = view.served.get((wanted.who.session, first.model))
    loyal = plan.by_slot.get(slot) if slot is not None else None
    if loyal is None or loyal.model != first.model or loyal.state.barred:
        return None
    if loyal.first:
        return loyal
    dearer = loyal.cost(_SAMPLE_TOKENS, _SAMPLE_TOKENS) > first.cost(_SAMPLE_TOKENS, _SAMPLE_TOKENS)
    return None if dearer or wanted.who.lane >= BACKGROUND else loyal


def _deferred(plan: Plan, waited_for: Group) -> list[Skip]:
    behind = plan.groups[plan.groups.index(waited_for) + 1 :]
    return [option.deferred for group in behind for option in group.options]
