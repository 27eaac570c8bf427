"""The plans of the kinds of requests that came so far: made once, until the catalogue changes."""

from __future__ import annotations

from collections.abc import Hashable

from engine.jobs import Lane
from routing.models import Catalogue
from routing.ranking import Plan, plan
from routing.requests import Refusal, Wanted
from routing.resolving import nothing_configured, resolve
from routing.state import Board

_KEPT = 1000  # kinds of requests


class PlanBook:
    """Keeps them. Two requests of one kind differ in nothing that a plan depends on."""

    def __init__(self, catalogue: Catalogue, board: Board) -> None:
        self.catalogue = catalogue
        self._board = board
        self._plans: dict[Hashable, Plan | Refusal] = {}

    def use(self, catalogue: Catalogue) -> None:
        """Forget all plans: the catalogue is another one."""
        self.catalogue = catalogue
        self._plans.clear()

    def of(self, wanted: Wanted) -> Plan | Refusal:
        """Give who could answer, or why the request cannot be understood."""
        who = wanted.who
        kind = (
            wanted.asked, wanted.purpose, wanted.abilities, wanted.dialect, wanted.only,
            wanted.login, who.tier, who.lane <= Lane.P1, who.floor, who.avoid, who.pinned,
        )  # fmt: skip
        known = self._plans.get(kind)
        if known is None:
            if len(self._plans) >= _KEPT:
                self._plans.clear()
            known = self._plans[kind] = self._make(wanted)
        return known

    def _make(self, wanted: Wanted) -> Plan | Refusal:
        if not self.catalogue.providers:
            return nothing_configured()
        meant = resolve(wanted, self.catalogue)
        if isinstance(meant, Refusal):
            return meant
        return plan(wanted, meant, self.catalogue, self._board)
