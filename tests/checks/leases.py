"""Invariant 9: one holder a directory, one job a session, one writing term, at any moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from engine.events import EventKind
from engine.jobs import Job, JobState
from engine.pools import at_a_time, capacity
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log, Step


def one_holder(case: Evidence, log: Log) -> Iterator[Violation]:
    """9: at the end of each transaction no directory and no pool is held by too many."""
    holders: dict[str, set[str]] = defaultdict(set)
    for steps in log.transactions():
        touched = set()
        for step in steps:
            key = step.after.worker_key
            (holders[key].add if step.after.holding else holders[key].discard)(step.after.id)
            touched.add(key)
        for key in touched:
            room = capacity(key, case.settings)
            if key and room is not None and len(holders[key]) > room:
                told = f"held by {sorted(holders[key])} at seq {steps[-1].seq}"
                yield Violation("9 one lease", key, told)


def one_job_a_session(case: Evidence, log: Log) -> Iterator[Violation]:
    """9: at the end of each transaction a session runs one job, or as many as it may share."""
    running: Counter[str] = Counter()
    for steps in log.transactions():
        for step in steps:
            if _runs(step.before):
                running[step.before.owner] -= 1
            if _runs(step.after):
                running[step.after.owner] += 1
        for step in steps:
            most = at_a_time(step.after.owner, case.settings)
            if running[step.after.owner] > most and _runs(step.after):
                told = f"runs {running[step.after.owner]} jobs at seq {step.seq}"
                yield Violation("9 one lease", step.after.owner, told)


def runners_hold(_: Evidence, log: Log) -> Iterator[Violation]:
    """9: whoever runs holds its key; whoever is at rest holds nothing."""
    for step in log.steps:
        job = step.after
        if (job.state is JobState.RUNNING and not job.holding) or _clings(step):
            yield Violation("9 one lease", job.id, f"{job.state} with holding={job.holding}")


def one_term(case: Evidence, _: Log) -> Iterator[Violation]:
    """9: terms rise, and no old term writes after a newer one."""
    begun = [e.data["term"] for e in case.snapshot.events if e.kind is EventKind.HOUSE_STARTED]
    if begun != sorted(set(begun)):
        yield Violation("9 one term", "house", f"terms began in the order {begun}")
    highest = 0
    for seq, term in sorted(case.writers):
        if term < highest:
            told = f"event {seq} was written by term {term}, after term {highest}"
            yield Violation("9 one term", "house", told)
        highest = max(highest, term)


def log_has_no_gap(case: Evidence, _: Log) -> Iterator[Violation]:
    """9: the places in the log are given one after the other."""
    seqs = [event.seq for event in case.snapshot.events]
    if seqs and seqs != list(range(seqs[0], seqs[0] + len(seqs))):
        yield Violation("9 one term", "log", "the log has a gap or a place twice")


def _runs(job: Job | None) -> bool:
    return job is not None and job.state is JobState.RUNNING


def _clings(step: Step) -> bool:
    return step.after.holding and step.after.state not in (
        JobState.RUNNING,
        JobState.REVIEWING,
        JobState.WAITING,
        JobState.READY,
    )
