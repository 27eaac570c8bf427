"""What a wake does besides the main road: make room for urgent work, retire idle workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.events import EventKind
from engine.jobs import JobState, Lane
from engine.moments import us
from engine.records import Worker
from engine.rows import replace
from store.work import Work


def preempt(work: Work) -> None:
    """Ask background jobs to leave the directories that P0 or P1 work waits for."""
    if not work.urgent:
        return
    for job in work.holding():
        if (
            job.worker_key in work.urgent
            and job.state is JobState.RUNNING
            and job.lane >= Lane.P3
            and not job.cancel_requested_at
            and job.spec.get("effects") != "once"
        ):
            work.stops.append((job.owner, job.id, job.epoch, "preempt"))


def sweep(work: Work, anchor: Mapping[str, Any]) -> list[str]:
    """Do the rounds: note the clock's anchor, retire idle workers (named), look for urgency."""
    work.shard = replace(work.shard, anchor=anchor)
    _urgent_keys(work)
    return _retire_idle(work)


def _urgent_keys(work: Work) -> None:
    """Find again the keys that urgent work waits for: a restart forgets them."""
    for job in work.holding():
        if job.lane >= Lane.P3 and any(
            work.tables.queued(job.worker_key, lane, 1) for lane in (Lane.P0, Lane.P1)
        ):
            work.urgent.add(job.worker_key)


def _retire_idle(work: Work) -> list[str]:
    """Retire ephemeral workers that were idle too long, but for a few that stay warm."""
    work.flush()
    oldest = work.moment.steady - us(work.settings.sessions.ephemeral_idle_s)
    idle = work.tables.find(Worker, state="idle", persistent=False)
    retired = []
    for worker in idle[work.settings.sessions.spare :]:
        if worker.used_at <= oldest:
            work.save(replace(worker, state="retired", used_at=work.moment.steady))
            work.tell(EventKind.WORKER_RETIRED, worker.name)
            retired.append(worker.name)
    return retired
