"""What a session's core can want and be told: plain values, no behaviour that touches the world.

The core returns effects; the shell around it (`actors.session`, or a simulation) carries them
out and comes back with facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.messages import Order, Report
from engine.outcomes import Outcome


class Why(StrEnum):
    """Why an order is ended from outside, weakest first; a stronger reason replaces a weaker."""

    STUCK = "stuck"  # a progress clock ran out
    THROTTLE = "throttle"  # every model that may answer it is closed until a known time
    PREEMPT = "preempt"  # more urgent work wants the directory
    DRAIN = "drain"  # the house shuts down in good order
    HALT = "halt"  # the owner's `helio halt`: at once, without grace
    CANCEL = "cancel"  # the owner wants no result of it any more
    SUPERSEDED = "superseded"  # a newer epoch of the same job came in


STRENGTH = {why: rank for rank, why in enumerate(Why)}


@dataclass(frozen=True, slots=True)
class Spawn:
    """Begin this order; its slot is taken from now on."""

    order: Order


@dataclass(frozen=True, slots=True)
class Stop:
    """End this order's process tree and come back with `ended` when nothing of it is left."""

    job: str
    epoch: int
    why: Why


@dataclass(frozen=True, slots=True)
class Tell:
    """These reports joined the outbox: send what is pending."""

    reports: tuple[Report, ...]


Effect = Spawn | Stop | Tell


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order's process tree ended, as its backend reads it.

    `by_itself` is true when the main process was over before anybody signalled it: then the
    outcome is the work's own, and not the echo of a stop. `turns` are what it adds to its
    conversation; they are kept with the outcome, or dropped with it.
    """

    outcome: Outcome
    by_itself: bool = True
    turns: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that was not taken, and why."""

    job: str
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What `start` says: (job, epoch) of each order that is here now, and the refusals."""

    accepted: tuple[tuple[str, int], ...]
    refused: tuple[Refusal, ...]
