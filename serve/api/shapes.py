"""The shapes of what `/v1` answers, for the documents: fields, meanings, examples.

Answers come from the desk as they are and are not validated again; a test holds these shapes
against real answers. Times are integer microseconds since the epoch, UTC; 0 means never.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from engine.jobs import EdgeKind, GroupMode, JobKind, JobState, Reason

T = TypeVar("T")
Time = Annotated[int, Field(examples=[1_795_000_000_000_000])]
JobId = Annotated[str, Field(examples=["01k4xg2m8qv7n3c5d9e1f0ab2c"])]
LaneName = Annotated[str, Field(examples=["P2"], pattern="^P[0-5]$")]
Json = dict[str, Any]


class Shape(BaseModel):
    """Answers may gain fields; clients must not stumble over new ones."""

    model_config = ConfigDict(extra="allow")


class Problem(Shape):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(examples=["urn:heliograph:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no job whose id ends with 4kq8."])
    remedy: str = Field("", examples=["helio job list shows what there is."])


class Page(Shape, Generic[T]):
    """A part of a list; ask again with `cursor` = `next_cursor` for what follows."""

    items: list[T]
    next_cursor: str | None = Field(None, description="None: this is the end.")


class JobView(Shape):
    """A job as it stands."""

    id: JobId
    kind: JobKind
    name: str = Field(examples=["build the site"])
    project: str = Field(examples=["site-web"])
    shard: int
    lane: LaneName
    backend: str = Field(examples=["shell"])
    mode: GroupMode | None = Field(description="Of a group: how its members make its outcome.")
    root: str = Field(description="The pipeline run it belongs to.")
    step: str = Field(description="Its step in that run.")
    cwd: str = Field(examples=["/home/me/site-web"])
    worker_key: str
    idem_key: str | None
    retry_of: str
    source: str = Field(examples=["cli"])
    trust: str
    spec: Json = Field(description="The work itself.", examples=[{"run": ["make", "site"]}])
    created_at: Time
    state: JobState
    reason: Reason = Field(description="Why it stands there; empty where the state says it all.")
    ready_seq: int
    run_at: Time = Field(description="Delayed: when it is due. Waiting: the deadline.")
    epoch: int = Field(description="Counts its attempts; late answers of older ones are refused.")
    owner: str = Field(description="The worker that runs it.")
    holding: bool
    failures: int
    reclaims: int
    rounds: int
    open_deps: int
    bad_deps: int
    progress_at: Time
    cancel_requested_at: Time
    started_at: Time
    finished_at: Time
    result: Json | None = Field(examples=[{"text": "done\n", "exit_code": 0, "exited": True}])
    error: Json | None = Field(
        examples=[{"cause": "tool", "message": "It ended with 2.", "remedy": "Read the log."}]
    )
    cost_usd: float


class AttemptView(Shape):
    """One run of a job by a worker."""

    id: str
    job: JobId
    epoch: int
    session: str = Field(examples=["session/site-web-0f3a9b21cc"])
    started_at: Time
    ended_at: Time
    outcome: str = Field(examples=["done"])


class Need(Shape):
    """A job that this one waits for."""

    id: JobId
    on: EdgeKind
    idx: int


class Member(Shape):
    """One member of a group."""

    id: JobId
    name: str
    step: str
    state: JobState


class DecisionView(Shape):
    """A question to the owner."""

    id: str
    job: JobId
    kind: str = Field(examples=["question"])
    question: str = Field(examples=["Publish the site?"])
    options: list[str] = Field(examples=[["yes", "no"]])
    risk: str = Field(examples=["low"])
    deadline_at: Time
    default: str = Field(description="What is taken at the deadline.")
    version: int = Field(description="Rises with every change; also the ETag.")
    state: str = Field(examples=["open"])
    answer: str
    answered_by: str
    answered_at: Time
    created_at: Time


class ArtefactView(Shape):
    """A file that a job left behind."""

    id: str
    job: JobId
    name: str = Field(examples=["stdout.txt"])
    sha256: str = Field(description="Of its content; also the ETag.", examples=["9f86d081" * 8])
    size_bytes: int
    media_type: str = Field(examples=["text/plain; charset=utf-8"])
    created_at: Time


class JobDetail(JobView):
    """A job with its attempts, its relations and its files."""

    attempts: list[AttemptView] = []
    needs: list[Need] = []
    members: list[Member] = []
    decisions: list[DecisionView] = []
    artefacts: list[ArtefactView] = []


class Submitted(Shape):
    """What a submit made."""

    ids: list[JobId] = Field(description="In the order of the request.")
    keys: dict[str, str] = Field(description="Local names of the batch to ids.")
    replayed: bool = Field(description="The key was used before; these are the ids of then.")


class Retried(Shape):
    """The new job that repeats an old one."""

    id: JobId


class SignalTaken(Shape):
    """What became of a signal."""

    accepted: bool
    first: bool = Field(description="False: a signal of that name came before, and it counts.")


class PipelineStarted(Shape):
    """A pipeline run."""

    id: JobId = Field(description="Its root: a group that ends when all steps have.")
    steps: dict[str, str] = Field(description="Step names to job ids.")
    replayed: bool


class Rendered(Shape):
    """A pipeline as it would be submitted; nothing was stored."""

    jobs: list[Json]
    order: list[str] = Field(description="Steps, parents first.", examples=[["fetch", "build"]])


class ProjectView(Shape):
    """A body of work."""

    id: str
    name: str
    roots: list[str]
    backend: str
    lane: str | int | None = None
    budget_usd: float | None = None
    created_at: Time


class WorkerView(Shape):
    """A session: one agent in one directory."""

    name: str = Field(examples=["session/site-web-0f3a9b21cc"])
    host: str
    directory: str
    backend: str
    persistent: bool
    state: str = Field(examples=["idle"])
    jobs: int
    born_at: Time
    used_at: Time


class EventView(Shape):
    """One fact. Passing events (output) have `seq` 0 and are never stored."""

    seq: int
    at: Time
    kind: str = Field(examples=["job.succeeded"])
    subject: str
    project: str
    data: Json


class EventPage(Shape):
    """Stored events behind a cursor."""

    items: list[EventView]
    cursor: int = Field(description="Where to go on.")


class LogPage(Shape):
    """A piece of an attempt's output."""

    job: JobId
    epoch: int
    newest_epoch: int
    offset: int = Field(description="Bytes before this piece.")
    next_offset: int
    text: str
    at_rest: bool = Field(description="Nothing will follow, in this attempt or another.")


class Status(Shape):
    """The house at a glance."""

    ready: bool
    term: int
    halted_at: Time
    paused_at: Time
    slots: int
    running: int
    counts: dict[str, dict[str, int]] = Field(
        description="Jobs by state and lane. Of those that succeeded, the ones that nobody "
        "verified although they should be stand apart as `unverified`.",
        examples=[{"ready": {"P2": 3}}],
    )
    last_seq: int
    open_decisions: int
    version: str


class BrowserSession(Shape):
    """What our own page needs to make changes."""

    form_key: str
