"""Invariant 10: a decision survives restarts, is answered once, and applies once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from engine.events import EventKind
from engine.jobs import JobState
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log, Step


def answered_once(case: Evidence, _: Log) -> Iterator[Violation]:
    """10: one answer a decision, the one that was acknowledged."""
    closed = Counter(
        event.subject
        for event in case.snapshot.events
        if event.kind in (EventKind.DECISION_ANSWERED, EventKind.DECISION_EXPIRED)
    )
    for decision, count in closed.items():
        if count > 1:
            yield Violation("10 decisions", decision, f"closed {count} times")
    told: dict[str, list[str]] = defaultdict(list)
    for op in case.acked("answer"):
        told[str(op.body["id"])].append(str(op.body["option"]))
    rows = {row.id: row for row in case.snapshot.decisions}
    for decision, options in told.items():
        if len(options) > 1:
            yield Violation("10 decisions", decision, f"acknowledged {len(options)} answers")
        row = rows.get(decision)
        if row is not None and (row.state != "answered" or row.answer not in options):
            said = f"acknowledged {options}, stored as {row.state} {row.answer!r}"
            yield Violation("10 decisions", decision, said)


def applied_once(case: Evidence, log: Log) -> Iterator[Violation]:
    """10: as often as a job was let go on, something had let it: an answer, a signal, a time."""
    releases: Counter[str] = Counter()
    for event in case.snapshot.events:
        match event.kind:
            case EventKind.DECISION_ANSWERED | EventKind.DECISION_EXPIRED:
                releases[event.data["job"]] += 1
            case EventKind.SIGNAL_RECEIVED:
                releases[event.subject] += 1
            case _:
                pass
    for job_id, steps in log.of.items():
        resumed = [step for step in steps if _went_on(step)]
        if len(resumed) > releases[job_id]:
            told = f"let go on {len(resumed)} times by {releases[job_id]} answers"
            yield Violation("10 decisions", job_id, told)


def _went_on(step: Step) -> bool:
    """Whether a job was let go on by a decision (a repeated wait may hear one signal twice)."""
    asked = step.before is not None and "decision" in (step.before.awaits or {})
    rested = step.after.state in (JobState.FAILED, JobState.CANCELLED)
    return asked and step.left(JobState.WAITING) and not rested


def told_what_was_answered(case: Evidence, _: Log) -> Iterator[Violation]:
    """10: whoever is resumed is told the answer that was given."""
    rows = {row.id: row for row in case.snapshot.decisions}
    for run in case.executions or ():
        row = rows.get(str((run.resume or {}).get("decision", "")))
        if row is not None and run.resume is not None and run.resume.get("given") != row.answer:
            told = f"{run.job} was told {run.resume.get('given')!r}, the answer is {row.answer!r}"
            yield Violation("10 decisions", row.id, told)
