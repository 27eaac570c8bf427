"""The shape of a task's spec: what is stored of the work itself.

A spec is a JSON object. Text values may hold `{{...}}` templates (`engine.templates`), which are
filled in once, when the job is claimed. `env` values of the form ``secret:NAME`` stay references
until the session starts the process.
"""

from __future__ import annotations

from typing import Any, TypedDict


class When(TypedDict, total=False):
    """One comparison: `left op right`. op: ==, !=, in, exists. Templates allowed in both."""

    left: str
    op: str
    right: Any


class Wait(TypedDict, total=False):
    """What a WAIT promise waits for: a signal's name, or a question to the owner (`ask`)."""

    signal: str
    ask: str
    options: list[str]
    default: str  # applied at the deadline; without one the wait fails
    deadline_s: float


class Map(TypedDict, total=False):
    """Children made from a list: `over` is a list or a template that gives a JSON list.

    `template` is the draft of one child in JSON form (`spec`, `name`, `backend`, `lane`, `cwd`);
    `{{item}}` and `{{index}}` are its own names.
    """

    over: Any
    template: dict[str, Any]
    mode: str  # all (default), all_settled, race, any


class Spec(TypedDict, total=False):
    """Every key a spec may have; which are needed depends on the backend."""

    run: list[str]  # argv: no shell
    sh: str  # text for /bin/sh; template values arrive as environment variables only
    call: str  # python backend: module:function
    args: Any
    prompt: str
    system: str
    model: str  # a model, an alias or a tier of the catalogue; without one, by lane
    tier: str
    floor: str  # no model below this tier may answer
    pin: bool  # only the named model may answer
    budget_usd: float  # of all attempts together
    max_tokens: int
    temperature: float
    schema: dict[str, Any]  # JSON schema that the answer must have
    attach: list[str]  # paths in the job's directory, or artefacts as JOB:NAME
    conversation: str  # name of a kept conversation; its jobs go one at a time
    members: list[str]  # of a council: models; none: by family
    quorum: int
    models: bool  # a shell job gets the gateway's address and a key in its environment
    env: dict[str, str]
    env_files: dict[str, str]  # rendered only: text for a private file, whose path becomes NAME
    stdin: str
    inputs: dict[str, Any]  # {{input.NAME}}
    # {{results.NAME}}: step name to promise key, an id once stored; "signal.NAME" stands for the
    # wait that hears the signal
    refs: dict[str, str]
    when: When
    wait: Wait
    map: Map
    timeout_s: float
    silence_s: float
    tool_s: float
    max_failures: int
    delays_s: list[float]  # overrides the ladder
    hold: bool  # keep the directory while waiting
    effects: str  # "once": never repeated in silence after a crash
    persistent: bool  # the session stays when idle
    requirements: str  # stated requirements make it a deliverable
    index: int  # {{index}} inside a map
    item: Any  # {{item}} inside a map
