"""A pipeline's text as typed models: what may be written in one, field by field.

It knows the shape only; `engine.pipelines` gives it meaning.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine import durations
from engine.errors import BadInput
from engine.inputs import InputSpec
from engine.requests import Body, Count, LaneByName, Money, Temperature, Tier


def _word(value: object) -> object:
    """Take a number or a truth value where YAML text means a word: [sleep, 5]."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return value


def _seconds(value: object) -> float:
    try:
        return durations.seconds(value)
    except BadInput as refusal:
        raise ValueError(f"{refusal.detail} {refusal.remedy}") from None


Word = Annotated[str, BeforeValidator(_word)]
Duration = Annotated[float, BeforeValidator(_seconds)]
GroupWord = Literal["all", "race", "any", "all_settled"]
GROUP_WORDS: tuple[GroupWord, ...] = ("all", "race", "any", "all_settled")


class NeedStep(Body):
    """Wait for a step however it ends."""

    step: str
    on: Literal["success", "settled"] = "success"


class RetryStep(Body):
    """How often to try again, and after which waits."""

    max: int = Field(ge=0, le=100)
    delays: list[Duration] | None = None


class WaitStep(Body):
    """Wait for a named signal."""

    signal: str = Field(min_length=1)
    deadline: Duration | None = None


class AskStep(Body):
    """Wait for the owner's answer; the default is taken at the deadline."""

    question: str = Field(min_length=1)
    options: list[Word] = Field(default_factory=list)
    default: Word | None = None
    deadline: Duration | None = None


class MapStep(Body):
    """The list to make children from, and how their ends make the step's."""

    over: Any
    mode: GroupWord = "all"


class Step(Body):
    """One step. Exactly one of run, sh, prompt, call, wait, ask and the four groups."""

    name: str = ""  # inline members of a group only: others are named by their key
    description: str = ""
    run: list[Word] | None = None
    sh: str | None = None
    prompt: str | None = None
    system: str | None = None
    model: str | None = None
    tier: Tier | None = None
    floor: Tier | None = None
    pin: bool | None = None
    budget_usd: Money | None = None
    max_tokens: Count | None = None
    temperature: Temperature | None = None
    answer_schema: dict[str, Any] | None = Field(None, alias="schema")
    attach: list[str] | str | None = None
    conversation: str | None = None
    members: list[Word] | None = None
    quorum: Count | None = None
    models: bool | None = None
    call: str | None = None
    args: Any = None
    wait: str | WaitStep | None = None
    ask: str | AskStep | None = None
    all: list[str | dict[str, Any]] | None = None
    race: list[str | dict[str, Any]] | None = None
    any: list[str | dict[str, Any]] | None = None
    all_settled: list[str | dict[str, Any]] | None = None
    map: str | list[Any] | MapStep | None = None
    needs: list[str | NeedStep] | str = Field(default_factory=list)
    when: str | dict[str, Any] | None = None
    lane: LaneByName | None = None
    backend: str = ""
    cwd: str = ""
    timeout: Duration | None = None
    silence: Duration | None = None
    tool: Duration | None = None
    retry: Annotated[int, Field(ge=0, le=100)] | RetryStep | None = None
    requirements: str | None = None
    env: dict[str, Word] = Field(default_factory=dict)
    stdin: str | None = None
    hold: bool | None = None
    effects: Literal["once", "many"] | None = None
    persistent: bool | None = None


class Pipeline(Body):
    """A whole pipeline. `lane`, `project` and `cwd` hold for steps that name none."""

    name: str = Field("pipeline", min_length=1, max_length=200)
    description: str = ""
    project: str = ""
    lane: LaneByName | None = None
    cwd: str = ""
    inputs: dict[str, InputSpec | str] = Field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = Field(min_length=1)
