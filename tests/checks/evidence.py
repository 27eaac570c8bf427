"""What an invariant can be judged by: plain values, no store and no process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.events import Event
from engine.jobs import Edge, Job
from engine.ports import JobFilter, Tables
from engine.records import (
    Attempt,
    Call,
    Conversation,
    Decision,
    Idempotency,
    Review,
    Shard,
    Signal,
    Turn,
    Worker,
)
from engine.settings import Settings

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise. `invariant` is the design's number and a short name."""

    invariant: str
    subject: str
    told: str

    def __str__(self) -> str:
        return f"[{self.invariant}] {self.subject}: {self.told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One operation of a client, as Jepsen writes it: invoked, and how it ended.

    `how` is ok (acknowledged), fail (refused for good) or info (nobody knows). `body` is what
    was asked, `answer` what came back.
    """

    name: str
    body: Mapping[str, Any]
    how: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""  # the idempotency key, if there was one


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One effect in the world: a process that was started for (job, epoch).

    `token` is unique and stands in the text of the result that it gave, if it gave one.
    """

    job: str
    epoch: int
    token: str
    session: str = ""
    resume: Mapping[str, Any] | None = None
    began_at: int = 0
    alive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All rows of a store at one instant."""

    jobs: Mapping[str, Job]
    edges: Sequence[Edge]
    events: Sequence[Event]
    attempts: Sequence[Attempt] = ()
    decisions: Sequence[Decision] = ()
    signals: Sequence[Signal] = ()
    keys: Sequence[Idempotency] = ()
    workers: Sequence[Worker] = ()
    calls: Sequence[Call] = ()
    reviews: Sequence[Review] = ()
    turns: Sequence[Turn] = ()
    conversations: Sequence[Conversation] = ()
    shard: Shard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that is known about one case; what is empty is not judged.

    Attributes:
        ops: the clients' history.
        executions: the effect log; None where nobody kept one.
        rested: the faults have stopped and a fair drain is over: all must be at rest.
        now: (steady, wall) at the end.
        wall_at: what the wall clock showed at a steady time.
        writers: (seq, term): which term wrote the event of that seq.
        poisonous: jobs that kill their worker each time.
        secrets: registered values; `texts` are further places to look for them.
        orphans: what of process trees was found alive.
        trouble: what the harness itself saw go wrong, as (invariant, sentence).
    """

    snapshot: Snapshot
    settings: Settings = field(default_factory=Settings)
    ops: Sequence[Op] = ()
    executions: Sequence[Execution] | None = None
    rested: bool = False
    now: tuple[int, int] = (0, 0)
    wall_at: Callable[[int], int] | None = None
    writers: Sequence[tuple[int, int]] = ()
    poisonous: frozenset[str] = frozenset()
    secrets: Sequence[str] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    orphans: Sequence[str] = ()
    trouble: Sequence[tuple[str, str]] = ()

    def acked(self, *names: str) -> Iterable[Op]:
        """The acknowledged operations of these names."""
        return (op for op in self.ops if op.how == "ok" and op.name in names)


def snapshot_of(tables: Tables) -> Snapshot:
    """Read everything; call it inside one `store.read`."""
    jobs = jobs_of(tables)
    edges = [edge for job_id in jobs for edge in tables.edges_to(job_id)]
    return Snapshot(
        jobs=jobs,
        edges=edges,
        events=_all_events(tables),
        attempts=_all(tables, Attempt),
        decisions=_all(tables, Decision),
        signals=_all(tables, Signal),
        keys=_all(tables, Idempotency),
        workers=_all(tables, Worker),
        calls=_all(tables, Call),
        reviews=_all(tables, Review),
        turns=_all(tables, Turn),
        conversations=_all(tables, Conversation),
        shard=tables.get(Shard, 0),
    )


def jobs_of(tables: Tables) -> dict[str, Job]:
    """Read the rows of all jobs."""
    return {job.id: job for job in _all_jobs(tables)}


def _all_jobs(tables: Tables) -> Iterable[Job]:
    after = ""
    while page := tables.list_jobs(JobFilter(), after, _PAGE, False):
        yield from page
        after = page[-1].id


def _all_events(tables: Tables) -> list[Event]:
    events: list[Event] = []
    while page := tables.events(events[-1].seq if events else 0, _PAGE):
        events += page
    return events


def _all(tables: Tables, kind: type[Any]) -> list[Any]:
    rows: list[Any] = []
    while page := tables.find(kind, after=_key(rows[-1]) if rows else None, limit=_PAGE):
        rows += page
    return rows


def _key(row: Any) -> object:
    return row.key if isinstance(row, Idempotency) else getattr(row, "id", None) or row.name
