"""The borders of the house, as Protocols: what the cores need and others provide.

`Store` and `Tables` are the durable side; `Desk`, `SessionFace` and `HubFace` are the actors as
their callers see them. The same caller runs against an in-process object in a unit test and
against a Ray handle in production. What crosses an actor's border is JSON-safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from engine.events import Event
from engine.jobs import Edge, Job, JobState, Lane
from engine.records import Record

T = TypeVar("T")
R = TypeVar("R", bound=Record)


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> int:
        """Wall time in microseconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Elapsed seconds from an arbitrary point; never goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs a listing wants; empty fields do not filter."""

    states: tuple[JobState, ...] = ()
    lanes: tuple[Lane, ...] = ()
    project: str = ""
    backend: str = ""
    root: str = ""
    cwd: str = ""
    kinds: tuple[str, ...] = ()
    text: str = ""  # part of the name


class Tables(Protocol):
    """Primitive reads and writes inside one transaction.

    Reads see the transaction's own writes. Every list is in the order that its method names.
    Rows are not copied: a mapping inside one (`spec`, `data`) is immutable once handed over.
    Sequences are read back as tuples. A key that is taken already is a Conflict.
    """

    # -- jobs ---------------------------------------------------------------------------------
    def jobs(self, ids: Iterable[str]) -> list[Job]:
        """The jobs of these ids, each once, in no order; unknown ids are left out."""

    def jobs_ending_with(self, ending: str, limit: int) -> list[str]:
        """Ids that end with `ending`, newest first."""

    def insert_jobs(self, jobs: Sequence[Job]) -> None:
        """Add new rows."""

    def update_jobs(self, writes: Sequence[tuple[Job, Job]]) -> None:
        """Write (before, after): only if the row still has before's state and epoch.

        Raises:
            StaleWrite: a row was not in that state at that epoch; the transaction must roll back.
        """

    def insert_edges(self, edges: Sequence[Edge]) -> None:
        """Add edges."""

    def edges_from(self, parents: Iterable[str]) -> list[Edge]:
        """Edges whose parent is one of these."""

    def edges_to(self, child: str) -> list[Edge]:
        """Edges into this child, by idx."""

    def ready(self, lane: Lane, limit: int) -> list[Job]:
        """READY jobs of a lane by ready_seq."""

    def heads(self, limit: int) -> list[Job]:
        """READY jobs of every lane, at most `limit` of each, by lane and ready_seq."""

    def queued(self, worker_key: str, lane: Lane, limit: int) -> list[Job]:
        """Jobs BLOCKED by DIRECTORY or POOL on this key in this lane, by ready_seq."""

    def ready_on_key(self, worker_key: str, lane: Lane, limit: int) -> int:
        """How many jobs of this key and lane are READY, counted up to `limit` and no further."""

    def holding(self) -> list[Job]:
        """Jobs that occupy their worker_key now (holding=True), by id."""

    def due(self, now: int, limit: int) -> list[Job]:
        """DELAYED jobs with run_at <= now, by run_at."""

    def expired(self, now: int, limit: int) -> list[Job]:
        """WAITING jobs with 0 < run_at <= now, by run_at."""

    def next_due(self) -> int | None:
        """The smallest run_at of DELAYED jobs and of WAITING jobs that have one."""

    def list_jobs(self, where: JobFilter, after: str, limit: int, newest: bool) -> list[Job]:
        """Jobs that match, by id (newest first or oldest first), starting behind id `after`."""

    def count_jobs(self) -> dict[tuple[JobState, Lane], int]:
        """How many jobs there are of each state and lane."""

    def count_unverified(self) -> dict[Lane, int]:
        """How many jobs of each lane succeeded by their own word alone."""

    def prunable(self, state: JobState, before: int, limit: int) -> list[str]:
        """Ids of jobs at rest since before `before` that no living group or child needs."""

    def delete_jobs(self, ids: Sequence[str]) -> None:
        """Remove rows with their edges and the records that name them as their job."""

    # -- events -------------------------------------------------------------------------------
    def append_events(self, events: Sequence[Event]) -> list[int]:
        """Append, giving each its seq: gapless within a shard, in order of commit."""

    def events(
        self, after: int, limit: int, prefixes: Sequence[str] = (), subject: str = ""
    ) -> list[Event]:
        """Events with seq > after by seq; kinds filtered by prefix ("job.", "decision.asked")."""

    def last_seq(self) -> int:
        """The newest event's seq, 0 when there is none."""

    def newest_snapshot(self) -> int:
        """Seq of the first part of the newest whole snapshot, 0 when there is none."""

    def delete_events(self, before: int, limit: int) -> int:
        """Remove at most `limit` events with seq < before; gives how many.

        The newest event always stays, so that no seq is ever given twice.
        """

    # -- records (engine.records) -------------------------------------------------------------
    def get(self, kind: type[R], key: object) -> R | None:
        """The row of that key, or None."""

    def get_all(self, kind: type[R], keys: Iterable[object]) -> list[R]:
        """The rows of these keys, each once, in no order; unknown keys are left out."""

    def put(self, *rows: Record) -> None:
        """Insert or replace rows by key."""

    def find(
        self,
        kind: type[R],
        /,
        *,
        after: object = None,
        limit: int = 1000,
        newest: bool = False,
        **equals: object,
    ) -> list[R]:
        """Rows whose columns equal these values, by key, starting behind key `after`.

        With `newest` the order is the other way round: the largest key comes first.
        """

    def aged(self, kind: type[R], column: str, before: int, limit: int) -> list[R]:
        """Rows whose time `column` is before `before`, oldest first; 0 counts as never."""

    def remove(self, kind: type[Record], keys: Iterable[object]) -> None:
        """Delete rows by key."""


