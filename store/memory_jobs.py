"""The in-memory job table: rows by id, and the orders in which they are asked for.

Every row has *places*: entries of sorted lists, each of which answers one verb, as the partial
indexes do on SQL. Changing a row moves its entries.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from engine.jobs import TERMINAL, Edge, Job, JobState, Lane, Reason
from engine.ports import JobFilter
from store.codec import JOB
from store.faults import taken
from store.sql_jobs import stale
from store.undo import UndoLog

ListName = tuple[object, ...]
Entry = tuple[Any, ...]

_ON_KEY = (Reason.DIRECTORY, Reason.POOL)
_EVERY: ListName = ("id",)
_DUE: ListName = ("due",)
_DEADLINE: ListName = ("deadline",)
_HOLDING: ListName = ("holding",)
_UNVERIFIED = "unverified"


def _places(job: Job) -> list[tuple[ListName, Entry]]:
    """Where a row stands: (which list, its entry there). The id is the last part of each."""
    places: list[tuple[ListName, Entry]] = [
        (_EVERY, (job.id,)),
        (("count", job.state, job.lane), (job.id,)),
    ]
    match job.state:
        case JobState.READY:
            places.append((("ready", job.lane), (job.ready_seq, job.id)))
            places.append((("ready_key", job.worker_key, job.lane), (job.id,)))
        case JobState.BLOCKED if job.reason in _ON_KEY:
            places.append((("queued", job.worker_key, job.lane), (job.ready_seq, job.id)))
        case JobState.DELAYED:
            places.append((_DUE, (job.run_at, job.id)))
        case JobState.WAITING if job.run_at > 0:
            places.append((_DEADLINE, (job.run_at, job.id)))
    if job.holding:
        places.append((_HOLDING, (job.id,)))
    if job.reason is Reason.UNVERIFIED:
        places.append(((_UNVERIFIED, job.lane), (job.id,)))
    if job.finished_at > 0:
        places.append((("at_rest", job.state), (job.finished_at, job.id)))
    return places


class MemoryJobs:
    """The verbs of `engine.ports.Tables` that concern jobs and edges."""

    def __init__(self, undo: UndoLog, *, strict: bool) -> None:
        self._undo = undo
        self._strict = strict
        self._rows: dict[str, Job] = {}
        self._lists: defaultdict[ListName, list[Entry]] = defaultdict(list)
        self._idem_keys: dict[str, str] = {}
        self._into: defaultdict[str, dict[Edge, None]] = defaultdict(dict)
        self._out_of: defaultdict[str, dict[Edge, None]] = defaultdict(dict)

    # -- rows and their places ----------------------------------------------------------------
    def _set(self, job_id: str, job: Job | None) -> None:
        """Put a row in place of the stored one, or remove it."""
        old = self._rows.get(job_id)
        self._undo.note(partial(self._move, job_id, job, old))
        self._move(job_id, old, job)

    def _move(self, job_id: str, old: Job | None, new: Job | None) -> None:
        if old is not None:
            for name, entry in _places(old):
                entries = self._lists[name]
                del entries[bisect_left(entries, entry)]
            if old.idem_key is not None:
                del self._idem_keys[old.idem_key]
        if new is None:
            self._rows.pop(job_id, None)
            return
        self._rows[job_id] = new
        for name, entry in _places(new):
            insort(self._lists[name], entry)
        if new.idem_key is not None:
            self._idem_keys[new.idem_key] = job_id

    def _at(self, name: ListName, limit: int, until: int | None = None) -> list[Job]:
        """The rows of a list in its order; `until` bounds the first part of the entries."""
        entries = self._lists.get(name, [])
        end = limit if until is None else min(limit, bisect_right(entries, (until + 1,)))
        return [self._rows[entry[-1]] for entry in entries[:end]]

    # -- jobs ---------------------------------------------------------------------------------
    def jobs(self, ids: Iterable[str]) -> list[Job]:
        """The jobs of these ids, in no order."""
        return [self._rows[job_id] for job_id in set(ids) if job_id in self._rows]

    def jobs_ending_with(self, ending: str, limit: int) -> list[str]:
        """Ids that end with `ending`, newest first."""
        ids = (entry[0] for entry in reversed(self._lists[_EVERY]))
        return list(islice((job_id for job_id in ids if job_id.endswith(ending)), limit))

    def insert_jobs(self, jobs: Sequence[Job]) -> None:
        """Add new rows."""
        for job in jobs:
            if job.id in self._rows:
                raise taken(f"job.id {job.id}")
            if job.idem_key is not None and job.idem_key in self._idem_keys:
                raise taken(f"job.idem_key {job.idem_key}")
            if self._strict:
                JOB.encode(job)
            self._set(job.id, job)

    def update_jobs(self, writes: Sequence[tuple[Job, Job]]) -> None:
        """Write (before, after) if state and epoch are still before's.

        As on SQL, columns that `before` and `after` share keep what is stored.

        Raises:
            StaleWrite: a row was not there; the transaction must roll back.
        """
        for before, after in writes:
            now = self._rows.get(before.id)
            if now is None or now.state is not before.state or now.epoch != before.epoch:
                raise stale(before, now)
            row = after if now is before or now == before else _merged(now, before, after)
            if self._strict:
                JOB.encode(row)
            self._set(before.id, row)

    def ready(self, lane: Lane, limit: int) -> list[Job]:
        """READY jobs of a lane by ready_seq."""
        return self._at(("ready", lane), limit)

    def heads(self, limit: int) -> list[Job]:
        """READY jobs of every lane, at most `limit` of each, by lane and ready_seq."""
        return [job for lane in Lane for job in self.ready(lane, limit)]

    def queued(self, worker_key: str, lane: Lane, limit: int) -> list[Job]:
        """Jobs BLOCKED by DIRECTORY or POOL on this key in this lane, by ready_seq."""
        return self._at(("queued", worker_key, lane), limit)

    def ready_on_key(self, worker_key: str, lane: Lane, limit: int) -> int:
        """How many jobs of this key and lane are READY, counted up to `limit`."""
        return min(len(self._lists.get(("ready_key", worker_key, lane), ())), limit)

    def holding(self) -> list[Job]:
        """Jobs that occupy their worker_key now, by id."""
        return self._at(_HOLDING, len(self._rows))

    def due(self, now: int, limit: int) -> list[Job]:
        """DELAYED jobs with run_at <= now, by run_at."""
        return self._at(_DUE, limit, now)

    def expired(self, now: int, limit: int) -> list[Job]:
        """WAITING jobs with 0 < run_at <= now, by run_at."""
        return self._at(_DEADLINE, limit, now)

    def next_due(self) -> int | None:
        """The smallest run_at of DELAYED jobs and of WAITING jobs that have one."""
        firsts = (self._lists[name][0][0] for name in (_DUE, _DEADLINE) if self._lists[name])
        return min(firsts, default=None)

    def list_jobs(self, where: JobFilter, after: str, limit: int, newest: bool) -> list[Job]:
        """Jobs that match, by id, starting behind id `after`."""
        rows = (self._rows[job_id] for job_id in self._ids_behind(after, newest=newest))
        return list(islice((job for job in rows if _matches(where, job)), limit))

    def _ids_behind(self, after: str, *, newest: bool) -> Iterator[str]:
        entries = self._lists[_EVERY]
        if newest:
            end = bisect_left(entries, (after,)) if after else len(entries)
            return (entries[place][0] for place in range(end - 1, -1, -1))
        start = bisect_right(entries, (after,)) if after else 0
        return (entries[place][0] for place in range(start, len(entries)))

    def count_jobs(self) -> dict[tuple[JobState, Lane], int]:
        """How many jobs there are of each state and lane."""
        return {
            (state, lane): count
            for state in JobState
            for lane in Lane
            if (count := len(self._lists.get(("count", state, lane), ())))
        }

    def count_unverified(self) -> dict[Lane, int]:
        """How many jobs of each lane succeeded by their own word alone."""
        counts = {lane: len(self._lists.get((_UNVERIFIED, lane), ())) for lane in Lane}
        return {lane: count for lane, count in counts.items() if count}

    def prunable(self, state: JobState, before: int, limit: int) -> list[str]:
        """Ids of jobs at rest since before `before` that no living child or group needs."""
        candidates = self._at(("at_rest", state), len(self._rows), before - 1)
        free = (job.id for job in candidates if not self._is_needed(job))
        return list(islice(free, limit))

    def _is_needed(self, job: Job) -> bool:
        children = (self._rows.get(edge.child) for edge in self._out_of.get(job.id, ()))
        return any(child is not None and child.state not in TERMINAL for child in children)

    # -- edges --------------------------------------------------------------------------------
    def insert_edges(self, edges: Sequence[Edge]) -> None:
        """Add edges."""
        for edge in edges:
            if edge in self._into[edge.child]:
                raise taken(f"edge {edge.parent} to {edge.child}")
            self._undo.note(partial(self._drop_edge, edge))
            self._add_edge(edge)

    def edges_from(self, parents: Iterable[str]) -> list[Edge]:
        """Edges whose parent is one of these."""
        return [edge for parent in set(parents) for edge in self._out_of.get(parent, ())]

    def edges_to(self, child: str) -> list[Edge]:
        """Edges into this child, by idx."""
        edges = self._into.get(child, ())
        return sorted(edges, key=lambda edge: (edge.idx, edge.parent, edge.kind))

    def _add_edge(self, edge: Edge) -> None:
        self._into[edge.child][edge] = None
        self._out_of[edge.parent][edge] = None

    def _drop_edge(self, edge: Edge) -> None:
        del self._into[edge.child][edge]
        del self._out_of[edge.parent][edge]

    def _delete_jobs(self, ids: Sequence[str]) -> None:
        """Remove rows and their edges."""
        for job_id in ids:
            for edge in {*self._into.get(job_id, ()), *self._out_of.get(job_id, ())}:
                self._undo.note(partial(self._add_edge, edge))
                self._drop_edge(edge)
            if job_id in self._rows:
                self._set(job_id, None)


def _merged(now: Job, before: Job, after: Job) -> Job:
    values = {
        name: new if new != old else stored
        for name, stored, old, new in zip(
            JOB.names, JOB.values(now), JOB.values(before), JOB.values(after), strict=True
        )
    }
    return Job(**values)


def _matches(where: JobFilter, job: Job) -> bool:
    return (
        (not where.states or job.state in where.states)
        and (not where.lanes or job.lane in where.lanes)
        and (not where.kinds or job.kind in where.kinds)
        and all(
            not wanted or getattr(job, name) == wanted
            for name in ("project", "backend", "root", "cwd")
            if (wanted := getattr(where, name)) is not None
        )
        and (not where.text or _folded(where.text) in _folded(job.name))
    )


def _folded(text: str) -> str:
    """Lower ASCII letters only, as SQLite does."""
    return "".join(char.lower() if char.isascii() else char for char in text)
