"""Faults to plant in the routing core: each takes one guard out, as a patch that a test applies.

Beside each stands the rule of `broken_rules` that must see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import routing.learning
import routing.router
from engine.jobs import Lane
from routing.limits import Reading
from routing.room import Room
from routing.state import Barrier
from routing.waiting import Waiting
from routing.weighing import Weighing
from tests.simulation.cascade import Setting, simulate
from tests.simulation.upstream import S

MOST_CALLS = 1.05  # a success
MOST_REJECTIONS = 30  # in ten throttled minutes
URGENT = (Lane.P0, Lane.P1, Lane.P2)
KILLS = 47 * S


def broken_rules(seed: int, *, killed: bool = False) -> set[str]:
    """Run a seed, undisturbed or with kills; name the rules that did not hold."""
    kills = KILLS if killed else 0
    report = simulate(Setting(seed=seed, minutes=25, kill_every=kills))
    rules = {
        "closed": report.to_closed == 0,
        "probe first": report.crowded == 0,
        "one probe": report.twins == 0,
        "calls a success": killed or report.calls_per_success <= MOST_CALLS,
        "few rejections": killed or report.rejections <= MOST_REJECTIONS,
        "urgent served": report.failed(*URGENT) == 0,
        "background waits": report.spilled == 0,
        "few decisions": report.asked <= 6 * max(report.successes, 1),
    }
    return {name for name, holds in rules.items() if not holds}


def forgotten_closure() -> Any:
    """What was closed is asked all the same."""
    return patch.object(Barrier, "close", lambda self, shut: None)


def deaf_to_headers() -> Any:
    """Every rejection is one without a time."""
    return patch.object(routing.router, "read_limits", lambda *_: Reading())


def opened_by_time() -> Any:
    """When its time has come, everybody goes through at once."""
    return patch("routing.weighing.standing", _only_what_lasts)


def _only_what_lasts(option: Any, now: int) -> Any:
    lasting = [b.last for b in option.barriers if b.last is not None and now < b.last.until]
    return (lasting[0] if lasting else None), False


def many_probes() -> Any:
    """Whoever finds something half open is a probe."""
    return patch.object(Weighing, "_may_probe", lambda self, provider: True)


def full_speed() -> Any:
    """What has just opened takes any number of calls, whatever its limit."""
    return patch.object(Room, "lack", lambda *_, **__: None)


def spilled_background() -> Any:
    """Background work goes wherever there is room."""
    return patch.object(Weighing, "waits", lambda self, group: False)


def lost_memory() -> Any:
    """A restart reads nothing back."""
    return patch.object(routing.router, "restore", lambda *_: None)


def everybody_at_once() -> Any:
    """All who wait are told the same instant."""
    return patch.object(Waiting, "told", lambda self, wanted, refusal, board, now: refusal)


# What is planted, the rule that must see it, and whether it takes a kill to see it.
PLANTED: Mapping[str, tuple[Callable[[], Any], str, bool]] = {
    "forgotten closure": (forgotten_closure, "closed", False),
    "deaf to headers": (deaf_to_headers, "closed", False),
    "opened by time": (opened_by_time, "probe first", False),
    "many probes": (many_probes, "one probe", False),
    "full speed": (full_speed, "few rejections", False),
    "spilled background": (spilled_background, "background waits", False),
    "lost memory": (lost_memory, "closed", True),
    "everybody at once": (everybody_at_once, "few decisions", False),
}
