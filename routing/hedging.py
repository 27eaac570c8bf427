"""Asking a second provider when the first is slow: whether it may be done at all, and at whom.

Only what can be repeated without harm and calls no tools, only for P0 and P1, only at another
provider, only after the model's own 95th percentile of first bytes, only `hedge_share` of all
requests, and never at a provider that takes another's overflow already.
"""

from __future__ import annotations

from engine.settings import ModelSettings
from routing.admission import MINUTE_US, Window
from routing.ranking import Option, Plan
from routing.requests import Wanted
from routing.room import URGENT
from routing.weighing import Weighing

SPILLING_US = MINUTE_US  # a provider counts as spilled upon for so long after the last time
_WINDOW_LIMIT = 1  # of no meaning: the windows only count


class Hedges:
    """Counts requests and hedges of the last minute."""

    def __init__(self, settings: ModelSettings) -> None:
        self._share = settings.hedge_share
        self._requests = Window(_WINDOW_LIMIT, 1.0)
        self._hedges = Window(_WINDOW_LIMIT, 1.0)

    def request(self, now: int) -> None:
        """Count a request."""
        self._requests.take(1, now)

    def hedge(self, now: int) -> None:
        """Count a second call for one answer."""
        self._hedges.take(1, now)

    def allowed(self, now: int) -> bool:
        """Whether one more stays within the share."""
        if not self._share:
            return False
        return self._hedges.used(now) + 1 <= self._share * self._requests.used(now)


def hedge_after(wanted: Wanted, option: Option, plan: Plan, *, probe: bool) -> int:
    """Give after how many microseconds without a byte a second candidate may be asked, 0 never."""
    if not wanted.hedgeable or wanted.who.lane > URGENT or probe or wanted.only is not None:
        return 0
    others = any(group.options[0].provider is not option.provider for group in plan.groups)
    return (option.state.first_bytes.p95() or 0) if others else 0


def second(weighing: Weighing, first: Option, now: int) -> Option | None:
    """Give whom to ask as well: of the same rank, elsewhere, with nothing against it."""
    for group in weighing.plan.groups:
        for option in group.options:
            elsewhere = option.provider is not first.provider and option.rank == first.rank
            spilling = now - option.provider.spilled_at < SPILLING_US
            if not elsewhere or spilling:
                continue
            against = weighing.against(option, spill=True)
            if against is None and not weighing.probe and not weighing.emergency:
                return option
    return None