class Store(Protocol):
    """Durable truth. One writer; any number of readers."""

    def write(self, act: Callable[[Tables], T]) -> T:
        """Run `act` in one transaction; when this returns, its writes survive a power cut.

        Raises:
            StoreFull: the disk is full; nothing of `act` was written.
            Whatever `act` raised, after a roll-back.
        """

    def read(self, act: Callable[[Tables], T]) -> T:
        """Run `act` on one consistent snapshot; it must not write."""

    def close(self) -> None:
        """Let go of files and locks."""


Body = Mapping[str, Any]


class Desk(Protocol):
    """The dispatcher as the API sees it. Names and bodies: `docs/desk.md`."""

    async def command(self, name: str, body: Body) -> dict[str, Any]:
        """Carry out a command; durable when this returns.

        Raises:
            HelioError: the typed refusal.
        """

    async def query(self, name: str, body: Body) -> dict[str, Any]:
        """Answer a question from the store.

        Raises:
            HelioError: the typed refusal.
        """


class ReportDesk(Protocol):
    """The dispatcher as a session sees it."""

    async def report(self, session: str, incarnation: str, reports: Sequence[Body]) -> bool:
        """Take a batch of reports; True when they are durable and need not be sent again."""

    async def query(self, name: str, body: Body) -> dict[str, Any]:
        """Answer a question from the store, as `Desk.query` does."""


class RouterFace(Protocol):
    """The router as sessions, the council and the API see it. Words: `docs/desk.md`."""

    async def bind(self, key: str, who: Body) -> dict[str, Any]:
        """Let a key stand for an incarnation of a session, and what it works at; durable.

        `who` is the JSON of `routing.requests.Who`. Keys of older incarnations of the same
        session, and of lower epochs of the same job, are dead from now on. Gives
        {"url", "socket"}: where the gateway listens. The router keeps only the key's hash.
        """

    async def release(self, key: str) -> dict[str, Any]:
        """The key is dead; finished calls of its job are in the main store when this returns.

        Gives {"halted"}: whether the house is halted, so that its last calls may have been cut.
        """

    async def command(self, name: str, body: Body) -> dict[str, Any]:
        """Carry out a command.

        Raises:
            HelioError: the typed refusal.
        """

    async def query(self, name: str, body: Body) -> dict[str, Any]:
        """Answer a question.

        Raises:
            HelioError: the typed refusal.
        """


class CouncilFace(Protocol):
    """The council as a session sees it."""

    async def ask(self, body: Body) -> dict[str, Any]:
        """Ask several models and give their synthesis; body and answer: `docs/council.md`.

        Raises:
            HelioError: the typed refusal, Unavailable where the quorum was missed.
        """


class SessionFace(Protocol):
    """A session as the dispatcher sees it. Orders and reports: `engine.messages`."""

    async def start(self, orders: Sequence[Body]) -> dict[str, Any]:
        """Accept orders at once: {"incarnation", "accepted": [[job, epoch]], "refused": [...]}."""

    async def stop(self, job: str, epoch: int, why: str) -> None:
        """End an order: why is cancel, preempt or drain. The outcome comes as a report."""

    async def throttle(
        self, job: str, epoch: int, until: int, why: str, cause: str = "rate_limit"
    ) -> None:
        """No model answers it until then (`cause`: rate_limit or budget): it is delayed."""

    async def status(self) -> dict[str, Any]:
        """{"ready", "incarnation", "running": [[job, epoch]], "queued": [], "unreported": []}."""


class HubFace(Protocol):
    """The hub as the API and the dispatcher see it."""

    async def publish(self, events: Sequence[Body]) -> None:
        """Take stored events (with seq) or transient ones (seq 0)."""

    async def after(
        self,
        cursor: int,
        prefixes: Sequence[str],
        subject: str,
        timeout_s: float,
        tick: int = -1,
    ) -> dict[str, Any]:
        """Wait for events behind the cursor: {"events": [...], "cursor": n, "tick": n}.

        With a tick of 0 or more, transient events that came after that tick are among them.
        A cursor of -1 asks where now is, at once. {"behind": true, "oldest": n} says that
        events between the cursor and `oldest` are in the store only.
        """

    async def metrics(self) -> str:
        """The Prometheus text of the house's one registry."""
