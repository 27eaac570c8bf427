"""The shapes of what `/v1` is sent, where the engine has none of its own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from engine.jobs import JobKind, JobState

BY = "api"
By = Annotated[str, Field(max_length=100, description="Who says so; kept with the change.")]


class Ask(BaseModel):
    """Unknown fields are refused: a misspelt option must not be ignored in silence."""

    model_config = ConfigDict(extra="forbid")


class JobQuery(Ask):
    """Which jobs to list."""

    states: list[JobState] = Field([], examples=[["running", "ready"]])
    lanes: list[str] = Field([], examples=[["P0", "P1"]])
    project: str | None = None
    backend: str | None = None
    root: str | None = Field(None, description="Jobs of this pipeline run.")
    cwd: str | None = None
    kinds: list[JobKind] = []
    text: str | None = Field(None, description="Part of the name.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")
    limit: int | None = Field(None, ge=1)
    newest: bool | None = Field(None, description="False: oldest first.")


class WhoAsks(Ask):
    """Who wants it."""

    by: By = BY


class SignalAsk(Ask):
    """A named message to a job."""

    name: str = Field(min_length=1, max_length=200, examples=["approved"])
    payload: Any = Field(None, examples=[{"build": 17}])


class PipelineAsk(Ask):
    """A pipeline and the inputs of one run."""

    pipeline: dict[str, Any] = Field(
        examples=[
            {
                "name": "greet",
                "inputs": {"who": {"type": "string"}},
                "steps": {"hello": {"run": ["echo", "Hello {{input.who}}"]}},
            }
        ]
    )
    inputs: dict[str, Any] = Field(default_factory=dict, examples=[{"who": "world"}])


class PipelineRunAsk(PipelineAsk):
    """A pipeline to run now."""

    lane: str | None = Field(None, examples=["P2"])
    project: str | None = None
    cwd: str | None = None


class ProjectAsk(Ask):
    """A project to add or change."""

    name: str = Field(min_length=1, max_length=200, examples=["site-web"])
    roots: list[str] = Field(default_factory=list, examples=[["/home/me/site-web"]])
    backend: str | None = None
    lane: str | None = None
    budget_usd: float | None = Field(None, ge=0)


class AnswerAsk(Ask):
    """The owner's word on a decision."""

    option: str = Field(examples=["yes"])
    version: int | None = Field(None, description="Refuse if the question changed since.")
    by: By = BY


class TripAsk(Ask):
    """How long to keep something closed."""

    for_s: float | None = Field(None, gt=0, description="Seconds.", examples=[600])


class LoginAsk(Ask):
    """The token, or the ticket of a link made by `helio open`."""

    token: str = ""
    ticket: str = ""
