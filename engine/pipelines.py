"""Pipelines: a declared graph of steps, compiled to one batch of promises.

The text (a dict; YAML is read in `interfaces`) becomes typed steps, each step a draft, and
`engine.compiling.bind` checks that they hold together. Above them stands the root, a RUN group:
it waits for the steps and fails if one ended badly. A step that belongs to `race`, `any` or
`all_settled` answers to its group alone; there a bad end is no bad end of the run.

Rules worth knowing:
- A template may name a result only of a step that stands upstream. Needs are never implied by
  templates: whether a failed step should stop this one is the author's word, not a guess.
- `needs` on a group hold for the steps written inside it. A step named there keeps its own.
- `cwd` may use inputs, which are known now; no other template, since it is chosen at submit.
- `map` beside a kind of work makes one child for each item of a list, an input's or a result's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from engine.compiling import bind, told_of
from engine.drafts import Batch, Draft, Need
from engine.errors import BadInput, HelioError, UnknownName
from engine.graph import toposort, upstream
from engine.inputs import InputSpec, InputType, settle_inputs
from engine.jobs import EdgeKind, GroupMode, JobKind, Lane
from engine.prompts import WORDS
from engine.requests import JobRequest, draft_of, read_body
from engine.settings import LimitSettings
from engine.steps import (
    GROUP_WORDS,
    AskStep,
    MapStep,
    NeedStep,
    Pipeline,
    RetryStep,
    Step,
    WaitStep,
)
from engine.templates import check, render
from engine.tokens import NAME_PATTERN

ROOT = "root"
_OWN_ACCOUNT = {GroupMode.RACE, GroupMode.ANY, GroupMode.ALL_SETTLED}
_KINDS = ("run", "sh", "prompt", "call", "wait", "ask", *GROUP_WORDS)


def compile_pipeline(
    pipeline: Mapping[str, Any],
    inputs: Mapping[str, Any],
    backends: Collection[str],
    limits: LimitSettings,
) -> Batch:
    """Compile a pipeline with its inputs into a batch; its root has the key ``root``.

    Raises:
        BadInput: a field, a value or a combination that cannot be accepted.
        CycleFound: steps wait for each other; names the circle.
        UnknownName: a step, an input, a template or a backend that nobody knows.
        PayloadTooLarge: more steps or bytes than the settings allow.
    """
    model = read_body(Pipeline, pipeline, "The pipeline")
    declared = {name: _input(name, spec) for name, spec in model.inputs.items()}
    compiler = _Compiler(model, settle_inputs(declared, inputs))
    for name, body in model.steps.items():
        compiler.add(name, read_body(Step, body, name), ())
    drafts = bind(compiler.whole(), backends, limits)
    return Batch(drafts=drafts, digest=_digest(pipeline, inputs))


def describe(batch: Batch) -> dict[str, Any]:
    """Tell a compiled pipeline as plain data: its promises, and an order they could run in."""
    waits = {
        draft.key: [*(need.ref for need in draft.needs), *draft.members] for draft in batch.drafts
    }
    order = [key for key in toposort(waits) if key != ROOT]
    return {"jobs": [_described(draft) for draft in batch.drafts], "order": order}


def _described(draft: Draft) -> dict[str, Any]:
    return {
        "key": draft.key,
        "name": draft.name,
        "kind": str(draft.kind),
        "mode": str(draft.mode) if draft.mode else None,
        "lane": draft.lane.name,
        "backend": draft.backend if draft.kind is JobKind.TASK else "",
        "cwd": draft.cwd,
        "needs": [{"step": need.ref, "on": str(need.on)} for need in draft.needs],
        "members": list(draft.members),
        "spec": dict(draft.spec),
    }


@dataclass(slots=True)
class _Compiler:
    """Gathers the drafts of one pipeline."""

    pipeline: Pipeline
    inputs: Mapping[str, Any]
    drafts: list[Draft] = field(default_factory=list)

    def add(self, name: str, step: Step, inherited: tuple[Need, ...]) -> None:
        """Add one step and the steps written inside it."""
        try:
            self._add(name, step, inherited)
        except HelioError as refusal:
            raise told_of(name, refusal) from None

    def _add(self, name: str, step: Step, inherited: tuple[Need, ...]) -> None:
        word = _kind_of(step)
        needs = tuple(dict.fromkeys((*inherited, *_needs(step))))
        if word in GROUP_WORDS:
            _check_name(name)
            self._add_group(name, step, GroupMode(word), needs)
            return
        draft = draft_of(self._request(name, step), name)
        draft = replace(draft, step=name, root=ROOT, source="pipeline", needs=needs)
        self.drafts.append(_mapped(draft, step) if step.map is not None else draft)

    def _add_group(self, name: str, step: Step, mode: GroupMode, needs: tuple[Need, ...]) -> None:
        listed: list[str | dict[str, Any]] = getattr(step, mode.value)
        _check_group(step, listed, needs)
        members = []
        for n, member in enumerate(listed):
            if isinstance(member, str):
                members.append(self._known(member))
                continue
            inner = read_body(Step, member, f"{name}, member {n + 1}")
            inner_name = inner.name or f"{name}[{n}]"
            if inner.name in self.pipeline.steps:
                raise BadInput(
                    f"There are two steps named {inner.name!r}.", remedy="Give each its own name."
                )
            self.add(inner_name, inner, needs)
            members.append(inner_name)
        group = Draft(
            key=name,
            kind=JobKind.GROUP,
            name=name,
            project=self.pipeline.project,
            lane=self._lane(step),
            mode=mode,
            step=name,
            members=tuple(members),
            root=ROOT,
            source="pipeline",
        )
        self.drafts.append(group)

    def _known(self, name: str) -> str:
        if name not in self.pipeline.steps:
            raise _unknown_step(name, self.pipeline.steps)
        return name

    def _lane(self, step: Step) -> Lane:
        return self._default_lane() if step.lane is None else step.lane

    def _default_lane(self) -> Lane:
        return Lane.P2 if self.pipeline.lane is None else self.pipeline.lane

    def _request(self, name: str, step: Step) -> JobRequest:
        _check_name(name)
        retry = RetryStep(max=step.retry) if isinstance(step.retry, int) else step.retry
        body = {
            "name": name,
            "project": self.pipeline.project,
            "lane": self._lane(step),
            "backend": step.backend,
            "cwd": self._directory(step),
            "run": step.run,
            "sh": step.sh,
            "prompt": step.prompt,
            "call": step.call,
            "args": step.args,
            "wait": _wait(step),
            "env": step.env,
            "stdin": step.stdin,
            "inputs": dict(self.inputs),
            "when": step.when,
            "max_failures": retry.max if retry else None,
            "delays_s": retry.delays if retry else None,
            "timeout_s": step.timeout,
            "silence_s": step.silence,
            "tool_s": step.tool,
            "hold": step.hold,
            "effects": step.effects,
            "persistent": step.persistent,
            "requirements": step.requirements,
        }
        body |= _words(step)
        given = {key: value for key, value in body.items() if value is not None}
        return read_body(JobRequest, given, "The step")

    def _directory(self, step: Step) -> str:
        written = step.cwd or self.pipeline.cwd
        check(written, {f"input.{name}" for name in self.inputs})
        return render(written, {"input": self.inputs}).text

    def whole(self) -> list[Draft]:
        """Give all drafts, the root first, once every need is known to name a step."""
        known = {draft.key for draft in self.drafts}
        for draft in self.drafts:
            for need in draft.needs:
                if need.ref not in known:
                    raise told_of(draft.key, _unknown_step(need.ref, known))
        members = {draft.key: draft.members for draft in self.drafts}
        spoken_for: set[str] = set()
        for draft in self.drafts:
            if draft.mode in _OWN_ACCOUNT:
                spoken_for |= upstream(members, draft.key)
        root = Draft(
            key=ROOT,
            kind=JobKind.GROUP,
            name=self.pipeline.name,
            project=self.pipeline.project,
            lane=self._default_lane(),
            mode=GroupMode.RUN,
            members=tuple(draft.key for draft in self.drafts if draft.key not in spoken_for),
            source="pipeline",
        )
        return [root, *self.drafts]


def _kind_of(step: Step) -> str:
    asked = [word for word in _KINDS if getattr(step, word) is not None]
    if len(asked) != 1:
        said = " and ".join(asked) or "nothing to do"
        raise BadInput(
            f"The step has {said}; it needs exactly one of {', '.join(_KINDS)}.",
            remedy="Split it into several steps, or take all but one away.",
        )
    if step.map is not None and asked[0] in {"wait", "ask", *GROUP_WORDS}:
        raise BadInput(
            f"`map` cannot repeat `{asked[0]}`.", remedy="Map over run, sh, prompt or call."
        )
    return asked[0]


def _check_group(step: Step, listed: list[str | dict[str, Any]], needs: tuple[Need, ...]) -> None:
    given = set(step.model_fields_set) - {"description", "lane", "name", "needs", *GROUP_WORDS}
    if given:
        raise BadInput(
            f"A group has no {', '.join(sorted(given))}.", remedy="Put it on its members instead."
        )
    if needs and any(isinstance(member, str) for member in listed):
        raise BadInput(
            "A group that names other steps cannot have needs for them.",
            remedy="Put the needs on those steps, or write the steps inside the group.",
        )


def _check_name(name: str) -> None:
    bare = re.sub(r"\[\d+\]", "", name)
    if name == ROOT or not re.fullmatch(NAME_PATTERN, bare):
        raise BadInput(
            f"{name!r} cannot be the name of a step.",
            remedy="Begin with a letter, go on with letters, digits, - and _; `root` is taken.",
        )


def _needs(step: Step) -> list[Need]:
    listed = [step.needs] if isinstance(step.needs, str) else step.needs
    return [
        Need(need.step, EdgeKind(need.on)) if isinstance(need, NeedStep) else Need(need)
        for need in listed
    ]


def _wait(step: Step) -> dict[str, Any] | None:
    match step.wait, step.ask:
        case str() as signal, None:
            return {"signal": signal}
        case WaitStep(signal=signal, deadline=deadline), None:
            return {"signal": signal, "deadline_s": deadline}
        case None, str() as question:
            return {"ask": question}
        case None, AskStep() as asked:
            return {
                "ask": asked.question,
                "options": asked.options,
                "default": asked.default,
                "deadline_s": asked.deadline,
            }
        case _:
            return None


def _words(step: Step) -> dict[str, Any]:
    """Give what the step says about models, as a job request has it."""
    said = {word: getattr(step, word) for word in WORDS if word != "schema"}
    listed = [step.attach] if isinstance(step.attach, str) else step.attach
    return said | {"schema": step.answer_schema, "attach": listed}


def _mapped(draft: Draft, step: Step) -> Draft:
    """Turn a task into the group that makes its children once the list is known."""
    over, mode = step.map, "all"
    if isinstance(step.map, MapStep):
        over, mode = step.map.over, step.map.mode
    if not isinstance(over, str | list):
        raise BadInput(
            "`map` needs a list, or a template that gives one.",
            remedy="Write map: '{{input.NAME}}', map: '{{results.STEP}}', or the list itself.",
        )
    kept = {key: draft.spec[key] for key in ("inputs", "when") if key in draft.spec}
    work = {key: value for key, value in draft.spec.items() if key not in kept}
    child = {"spec": work, "name": draft.name, "backend": draft.backend, "cwd": draft.cwd}
    return replace(
        draft,
        kind=JobKind.GROUP,
        backend="",
        mode=GroupMode(mode),
        spec=kept | {"map": {"over": over, "mode": mode, "template": child}},
    )


def _input(name: str, spec: InputSpec | str) -> InputSpec:
    if not re.fullmatch(NAME_PATTERN, name):
        raise BadInput(
            f"{name!r} cannot be the name of an input.",
            remedy="Begin with a letter, go on with letters, digits, - and _.",
        )
    if isinstance(spec, InputSpec):
        return spec
    if spec not in get_args(InputType):
        raise BadInput(
            f"The input {name!r} has the type {spec!r}, which there is not.",
            remedy=f"Types are: {', '.join(get_args(InputType))}.",
        )
    return read_body(InputSpec, {"type": spec, "required": True}, name)


def _unknown_step(name: str, known: Collection[str]) -> UnknownName:
    return UnknownName(
        f"There is no step {name!r}.", remedy=f"Steps are: {', '.join(sorted(known))}.", step=name
    )


def _digest(pipeline: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    try:
        text = json.dumps([pipeline, inputs], sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError) as fault:
        raise BadInput(
            f"The pipeline holds something that is not JSON: {fault}.",
            remedy="Use texts, numbers, true, false, null, lists and objects.",
        ) from None
    return hashlib.sha256(text.encode()).hexdigest()
