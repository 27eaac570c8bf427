"""What the dispatcher is told about sessions, and what it wants done: plain values both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import HelioError
from engine.events import Event
from engine.messages import Order, Report
from store.work import Work

Claimed = tuple[str, int]  # (job, epoch): one claim


@dataclass(frozen=True, slots=True)
class Answered:
    """A session answered `start`: it took these orders and refused those."""

    session: str
    accepted: frozenset[Claimed]
    refused: Mapping[Claimed, str] = field(default_factory=dict)  # with the reason


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A `start` call failed or timed out; whether the orders arrived is not known."""

    session: str
    orders: frozenset[Claimed]


@dataclass(frozen=True, slots=True)
class Seen:
    """A session told what it has. `asked` is the number of the probe it answers."""

    session: str
    asked: int
    working: frozenset[Claimed]
    unreported: frozenset[Claimed] = frozenset()


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such session. `asked` is the number of the probe that did not find it."""

    session: str
    asked: int


Fact = Answered | Unanswered | Seen | Gone
Act = Callable[[Work], dict[str, Any]]


@dataclass(slots=True)
class Inbox:
    """Everything that came in since the last wake, in the order of its arrival.

    `sweep` asks for the safety sweep; it is where the steady clock stands (its anchor).
    """

    acts: list[Act] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    sweep: Mapping[str, Any] | None = None

    @property
    def quiet(self) -> bool:
        """Whether nothing came in that could make a job startable."""
        return not (self.acts or self.reports or self.facts)


@dataclass(slots=True)
class Wake:
    """What one wake decided; its transaction is durable when this exists.

    `answers` are in the order of the acts. `next_at` is when the next timer is due (steady or
    wall, whichever its job lives on), None when nothing waits for a time.
    """

    answers: list[dict[str, Any] | HelioError] = field(default_factory=list)
    orders: Mapping[str, list[Order]] = field(default_factory=dict)
    stops: list[tuple[str, str, int, str]] = field(default_factory=list)
    probes: list[tuple[str, int]] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    next_at: int | None = None
    stale: int = 0
    lost_wakes: int = 0
