"""Let go on what waited for a time: delays that are over, deadlines that have passed."""

from __future__ import annotations

from collections.abc import Collection

from engine.jobs import Job, JobState, Reason
from engine.rows import replace
from engine.settle import freed_by_time
from engine.transitions import Trigger
from store.verbs import queue
from store.verbs.advance import advance
from store.verbs.decisions import expire
from store.work import Work

_BATCH = 1000
_MANY = 100_000
_NEVER_US = 2**62


def promote_due(work: Work) -> int:
    """Free every job whose time has come on the clock that its reason lives on; count them."""
    work.write_jobs()
    moved = _due(work)
    for job in moved:
        _let_go(work, job)
    if moved:
        advance(work)
    return len(moved)


def hasten(work: Work, reasons: Collection[Reason]) -> int:
    """Free every job that is delayed for one of these reasons, whatever time was named; count."""
    work.write_jobs()
    delayed = work.seen(work.tables.due(_NEVER_US, _MANY))
    moved = [job for job in delayed if job.state is JobState.DELAYED and job.reason in reasons]
    for job in moved:
        _let_go(work, job)
    if moved:
        advance(work)
    return len(moved)


def _due(work: Work) -> list[Job]:
    """A batch of jobs that are due. Those that only the other clock calls due hide no one."""
    latest = max(work.moment.steady, work.moment.wall)
    limit = _BATCH
    while True:
        delayed = work.tables.due(latest, limit)
        waiting = work.tables.expired(latest, limit)
        ripe = [job for job in work.seen(delayed + waiting) if freed_by_time(job, work.moment)]
        if ripe or max(len(delayed), len(waiting)) < limit:
            return ripe
        limit *= 8


def _let_go(work: Work, job: Job) -> None:
    if job.state is JobState.DELAYED:
        queue.enqueue(work, job, Trigger.FREE)
    else:
        expire(work, replace(job, run_at=0))
