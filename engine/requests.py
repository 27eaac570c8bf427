"""Job requests: the edge where a submitted JSON object becomes drafts that hold together.

`JobRequest` is one promise as a caller writes it (`docs/desk.md`); `compile_requests` turns a
list of them into a `Batch`, or refuses all of it. Nothing is looked up: known backends and
limits are arguments, and whether a directory exists is somebody else's question.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from engine.compiling import WORK, bind, work_of
from engine.conditions import read as read_condition
from engine.drafts import Batch, Draft, Need
from engine.errors import BadInput
from engine.jobs import EdgeKind, GroupMode, JobKind, Lane, lane_named
from engine.prompts import WORDS
from engine.settings import LimitSettings

LaneByName = Annotated[
    Lane, BeforeValidator(lambda name: name if isinstance(name, Lane) else lane_named(name))
]
Tier = Literal["ultra", "mid", "cheap", "reasoning"]
Money = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=200)]
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\[\]-]*")
M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """A frozen body that refuses names it does not know and guesses no types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NeedRequest(Body):
    """Wait for another promise: a key of the same batch, or an id."""

    id: str = Field(min_length=1)
    on: Literal["success", "settled"] = "success"


class GroupRequest(Body):
    """Several promises under one combinator."""

    mode: Literal["all", "race", "any", "all_settled"]
    members: list[str]


class WaitRequest(Body):
    """What to wait for, for days if need be: a signal, or the owner's answer."""

    signal: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    ask: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    options: list[str] = Field(default_factory=list)
    default: str | None = None
    deadline_s: Seconds | None = None


class JobRequest(Body):
    """One promise. Exactly one of run, sh, prompt, call, wait and group says what it is."""

    name: Name = ""
    project: Name = ""
    lane: LaneByName = Lane.P2
    backend: str = ""
    cwd: str = ""
    run: list[str] | None = None
    sh: str | None = None
    prompt: str | None = None
    system: str | None = None
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    tier: Tier | None = None
    floor: Tier | None = None
    pin: bool | None = None
    budget_usd: Money | None = None
    max_tokens: Count | None = None
    temperature: Temperature | None = None
    answer_schema: dict[str, Any] | None = Field(None, alias="schema")
    attach: list[str] | None = None
    conversation: str | None = None
    members: list[str] | None = None
    quorum: Count | None = None
    models: bool | None = None
    call: str | None = None
    args: Any = None
    wait: WaitRequest | None = None
    group: GroupRequest | None = None
    env: dict[str, str] = Field(default_factory=dict)
    stdin: str | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    needs: list[str | NeedRequest] = Field(default_factory=list)
    when: str | dict[str, Any] | None = None
    key: str = Field("", max_length=200)
    run_at: int = Field(0, ge=0)
    max_failures: Annotated[int, Field(ge=0, le=100)] | None = None
    delays_s: list[Seconds] | None = None
    timeout_s: Seconds | None = None
    silence_s: Seconds | None = None
    tool_s: Seconds | None = None
    hold: bool | None = None
    effects: Literal["once", "many"] | None = None
    persistent: bool | None = None
    requirements: str | None = None
    source: Annotated[str, Field(max_length=50)] = "api"


class SubmitBody(Body):
    """A batch: stored together or not at all."""

    jobs: list[JobRequest] = Field(min_length=1)
    idem_key: Name = ""


_SPEC_KEYS = (
    "run", "sh", "prompt", "call", "args", "stdin", "timeout_s", "silence_s", "tool_s",
    "max_failures", "delays_s", "hold", "effects", "persistent", "requirements",
    *(word for word in WORDS if word != "schema"),
)  # fmt: skip


def compile_requests(
    requests: Sequence[JobRequest], backends: Collection[str], limits: LimitSettings
) -> Batch:
    """Turn requests into a batch that holds together.

    Raises:
        BadInput: a request is not exactly one kind of work, or its parts do not fit.
        CycleFound, UnknownName, PayloadTooLarge: as `engine.compiling.bind`.
    """
    drafts = [draft_of(request, request.key or f"#{n}") for n, request in enumerate(requests)]
    for request in requests:
        if request.key and not _KEY.fullmatch(request.key):
            raise BadInput(
                f"{request.key!r} is no key.",
                remedy="A key is made of letters, digits, and the signs _ - . [ ]",
            )
    return Batch(drafts=bind(drafts, backends, limits), digest=digest(requests))


