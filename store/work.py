"""The unit of work: what one wake reads and writes, gathered into one transaction.

A verb asks for rows, puts changed copies back and tells events; `flush` turns all of it into a
few grouped statements. A row that moved twice in one wake is written once, and exactly one event
tells the difference, so the log replays to the same table. The unit also fences: it refuses to
open when the shard's term is no longer its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from random import Random
from typing import TypeVar

from engine import events
from engine.errors import Fenced, NotFound
from engine.events import Event, EventKind
from engine.ids import IdMint
from engine.jobs import Edge, Job, JobState, Lane
from engine.moments import Moment
from engine.ports import Tables
from engine.records import Record, Shard
from engine.rows import replace
from engine.settings import Settings
from store.codec import RECORDS

R = TypeVar("R", bound=Record)

_KEYS = {kind: attrgetter(codec.key) for kind, codec in RECORDS.items()}


class Work:
    """One transaction's reads, writes and events.

    Attributes:
        moment: now, on both clocks.
        ended: promises that came to rest and have not been told to those who wait for them.
        freed: promises that nothing holds back any more.
        late: new edges whose parents had come to rest before.
        walked: edges that were walked in this transaction; none is walked twice.
        released: worker keys that were given free and whose queues must move.
        urgent: worker keys that P0 or P1 work waits for.
        stops: (session, job, epoch, why) that the dispatcher must send after the commit.
    """

    def __init__(
        self,
        tables: Tables,
        moment: Moment,
        *,
        term: int,
        mint: IdMint,
        rng: Random,
        settings: Settings,
        shard_id: int = 0,
    ) -> None:
        self.tables = tables
        self.moment = moment
        self.mint = mint
        self.rng = rng
        self.settings = settings
        self.ended: list[str] = []
        self.freed: list[str] = []
        self.late: list[Edge] = []
        self.walked: set[Edge] = set()
        self.released: dict[str, None] = {}  # a set that keeps its order
        self.urgent: set[str] = set()
        self.stops: list[tuple[str, str, int, str]] = []
        self.told: list[Event] = []
        self.writes = 0
        self._rows: dict[str, Job] = {}
        self._moved: dict[str, Job] = {}  # as the store has them
        self._new: dict[str, Job] = {}
        self._edges: list[Edge] = []
        self._events: list[Event] = []  # not told yet: behind the jobs that are not written yet
        self._log: list[Event] = []  # not told yet, in their final order
        self._records: dict[tuple[type, object], Record] = {}
        self._known: dict[tuple[type, object], Record | None] = {}
        self._shard = self._own(tables.get(Shard, shard_id), term)
        self.shard = self._shard
        self._ready_seq = self._shard.ready_seq
        self._holding: set[str] | None = None
        self._occupied: Counter[str] = Counter()
        self._ready_counts: dict[tuple[str, Lane], int] = {}

    @staticmethod
    def _own(shard: Shard | None, term: int) -> Shard:
        if shard is None or shard.term != term:
            raise Fenced(
                f"Term {term} is over; the store is at term {shard.term if shard else None}.",
                remedy="Nothing to do: the newer dispatcher carries on.",
            )
        return shard

    # -- jobs ---------------------------------------------------------------------------------
    def job(self, job_id: str) -> Job:
        """Give one job.

        Raises:
            NotFound: there is no such job.
        """
        found = self.jobs([job_id])
        if job_id not in found:
            raise NotFound(f"There is no job {job_id}.", remedy="List them: helio job list")
        return found[job_id]

    def jobs(self, ids: Iterable[str]) -> dict[str, Job]:
        """Give the jobs that exist of these ids, as this transaction sees them."""
        wanted = list(dict.fromkeys(ids))
        missing = [key for key in wanted if key not in self._rows]
        if missing:
            self.seen(self.tables.jobs(missing))
        return {key: self._rows[key] for key in wanted if key in self._rows}

    def seen(self, jobs: Iterable[Job]) -> list[Job]:
        """Take rows that a scan gave into the unit; its own newer copies win."""
        mine = []
        for job in jobs:
            if job.id not in self._rows:
                self._rows[job.id] = job
            mine.append(self._rows[job.id])
        return mine

    def add(self, job: Job) -> None:
        """Put in a new job."""
        self._rows[job.id] = self._new[job.id] = job
        self.writes += 1

    def put(self, job: Job) -> Job:
        """Put a changed copy of a known job."""
        before = self._rows[job.id]
        self._rows[job.id] = job
        if job.id in self._new:
            self._new[job.id] = job
        else:
            self._moved.setdefault(job.id, before)
        self._account(before, job)
        if job.state.terminal and not before.state.terminal:
            self.ended.append(job.id)
        self.writes += 1
        return job

    def free(self, job: Job) -> None:
        """Note that nothing holds this BLOCKED promise back any more; `advance` goes on with it."""
        self.freed.append(job.id)

    def edges_from(self, parents: Iterable[str]) -> list[Edge]:
        """Edges out of these parents, this transaction's own included."""
        self._write_edges()
        return self.tables.edges_from(parents)

    def edges_to(self, child: str) -> list[Edge]:
        """Edges into this child by idx, this transaction's own included."""
        self._write_edges()
        return self.tables.edges_to(child)

    def link(self, edges: Iterable[Edge]) -> None:
        """Add edges."""
        self._edges.extend(edges)
        self.writes += 1

    def save(self, *rows: Record) -> None:
        """Insert or replace records."""
        for row in rows:
            kind = type(row)
            place = kind, _KEYS[kind](row)
            self._known[place] = self._records[place] = row
        self.writes += 1

    def record(self, kind: type[R], key: object) -> R | None:
        """Give a record by key, as this transaction sees it."""
        place = kind, key
        if place not in self._known:
            self._known[place] = self.tables.get(kind, key)
        known = self._known[place]
        return known if isinstance(known, kind) else None

    def expect(self, kind: type[Record], keys: Iterable[object]) -> None:
        """Read records that will be asked for one by one in one go."""
        missing = [key for key in dict.fromkeys(keys) if (kind, key) not in self._known]
        if len(missing) > 1:
            self._known |= {(kind, key): None for key in missing}
            self._known |= {(kind, _KEYS[kind](r)): r for r in self.tables.get_all(kind, missing)}

    def tell(self, kind: EventKind, subject: str, project: str = "", **data: object) -> None:
        """Tell an event that is not a job's change of state."""
        self._events.append(
            Event(at=self.moment.steady, kind=kind, subject=subject, project=project, data=data)
        )
        self.writes += 1

    # -- counters -----------------------------------------------------------------------------
    def next_seq(self) -> int:
        """Give the next place in the ready order."""
        self._ready_seq += 1
        return self._ready_seq

    def holding(self) -> list[Job]:
        """Give the jobs that occupy their worker key, by id, as this transaction sees them."""
        if self._holding is None:
            self.write_jobs()
            found = self.seen(self.tables.holding())
            self._holding = {job.id for job in found}
            self._occupied.update(job.worker_key for job in found)
        return [self._rows[job_id] for job_id in sorted(self._holding)]

    def occupied(self, worker_key: str) -> int:
        """How many jobs hold this worker key, as this transaction sees it."""
        if self._holding is None:
            self.holding()
        return self._occupied[worker_key]

    def ready_on_key(self, worker_key: str, lane: Lane, limit: int) -> int:
        """How many jobs of this key and lane are READY, counted up to about `limit`."""
        place = (worker_key, lane)
        if place not in self._ready_counts:
            self.write_jobs()
            self._ready_counts[place] = self.tables.ready_on_key(worker_key, lane, limit)
        return self._ready_counts[place]

    def _account(self, before: Job, after: Job) -> None:
        """Keep the counts true, and note the keys whose queues may move."""
        key = after.worker_key
        if before.holding != after.holding and self._holding is not None:
            self._occupied[key] += 1 if after.holding else -1
            (self._holding.add if after.holding else self._holding.remove)(after.id)
        was, now = before.state is JobState.READY, after.state is JobState.READY
        if was != now and (key, after.lane) in self._ready_counts:
            self._ready_counts[key, after.lane] += 1 if now else -1
        left_ready = was and not now and after.state is not JobState.RUNNING
        if (before.holding and not after.holding) or left_ready:
            self.released[key] = None

    # -- writing ------------------------------------------------------------------------------
    def flush(self) -> None:
        """Write what is pending, so that scans see it."""
        self.write_jobs()
        self._write_edges()
        if self._records:
            self.tables.put(*self._records.values())
            self._records = {}
        if self._log:
            seqs = self.tables.append_events(self._log)
            self.told += [replace(e, seq=seq) for e, seq in zip(self._log, seqs, strict=True)]
            self._log = []

    def write_jobs(self) -> None:
        """Write pending jobs, so that scans of the job table see them; events keep their order."""
        now = self.moment.steady
        if self._new:
            fresh = list(self._new.values())
            self.tables.insert_jobs(fresh)
            self._log += [events.submitted(job, now) for job in fresh]
            self._new = {}
        self._log += self._events
        self._events = []
        if self._moved:
            moved = [(before, self._rows[key]) for key, before in self._moved.items()]
            self.tables.update_jobs(moved)
            self._log += [events.changed(before, after, now) for before, after in moved]
            self._moved = {}

    def _write_edges(self) -> None:
        if self._edges:
            self.tables.insert_edges(self._edges)
            self._edges = []

    def finish(self) -> None:
        """Write the rest, the shard's counters last."""
        self.flush()
        if self.shard.ready_seq != self._ready_seq:
            self.shard = replace(self.shard, ready_seq=self._ready_seq)
        if self.shard != self._shard:
            self.tables.put(self.shard)
            self._shard = self.shard
