"""Let go on what waited for a time: delays that are over, deadlines that have passed."""

from __future__ import annotations

from engine.jobs import Job, JobState
from engine.rows import replace
from engine.settle import freed_by_time
from engine.transitions import Trigger
from store.verbs import queue
from store.verbs.advance import advance
from store.verbs.decisions import expire
from store.work import Work

_BATCH = 1000


def promote_due(work: Work) -> int:
    """Free every job whose time has come on the clock that its reason lives on; count them."""
    work.write_jobs()
    latest = max(work.moment.steady, work.moment.wall)
    rows = work.tables.due(latest, _BATCH) + work.tables.expired(latest, _BATCH)
    moved = [job for job in work.seen(rows) if freed_by_time(job, work.moment)]
    for job in moved:
        _let_go(work, job)
    if moved:
        advance(work)
    return len(moved)


def _let_go(work: Work, job: Job) -> None:
    if job.state is JobState.DELAYED:
        queue.enqueue(work, job, Trigger.FREE)
    else:
        expire(work, replace(job, run_at=0))
