"""Invariants 3 and 4: a result is accepted once, of the current epoch; terminal states absorb."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.jobs import JobKind, JobState
from tests.checks.evidence import Evidence, Execution, Violation
from tests.checks.log import Log, Step

TOKEN = "effect:"  # what the result of a recorded execution begins with


def terminal_absorbs(_: Evidence, log: Log) -> Iterator[Violation]:
    """4: after a job came to rest no event changes it."""
    for step in log.steps:
        if step.before is not None and step.before.state.terminal:
            told = f"{step.before.state} became {step.after.state} at seq {step.seq}"
            yield Violation("4 absorbs", step.after.id, told)


def epochs_rise(_: Evidence, log: Log) -> Iterator[Violation]:
    """3: each claim raises the epoch, and nothing else changes it."""
    for step in log.steps:
        if step.before is None:
            continue
        before = step.before.epoch
        if step.after.epoch < before or (
            step.after.epoch != before and step.after.state is not JobState.RUNNING
        ):
            told = f"epoch {before} became {step.after.epoch} as {step.after.state}"
            yield Violation("3 accepted once", step.after.id, told)
        if step.after.state is JobState.RUNNING:
            again = step.before.state is not JobState.RUNNING and step.after.epoch == before
            if again:
                told = f"it runs again at the old epoch {before}"
                yield Violation("3 accepted once", step.after.id, told)


def accepted_once(case: Evidence, log: Log) -> Iterator[Violation]:
    """3: the accepted result is the effect of the accepted epoch, and there is only one."""
    for job_id, steps in log.of.items():
        ends = [step for step in steps if step.ends]
        if len(ends) > 1:
            yield Violation("3 accepted once", job_id, f"it came to rest {len(ends)} times")
    if case.executions is None:
        return
    known = {run.token: run for run in case.executions}
    for job in case.snapshot.jobs.values():
        text = str((job.result or {}).get("text", ""))
        if job.kind is JobKind.TASK and job.state is JobState.SUCCEEDED and TOKEN in text:
            yield from _of_its_epoch(job.id, job.epoch, known.get(text))


def _of_its_epoch(job_id: str, epoch: int, run: Execution | None) -> Iterator[Violation]:
    if run is None:
        yield Violation("3 accepted once", job_id, "its result is nobody's effect")
    elif (run.job, run.epoch) != (job_id, epoch):
        told = f"at epoch {epoch} it has the result of {run.job} at epoch {run.epoch}"
        yield Violation("3 accepted once", job_id, told)


def effects_once(case: Evidence, log: Log) -> Iterator[Violation]:
    """3: a job that declares `effects: once` runs again only at the owner's word."""
    if case.executions is None:
        return
    runs = Counter(run.job for run in case.executions)
    told_again = Counter(row.job for row in case.snapshot.decisions if row.answer == "run again")
    parked = Counter(step.after.id for step in log.steps if _resumed(step))
    for job_id, count in runs.items():
        job = case.snapshot.jobs.get(job_id)
        if job is None or job.spec.get("effects") != "once":
            continue
        allowed = 1 + max(parked[job_id], told_again[job_id])  # of an old log the rows remain
        if count > allowed:
            told = f"it ran {count} times; the owner said 'run again' {told_again[job_id]} times"
            yield Violation("3 once", job_id, told)


def _resumed(step: Step) -> bool:
    """Whether somebody outside (the owner, a signal) let a waiting job go on."""
    return step.left(JobState.WAITING) and not step.after.state.terminal


def attempts_agree(case: Evidence, log: Log) -> Iterator[Violation]:
    """3: each claim has its row in the audit trail; it is open exactly while it runs."""
    rows = {row.id: row for row in case.snapshot.attempts}
    for step in log.steps:
        job = step.after
        if not step.claims or job.id not in case.snapshot.jobs:
            continue
        row = rows.get(f"{job.id}:{job.epoch}")
        now = case.snapshot.jobs[job.id]
        runs = now.state is JobState.RUNNING and now.epoch == job.epoch
        if row is None:
            yield Violation("attempts", job.id, f"claim {job.epoch} left no attempt")
        elif row.session != job.owner or row.started_at != step.at:
            told = f"attempt {row.id} says {row.session} at {row.started_at}, the log {job.owner}"
            yield Violation("attempts", job.id, f"{told} at {step.at}")
        elif bool(row.ended_at) == runs or bool(row.outcome) == runs:
            told = f"attempt {row.id} ended {row.ended_at} {row.outcome!r}, the job is {now.state}"
            yield Violation("attempts", job.id, told)
    counted = Counter(row.job for row in rows.values())
    for job in case.snapshot.jobs.values():
        if job.id in log.of and counted[job.id] != job.epoch and job.kind is JobKind.TASK:
            told = f"{counted[job.id]} attempts, epoch {job.epoch}"
            yield Violation("attempts", job.id, told)
