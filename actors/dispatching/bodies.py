"""The bodies of commands and queries as pydantic models: the edge where JSON becomes typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from engine.errors import BadInput
from engine.jobs import JobState, Lane, lane_named
from engine.pools import talk_key

_PAGE = 50


class Body(BaseModel):
    """A body that refuses names it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


LaneByName = Annotated[Lane, BeforeValidator(lane_named)]


class JobId(Body):
    """One job; `by` tells who asked."""

    id: str
    by: str = "owner"
    reason: str = ""


class Named(Body):
    """One row, by `id` or by `name`."""

    id: str = ""
    name: str = ""

    @model_validator(mode="after")
    def _one(self) -> Named:
        if bool(self.id) == bool(self.name):
            raise ValueError("give either id or name")
        return self

    @property
    def key(self) -> str:
        """Whichever was given."""
        return self.id or self.name


class SignalBody(Body):
    """A named signal for a job."""

    id: str
    name: str = Field(min_length=1, max_length=200)
    payload: Any = None


class CallsBody(Body):
    """Facts of a router's ledger, each with its place there."""

    ledger: str = Field(min_length=1)
    calls: list[tuple[int, dict[str, Any]]]


class AnswerBody(Body):
    """The owner's answer to a decision."""

    id: str
    option: str = Field(min_length=1, max_length=10_000)
    version: int | None = None
    by: str = "owner"


class ProjectBody(Body):
    """A project to add or to change."""

    name: str = Field(min_length=1, max_length=200)
    roots: list[str] = Field(default_factory=list)
    backend: str = ""
    lane: LaneByName | None = None
    budget_usd: float | None = Field(None, ge=0)
    protected_branches: list[str] = Field(default_factory=lambda: ["main", "master"])


class HouseBody(Body):
    """Who turned the switch."""

    by: str = "owner"


class PipelineRun(Body):
    """A pipeline and what to run it with."""

    pipeline: dict[str, Any]
    inputs: dict[str, Any] = Field(default_factory=dict)
    lane: LaneByName | None = None
    project: str = ""
    cwd: str = ""
    idem_key: str = Field("", max_length=200)


class JobList(Body):
    """Which jobs to list."""

    states: list[JobState] = Field(default_factory=list)
    lanes: list[LaneByName] = Field(default_factory=list)
    project: str = ""
    backend: str = ""
    root: str = ""
    cwd: str = ""
    kinds: list[str] = Field(default_factory=list)
    text: str = ""
    cursor: str = ""
    limit: int = Field(_PAGE, ge=1)
    newest: bool = True


class DecisionList(Body):
    """Which decisions to list; state "all" means every one."""

    state: str = "open"
    cursor: str = ""
    limit: int = Field(_PAGE, ge=1)


class WorkerList(Body):
    """Which workers to list."""

    state: str = ""
    cursor: str = ""
    limit: int = Field(_PAGE, ge=1)


class TurnList(Body):
    """Whose turns to list: a session's, or a kept conversation's; the last `limit` of them."""

    session: str = ""
    conversation: str = Field("", max_length=200)
    project: str = "default"
    cursor: str = ""
    limit: int = Field(_PAGE, ge=1)

    @model_validator(mode="after")
    def _one(self) -> TurnList:
        if bool(self.session) == bool(self.conversation):
            raise ValueError("give either session or conversation")
        return self

    @property
    def key(self) -> str:
        """Under which session the turns are kept."""
        return self.session or talk_key(self.project, self.conversation)


class ConversationList(Body):
    """Which conversations to list."""

    project: str = ""
    cursor: str = ""
    limit: int = Field(_PAGE, ge=1)


class EventList(Body):
    """Which events to list."""

    after: int = Field(0, ge=0)
    limit: int = Field(_PAGE, ge=1)
    prefixes: list[str] = Field(default_factory=list)
    subject: str = ""


M = TypeVar("M", bound=BaseModel)


def read(model: type[M], body: Mapping[str, Any]) -> M:
    """Read a body.

    Raises:
        BadInput: it does not fit; the detail names every field at fault.
    """
    try:
        return model.model_validate(dict(body))
    except ValidationError as faults:
        told = [
            f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}"
            for fault in faults.errors()
        ]
        raise BadInput(
            "; ".join(told) + ".", remedy="The API's pages at /docs show each body.", fields=told
        ) from None


def one_id(body: Mapping[str, Any]) -> str:
    """Read the id of a body that names one job."""
    return read(JobId, body).id
