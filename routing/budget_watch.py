"""Tells the house when a budget begins to step down, is used up, or has room again; each once."""

from __future__ import annotations

from routing.budget import EMERGENCY, Budgets, Limit, emergency_key
from routing.flights import Flight
from routing.ports import EntryKind
from routing.scribe import Scribe

OPEN, STEPPED, USED_UP = "open", "stepped", "used_up"


class BudgetWatch:
    """Remembers how each budget stood; what a restart finds is told once more."""

    def __init__(self, budgets: Budgets, scribe: Scribe) -> None:
        self._budgets = budgets
        self._scribe = scribe
        self._stood: dict[str, str] = {}

    def look(self, flight: Flight, now: int) -> None:
        """Compare the budgets of a call with how they stood before."""
        budgets = self._budgets
        limits = budgets.limits(flight.grant.wanted.who, flight.day)
        own = budgets.provider_limit(flight.option.slot.provider, flight.day)
        for limit in (*limits, own) if own else limits:
            if self._stood or budgets.stepped(limit):
                self._look_at(limit, now)
        if emergency_key(flight.day) in flight.keys:
            self.keep_emergency(flight.day)

    def keep_emergency(self, day: str) -> None:
        """Make durable what a day's emergencies have cost: no other sum tells it."""
        spent = self._budgets.spent.get(emergency_key(day), 0.0)
        self._scribe.add(EntryKind.STATE, EMERGENCY, {"day": day, "usd": spent})

    def _look_at(self, limit: Limit, now: int) -> None:
        stands = self._standing(limit)
        if self._stood.get(limit.key, OPEN) == stands:
            return
        if stands == OPEN:
            del self._stood[limit.key]
        else:
            self._stood[limit.key] = stands
        self._scribe.notice(
            kind="budget",
            slot="",
            budget=limit.key,
            stands=stands,
            reason=stands,
            spent=self._budgets.spent.get(limit.key, 0.0),
            reserved=self._budgets.reserved.get(limit.key, 0.0),
            limit=limit.usd,
            until=self._budgets.day_of(now).ends if limit.daily else 0,
            at=now,
        )

    def _standing(self, limit: Limit) -> str:
        if not self._budgets.stepped(limit):
            return OPEN
        return STEPPED if self._budgets.pays(limit, 1e-6) else USED_UP
