"""The job: one row, one promise of a result.

A group (`all`, `race`, ...) and a wait (for a signal or the owner) are promises as well, so they
are rows of the same kind: whatever can depend on a job can depend on them. Only a TASK ever
takes a slot, a session or a process.

Times are integer microseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from engine.errors import BadInput


class Lane(IntEnum):
    """Priority: P0 and P1 are urgent, P2 is normal, P3 to P5 are background."""

    P0 = 0
    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4
    P5 = 5


LANE_NAMES: Mapping[str, Lane] = {lane.name: lane for lane in Lane} | {
    "SOS": Lane.P0,
    "HUMAN": Lane.P1,
    "WARNING": Lane.P2,
    "INFO": Lane.P3,
    "DODO": Lane.P5,
}


def lane_named(name: object) -> Lane:
    """Read a lane from its name.

    Raises:
        BadInput: anything but a known name; a bare integer is refused on purpose, because 1 and
            "P1" were confused in every system that took both.
    """
    if isinstance(name, str) and name.upper() in LANE_NAMES:
        return LANE_NAMES[name.upper()]
    raise BadInput(
        f"{name!r} is not a priority.",
        remedy="Give it by name: P0 to P5, or SOS, HUMAN, WARNING, INFO, DODO.",
    )


class JobState(StrEnum):
    """Where a promise stands. The last four are terminal and absorb."""

    BLOCKED = "blocked"
    DELAYED = "delayed"
    READY = "ready"
    RUNNING = "running"
    REVIEWING = "reviewing"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def terminal(self) -> bool:
        """Whether nothing can change any more."""
        return self in TERMINAL


TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED})


class Reason(StrEnum):
    """Why a job stands where it stands; empty where the state says it all."""

    NONE = ""
    DEPENDENCY = "dependency"
    DIRECTORY = "directory"
    POOL = "pool"
    MEMBERS = "members"
    SCHEDULE = "schedule"
    BACKOFF = "backoff"
    RATE_LIMIT = "rate_limit"
    BUDGET = "budget"
    SIGNAL = "signal"
    DECISION = "decision"
    UPSTREAM = "upstream"
    CONDITION = "condition"
    LOST = "lost"
    DRAINED = "drained"
    PREEMPTED = "preempted"
    RACE_LOST = "race_lost"
    OWNER = "owner"
    UNVERIFIED = "unverified"  # succeeded as claimed: no verdict that counts was to be had
    ACCEPTED = "accepted"  # succeeded at the owner's word, where the gate was unsure


class JobKind(StrEnum):
    """What a row stands for."""

    TASK = "task"
    GROUP = "group"
    WAIT = "wait"


class GroupMode(StrEnum):
    """How a group's members make its outcome.

    RUN is the root of a pipeline: it waits for every member and fails if one failed.
    """

    ALL = "all"
    RACE = "race"
    ANY = "any"
    ALL_SETTLED = "all_settled"
    RUN = "run"


class EdgeKind(StrEnum):
    """What a child wants of its parent.

    SUCCESS: the parent succeeded, else the child is skipped. SETTLED: the parent is at rest,
    however it ended. MEMBER: the parent is a member of the group `child`.
    """

    SUCCESS = "success"
    SETTLED = "settled"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Edge:
    """Child waits for parent. `idx` is the parent's place among the child's parents."""

    child: str
    parent: str
    kind: EdgeKind
    idx: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the job table; every field is a column of the same name.

    The first block is fixed at submit. The second moves, always through `engine.transitions`.
    """

    id: str
    kind: JobKind = JobKind.TASK
    name: str = ""
    project: str = "default"
    shard: int = 0
    lane: Lane = Lane.P2
    backend: str = ""
    mode: GroupMode | None = None
    root: str = ""  # the pipeline run this belongs to: the id of its RUN group
    step: str = ""  # the step's name inside that run
    cwd: str = ""  # canonical directory; empty: a fresh one for each job
    worker_key: str = ""  # what it occupies while it runs: a directory's digest or a pool
    idem_key: str | None = None
    retry_of: str = ""
    source: str = "api"  # who submitted: api, cli, pipeline, engine
    trust: str = "owner"  # the lowest trust of what went into it
    spec: Mapping[str, Any] = field(default_factory=dict)
    created_at: int = 0

    state: JobState = JobState.BLOCKED
    reason: Reason = Reason.NONE
    ready_seq: int = 0  # place in its lane's or its directory's queue
    run_at: int = 0  # delayed: when due; waiting: the deadline (0: none)
    epoch: int = 0  # the fence: up by one at each claim
    owner: str = ""  # the session that runs it
    holding: bool = False  # occupies its worker_key right now
    failures: int = 0
    reclaims: int = 0
    rounds: int = 0  # reviews of the gate so far
    open_deps: int = 0  # parents (of a group: members) not yet at rest
    bad_deps: int = 0  # of a group: members that ended badly
    progress_at: int = 0
    cancel_requested_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    # what a waiting job waits for, {"signal": name} or {"decision": id}; with "given" once it came
    awaits: Mapping[str, Any] | None = None
    cost_usd: float = 0.0


FIXED_AT_SUBMIT = (
    "id", "kind", "name", "project", "shard", "lane", "backend", "mode", "root", "step", "cwd",
    "worker_key", "idem_key", "retry_of", "source", "trust", "spec", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a job gave. `text` is what `{{prev_result}}` inserts.

    `exited`, `claimed` and `verified` are three facts that are never merged: the process ended
    well, the agent says it is done, and the gate agrees (None: no gate looked).

    `served` tells which model gave it: {model, served, provider, asked, substituted, ...}.
    """

    text: str = ""
    data: Any = None
    exit_code: int | None = None
    files: tuple[str, ...] = ()
    truncated: bool = False
    exited: bool = True
    claimed: bool | None = None
    verified: bool | None = None
    served: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give the JSON object kept in the row."""
        return {
            "text": self.text,
            "data": self.data,
            "exit_code": self.exit_code,
            "files": list(self.files),
            "truncated": self.truncated,
            "exited": self.exited,
            "claimed": self.claimed,
            "verified": self.verified,
            "served": None if self.served is None else dict(self.served),
        }
