"""Enter a queue, leave it, move it on: the ready order and the queues behind busy keys.

A key is a directory, a pool or a kept conversation. A job whose key is busy leaves the ready
order altogether and rejoins on release; at most `capacity` jobs of one key and lane stand in the
ready order. So the claim looks at the heads of six lanes and never at the thousands that wait
for one directory.
"""

from __future__ import annotations

from engine.jobs import Job, JobState, Lane, Reason
from engine.pools import POOL, TALK, capacity
from engine.rows import replace
from engine.transitions import Trigger, fire
from store.work import Work

_IN_NO_DIRECTORY = (POOL, TALK)


def enqueue(work: Work, job: Job, trigger: Trigger) -> Job:
    """Give the job its place: READY, or BLOCKED behind its busy directory or full pool."""
    state = fire(job.state, trigger)
    seq = work.next_seq()
    ready = replace(job, state=state, reason=Reason.NONE, ready_seq=seq, run_at=0)
    return _stand(work, ready)


def reenter(work: Work, job: Job) -> Job:
    """Let a job that is READY already (sent back by settle) take a fresh place."""
    return _stand(work, replace(job, reason=Reason.NONE, ready_seq=work.next_seq()))


def _stand(work: Work, ready: Job) -> Job:
    room = capacity(ready.worker_key, work.settings)
    if room is None or ready.holding:
        return work.put(ready)
    full = work.occupied(ready.worker_key) >= room
    if full and ready.lane <= Lane.P1:
        work.urgent.add(ready.worker_key)
    if full or work.ready_on_key(ready.worker_key, ready.lane, room) >= room:
        return park(work, ready)
    return work.put(ready)


def park(work: Work, ready: Job) -> Job:
    """Take a READY job out of the order until its key is released; it keeps its place."""
    pooled = ready.worker_key.startswith(_IN_NO_DIRECTORY)
    return work.put(
        replace(
            ready,
            state=fire(JobState.READY, Trigger.PARK),
            reason=Reason.POOL if pooled else Reason.DIRECTORY,
        )
    )


def move_released(work: Work) -> None:
    """Let the heads of every released key's queues rejoin the ready order, one lane at a time."""
    while work.released:
        key, _ = work.released.popitem()
        room = capacity(key, work.settings)
        if room is None or work.occupied(key) >= room:
            continue
        for lane in Lane:
            missing = room - work.ready_on_key(key, lane, room)
            if missing > 0:
                _rejoin(work, key, lane, missing)


def _rejoin(work: Work, key: str, lane: Lane, limit: int) -> None:
    work.write_jobs()
    for job in work.seen(work.tables.queued(key, lane, limit)):
        work.put(replace(job, state=fire(job.state, Trigger.FREE), reason=Reason.NONE))
