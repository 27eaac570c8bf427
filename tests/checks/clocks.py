"""Invariant 12: a jump of the wall clock releases nothing early."""

from __future__ import annotations

from collections.abc import Iterator

from engine.jobs import JobState, Reason
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log, Step


def nothing_fires_early(case: Evidence, log: Log) -> Iterator[Violation]:
    """12: a delay ends when its own clock has come to its time, and no sooner."""
    for step in log.steps:
        if not step.left(JobState.DELAYED) or step.after.state is JobState.CANCELLED:
            continue
        shown = _shown(case, step)
        if shown is not None and step.before.run_at > shown:
            early_s = (step.before.run_at - shown) / 1_000_000
            told = f"{step.before.reason} ended {early_s:.3f} s early at seq {step.seq}"
            yield Violation("12 clocks", step.after.id, told)


def _shown(case: Evidence, step: Step) -> int | None:
    """What the clock showed on which the delay lives, where that is known."""
    if step.before.reason is Reason.BACKOFF:
        return step.at
    return case.wall_at(step.at) if case.wall_at else None


def time_goes_on(case: Evidence, _: Log) -> Iterator[Violation]:
    """12: the steady clock never goes back, whatever the wall clock does."""
    latest = 0
    for event in case.snapshot.events:
        if event.at < latest:
            told = f"told at {event.at}, after an event at {latest}"
            yield Violation("12 clocks", f"event {event.seq}", told)
            return
        latest = event.at
