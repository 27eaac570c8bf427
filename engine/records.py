"""The rows besides jobs. Each class is a table: its first field is the key, all fields columns.

`store` maps these classes to SQL tables and to the in-memory twin by the same introspection, so
a new table is a new class here plus a migration, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The dispatcher's own row: its term (fence), its counters and the house's switches."""

    id: int
    term: int = 0
    ready_seq: int = 0
    passes: Sequence[int] = ()  # the six lanes' stride passes
    virtual_time: int = 0
    halted_at: int = 0
    paused_at: int = 0
    # where the steady clock stood: {"boot_id", "boottime_us", "steady_us"}
    anchor: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One claim of a job: the audit trail of its fence. Key: ``job:epoch``."""

    id: str
    job: str
    epoch: int
    session: str
    incarnation: str = ""
    started_at: int = 0
    ended_at: int = 0
    outcome: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    rendered_digest: str = ""
    log: str = ""  # path of the output file, relative to the home
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A body of work: the nearest git root of a directory, or a given name."""

    id: str
    name: str
    roots: Sequence[str] = ()
    shard: int = 0
    backend: str = ""
    lane: int | None = None
    budget_usd: float | None = None
    protected_branches: Sequence[str] = ("main", "master")
    created_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A question to the owner. Answered once, from anywhere; `version` rises at each change."""

    id: str
    job: str
    kind: str = "question"
    question: str = ""
    options: Sequence[str] = ()
    effect_hash: str = ""
    risk: str = "low"
    deadline_at: int = 0
    default: str = ""
    version: int = 1
    state: str = "open"  # open, answered, expired, withdrawn
    answer: str = ""
    answered_by: str = ""
    answered_at: int = 0
    created_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A named message to a job; the first one wins, and it may come early. Key ``job:name``."""

    id: str
    job: str
    name: str
    payload: Any = None
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """A submit's key, what it made, and the digest of its body."""

    key: str
    digest: str
    ids: Sequence[str] = ()
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A session's record: its identity on disk, and where it stands."""

    name: str
    key: str  # the worker_key that its jobs hold
    host: str
    directory: str
    device: int = 0
    inode: int = 0
    backend: str = "shell"
    persistent: bool = True
    state: str = "idle"  # idle, running, dead, retired
    incarnation: str = ""
    jobs: int = 0
    born_at: int = 0
    used_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to a session: durable before it is acknowledged, delivered with its id."""

    id: str
    session: str
    job: str = ""
    mode: str = "queue"  # queue, steer, interrupt
    body: str = ""
    trust: str = "owner"
    created_at: int = 0
    delivered_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a conversation. Key: ``session:idx``."""

    id: str
    session: str
    idx: int
    job: str = ""
    role: str = "user"
    blocks: Sequence[Any] = ()
    artefact: str = ""
    model: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    created_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A kept conversation: its turns carry its key as their `session`."""

    id: str  # engine.pools.talk_key: talk:PROJECT/NAME
    project: str
    name: str
    turns: int = 0
    model: str = ""  # that answered last
    created_at: int = 0
    used_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt at a model provider, as the router's ledger told it. Key: its grant's id."""

    id: str
    job: str = ""
    epoch: int = 0
    session: str = ""
    project: str = ""
    lane: int = 2
    backend: str = ""
    request: str = ""
    attempt: int = 1
    purpose: str = "answer"
    dialect: str = ""
    asked: str = ""  # what the caller named
    model: str = ""  # the catalogue's name of what was called
    served: str = ""  # what the provider says that answered
    provider: str = ""
    key: str = ""
    family: str = ""
    tier: str = ""
    ok: bool = False
    fault: str = ""
    status: int = 0
    skips: Sequence[Any] = ()
    probe: bool = False
    spill: bool = False
    hedge: bool = False
    substituted: bool = False
    usd: float = 0.0
    usd_known: bool = True
    turns: int = 0  # of a subscription, which costs turns and not money
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    first_byte_us: int = 0
    took_us: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One look of the gate at a deliverable. Key: the attempt it looked at, ``job:epoch``."""

    id: str
    job: str
    review: str  # the job that reviews
    round: int = 1
    verdict: str = ""  # pass, fail, unsure; empty: none yet, or none that could be read
    reasons: Sequence[str] = ()
    makers: Sequence[str] = ()  # families of the models that made it, as known at the verdict
    families: Sequence[str] = ()  # of the models that gave the verdict
    outcome: str = ""  # verified, unverified, sentback, rejected, askowner
    why: str = ""  # why there is no verdict that counts
    at: int = 0
    decided_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """A day's sums of one project, model, provider and worker; survives pruning."""

    id: str  # day|project|model|provider|worker
    day: str
    project: str
    model: str
    provider: str
    worker: str
    calls: int = 0
    failed: int = 0
    usd: float = 0.0
    turns: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a stream of facts from elsewhere was taken. Key: whose stream."""

    id: str
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A content-addressed file under the home. Key: ``job:name``; many rows may share a hash."""

    id: str
    job: str
    name: str
    sha256: str
    size_bytes: int = 0
    media_type: str = "application/octet-stream"
    created_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """What survives pruning: one day's count of one kind of outcome."""

    id: str  # day:project:lane:backend:state
    day: str
    project: str
    lane: int
    backend: str
    state: str
    jobs: int = 0
    cost_usd: float = 0.0
    run_s: float = 0.0


Record = (
    Shard | Attempt | Project | Decision | Signal | Idempotency | Worker | Message | Turn
    | Artefact | Rollup | Call | Spend | Cursor
    | Review | Conversation
)  # fmt: skip
