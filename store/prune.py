"""Retention: what may go, in batches, each one transaction. Pure of clock and disk.

Jobs go when they have been at rest long enough and nothing alive needs them; a rollup a day
remains. Events go when they are old and a newer snapshot holds all that replay needs of them.
A snapshot costs as much as the whole job table, so one is written only when the newest has
become old, in the same transaction as the removal that follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.events import Event, EventKind
from engine.jobs import Job, JobState
from engine.ports import JobFilter, Tables
from engine.records import Artefact, Call, Idempotency, Message, Rollup
from engine.settings import StoreSettings
from store.snapshots import PART_JOBS, snapshot_part

DAY_US = 86_400_000_000
_SNAPSHOTS_KEPT = 4  # within event_days: bounds the log to a few times the job table
_US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one batch removed from the tables, and what may now go from the disk.

    Attributes:
        jobs: ids that are gone; their output files may go.
        files: sha256 of artefacts that no row refers to any more.
        events: how many events are gone.
        records: how many other rows are gone.
        more: whether another batch would find something.
    """

    jobs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    events: int = 0
    records: int = 0
    more: bool = False


def prune(tables: Tables, settings: StoreSettings, now: int) -> Pruned:
    """Remove one batch of what has outlived its retention."""
    jobs = _jobs_past_retention(tables, settings, now)
    cutoff = now - settings.event_days * DAY_US
    old_events = _last_event_before(tables, cutoff, settings.prune_batch)
    if (jobs or old_events) and _snapshot_is_due(tables, settings, now):
        write_snapshot(tables, now)
    files = _remove_jobs(tables, jobs, now) if jobs else ()
    before = min(old_events + 1, tables.newest_snapshot())
    events = tables.delete_events(before, settings.prune_batch)
    records = _remove_records(tables, settings, now)
    fullest = max(len(jobs), events, records)
    return Pruned(
        tuple(job.id for job in jobs), files, events, records, fullest >= settings.prune_batch
    )


def write_snapshot(tables: Tables, now: int) -> None:
    """Tell the whole job table as it stands; replay may begin here."""
    jobs = sum(tables.count_jobs().values())
    parts = max(1, -(-jobs // PART_JOBS))
    last = ""
    for part in range(1, parts + 1):
        page = tables.list_jobs(JobFilter(), last, PART_JOBS, newest=False)
        tables.append_events([snapshot_part(page, part, parts, now)])
        last = page[-1].id if page else last


def _jobs_past_retention(tables: Tables, settings: StoreSettings, now: int) -> list[Job]:
    ids: list[str] = []
    for state, days in (
        (JobState.SUCCEEDED, settings.done_days),
        (JobState.CANCELLED, settings.done_days),
        (JobState.SKIPPED, settings.done_days),
        (JobState.FAILED, settings.failed_days),
    ):
        room = settings.prune_batch - len(ids)
        if room > 0:
            ids += tables.prunable(state, now - days * DAY_US, room)
    return sorted(tables.jobs(ids), key=lambda job: job.id)


def _last_event_before(tables: Tables, cutoff: int, limit: int) -> int:
    """Seq of the newest event older than the cutoff among the first `limit`; 0 if none is."""
    old = [event.seq for event in tables.events(0, limit) if event.at < cutoff]
    return old[-1] if old else 0


def _snapshot_is_due(tables: Tables, settings: StoreSettings, now: int) -> bool:
    newest = tables.newest_snapshot()
    if newest == 0:
        return True
    (first_part,) = tables.events(newest - 1, 1)
    return now - first_part.at > settings.event_days * DAY_US // _SNAPSHOTS_KEPT


def _remove_jobs(tables: Tables, jobs: Sequence[Job], now: int) -> tuple[str, ...]:
    """Remove jobs with all that is theirs; give the files that nothing refers to any more."""
    ids = [job.id for job in jobs]
    hashes = {row.sha256 for job_id in ids for row in tables.find(Artefact, job=job_id)}
    _add_to_rollups(tables, jobs)
    tables.delete_jobs(ids)
    tables.append_events(
        [Event(at=now, kind=EventKind.STORE_PRUNED, subject="store", data={"jobs": ids})]
    )
    return tuple(
        sorted(sha256 for sha256 in hashes if not tables.find(Artefact, sha256=sha256, limit=1))
    )


def _add_to_rollups(tables: Tables, jobs: Iterable[Job]) -> None:
    changed: dict[str, Rollup] = {}
    for job in jobs:
        day = datetime.fromtimestamp(job.finished_at / _US_PER_S, UTC).date().isoformat()
        key = f"{day}:{job.project}:{job.lane.name}:{job.backend}:{job.state}"
        row = changed.get(key) or tables.get(Rollup, key)
        row = row or Rollup(
            id=key,
            day=day,
            project=job.project,
            lane=int(job.lane),
            backend=job.backend,
            state=job.state.value,
        )
        ran_us = job.finished_at - job.started_at if job.started_at else 0
        changed[key] = replace(
            row,
            jobs=row.jobs + 1,
            cost_usd=row.cost_usd + job.cost_usd,
            run_s=row.run_s + ran_us / _US_PER_S,
        )
    tables.put(*changed.values())


def _remove_records(tables: Tables, settings: StoreSettings, now: int) -> int:
    """Forget submit keys, delivered messages and model calls that nobody will ask for again."""
    batch = settings.prune_batch
    keys = tables.aged(Idempotency, "at", now - settings.done_days * DAY_US, batch)
    messages = tables.aged(Message, "delivered_at", now - settings.event_days * DAY_US, batch)
    tables.remove(Idempotency, [row.key for row in keys])
    calls = tables.aged(Call, "at", now - settings.call_days * DAY_US, batch)  # sums stay
    tables.remove(Message, [row.id for row in messages])
    tables.remove(Call, [row.id for row in calls])
    return max(len(keys), len(messages), len(calls))