def draft_of(request: JobRequest, key: str) -> Draft:
    """Make the draft of one request; names and references are checked later, by `bind`.

    Raises:
        BadInput: it is not exactly one kind of work, or its parts do not fit each other.
    """
    kind = _kind(request)
    return Draft(
        key=key,
        kind=kind,
        name=request.name or request.key,
        project=request.project,
        lane=request.lane,
        backend=_backend(request) if kind is JobKind.TASK else "",
        mode=GroupMode(request.group.mode) if request.group else None,
        step=request.key,
        cwd=_directory(request),
        spec=_spec(request),
        needs=tuple(_need(need) for need in request.needs),
        members=tuple(request.group.members) if request.group else (),
        run_at=request.run_at,
        source=request.source,
    )


def read_body(model: type[M], body: Mapping[str, Any], where: str) -> M:
    """Read a JSON object into a model; `where` begins the sentence of a refusal.

    Raises:
        BadInput: names every field at fault and what is wrong with it.
    """
    try:
        return model.model_validate(dict(body))
    except ValidationError as faults:
        told = "; ".join(_told(dict(fault)) for fault in faults.errors(include_url=False))
        raise BadInput(
            f"{where}: {told}.", remedy=f"It may have: {', '.join(_fields(model))}."
        ) from None


def _fields(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def digest(requests: Sequence[BaseModel]) -> str:
    """Give the sha256 of the canonical form of what was asked for."""
    bodies = [request.model_dump(mode="json", exclude_defaults=True) for request in requests]
    text = json.dumps(bodies, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _told(fault: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{path} is not known here"
    said = str(fault["msg"]).removeprefix("Value error, ")
    return f"{path}: {said[:1].lower()}{said[1:]}" if path else said


def _kind(request: JobRequest) -> JobKind:
    asked = {work: getattr(request, work) for work in WORK}
    match work_of(asked, request.name or request.key):
        case "group":
            return JobKind.GROUP
        case "wait":
            _check_wait(request)
            return JobKind.WAIT
        case _:
            return JobKind.TASK


def _check_wait(request: JobRequest) -> None:
    wait = request.wait
    if wait is None or bool(wait.signal) == bool(wait.ask):
        raise BadInput(
            "`wait` names either a signal or a question, not both and not neither.",
            remedy="Write wait: {signal: NAME} or wait: {ask: QUESTION, options: [...]}.",
        )
    if wait.default is not None and wait.options and wait.default not in wait.options:
        raise BadInput(
            f"The default answer {wait.default!r} is none of the options.",
            remedy=f"Choose one of: {', '.join(wait.options)}.",
        )


def _backend(request: JobRequest) -> str:
    if request.backend:
        return request.backend
    if request.prompt is not None:
        raise BadInput(
            "A prompt needs a backend.", remedy="Name one: backend: claude, codex, llm, ..."
        )
    return "python" if request.call is not None else "shell"


def _directory(request: JobRequest) -> str:
    if "{{" in request.cwd or "\0" in request.cwd:
        raise BadInput(
            f"The directory {request.cwd!r} cannot be used as it stands.",
            remedy="Write the path itself; templates are filled in too late to choose it.",
        )
    return request.cwd


def _spec(request: JobRequest) -> dict[str, Any]:
    spec = {key: value for key in _SPEC_KEYS if (value := getattr(request, key)) is not None}
    if request.answer_schema is not None:
        spec["schema"] = request.answer_schema
    if request.env:
        spec["env"] = dict(request.env)
    if request.inputs:
        spec["inputs"] = dict(request.inputs)
    if request.wait:
        spec["wait"] = request.wait.model_dump(exclude_none=True, exclude_defaults=True)
    if request.when is not None:
        spec["when"] = read_condition(request.when).as_json()
    return spec


def _need(need: str | NeedRequest) -> Need:
    return Need(need) if isinstance(need, str) else Need(need.id, EdgeKind(need.on))
