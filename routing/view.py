"""What a choice reads: plans, settings, sums, habits. The states stand in the plans' options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine.settings import ModelSettings
from routing.budget import Budgets
from routing.models import Slot
from routing.ranking import Plan
from routing.requests import Refusal, Wanted


@dataclass(frozen=True, slots=True)
class Policy:
    """What the core does about overload; all of it, except where its worth is measured."""

    remembers: bool = True  # what is closed is not asked
    admits: bool = True  # limits are kept by ourselves
    defers: bool = True  # background work waits, and in line, instead of spilling


WHOLE = Policy()


class Plans(Protocol):
    """Gives the plan of each kind of request."""

    def of(self, wanted: Wanted) -> Plan | Refusal:
        """Give who could answer, or why the request cannot be understood."""


@dataclass(slots=True)
class View:
    """All that a choice reads."""

    plans: Plans
    settings: ModelSettings
    budgets: Budgets
    outputs: Callable[[str, str], int | None]  # (worker, model) -> p95 of answer tokens
    served: Mapping[tuple[str, str], Slot] = field(default_factory=dict)  # (session, model)
    policy: Policy = WHOLE
