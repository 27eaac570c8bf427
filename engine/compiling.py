"""From loose drafts to a batch that holds together, or one refusal that says why not.

Requests and pipelines both end here. Checked are: keys, references and circles; that a backend
is known and does that kind of work; every template and condition against what its promise can
see; sizes. What a spec keeps of inputs and references is only what its templates use, so 10,000
children of a map do not carry 10,000 copies of everything.

A promise sees, by name: its inputs; `prev_result` if it has exactly one need, `all_results` if it
has any; `results.NAME` and `signal.NAME` of what stands upstream, through needs, and through the
members of `all` and `all_settled` groups (not of `race` and `any`, whose members may still run or
may have lost: name the group instead).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.conditions import check_when, read
from engine.drafts import Draft
from engine.errors import BadInput, HelioError, PayloadTooLarge, UnknownName
from engine.graph import toposort, upstream
from engine.jobs import GroupMode, JobKind
from engine.prompts import check_words
from engine.settings import LimitSettings
from engine.templates import LARGEST_ARGUMENT_BYTES, check_spec, check_value, is_reserved
from engine.tokens import Ref, parse

WORK = ("run", "sh", "prompt", "call", "wait", "group")
_WORK_OF = {"shell": ("run", "sh"), "python": ("call",)}
_GATHERING = {GroupMode.ALL, GroupMode.ALL_SETTLED, GroupMode.RUN}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CALL = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_NEVER_FILLED = frozenset({"inputs", "refs", "schema"})


def bind(
    drafts: Sequence[Draft], backends: Collection[str], limits: LimitSettings
) -> tuple[Draft, ...]:
    """Give the drafts, checked, with the inputs and references that each one uses.

    Raises:
        BadInput: a key stands twice, or a promise cannot be what it says.
        CycleFound: names one circle.
        UnknownName: a backend, a reference or a template that nobody knows.
        PayloadTooLarge: too many drafts, or one too large.
    """
    if len(drafts) > limits.batch_jobs:
        raise PayloadTooLarge(
            f"{len(drafts)} jobs in one batch; at most {limits.batch_jobs} are allowed.",
            remedy="Submit them in several batches.",
        )
    by_key = _by_key(drafts)
    waits = {draft.key: [need.ref for need in draft.needs] + [*draft.members] for draft in drafts}
    toposort(waits)
    seen = {
        draft.key: [need.ref for need in draft.needs]
        + [member for member in draft.members if draft.mode in _GATHERING]
        for draft in drafts
    }
    bound = []
    for draft in drafts:
        try:
            bound.append(_bind_one(draft, by_key, seen, backends, limits))
        except HelioError as refusal:
            raise told_of(draft.step or draft.name, refusal) from None
        except RecursionError:
            raise BadInput(
                f"{draft.step or draft.name or 'A job'} is nested too deep.",
                remedy="Flatten its inputs or arguments.",
            ) from None
    return tuple(bound)


def told_of(name: str, refusal: HelioError) -> HelioError:
    """Give the same refusal with the name of the step or job it is about in front."""
    if not name or refusal.detail.startswith(f"{name}: "):
        return refusal
    return type(refusal)(f"{name}: {refusal.detail}", remedy=refusal.remedy, **refusal.facts)


def work_of(body: Mapping[str, Any], name: str) -> str:
    """Name the one kind of work that a request or step asks for.

    Raises:
        BadInput: it asks for none, or for more than one.
    """
    asked = [kind for kind in WORK if body.get(kind) is not None]
    if len(asked) != 1:
        said = " and ".join(asked) or "nothing to do"
        raise BadInput(
            f"{name or 'A job'} has {said}; it needs exactly one of {', '.join(WORK)}.",
            remedy="Split it into several steps, or take all but one away.",
        )
    return asked[0]


def _by_key(drafts: Sequence[Draft]) -> dict[str, Draft]:
    for key, count in Counter(draft.key for draft in drafts).items():
        if count > 1:
            raise BadInput(
                f"The key {key!r} is used {count} times.", remedy="Give each job its own key."
            )
    return {draft.key: draft for draft in drafts}


def _bind_one(
    draft: Draft,
    by_key: Mapping[str, Draft],
    seen: Mapping[str, Collection[str]],
    backends: Collection[str],
    limits: LimitSettings,
) -> Draft:
    _check_shape(draft)
    _check_work(draft, backends)
    used = set(_used(draft.spec))
    ahead: dict[str, str] = {}
    if any(ref.path[0] in {"results", "signal"} for ref in used):
        ahead = _names_ahead(upstream(seen, draft.key), by_key)
    _check_names(draft, ahead)
    spec = dict(draft.spec)
    bases = {ref.base for ref in used}
    inputs = {k: v for k, v in (spec.pop("inputs", None) or {}).items() if f"input.{k}" in bases}
    refs = {_ref_key(base): key for base, key in ahead.items() if base in bases}
    if inputs:
        spec["inputs"] = inputs
    if refs:
        spec["refs"] = refs
    size = _size(spec)
    if size > limits.payload_bytes:
        raise PayloadTooLarge(
            f"The job has {size} bytes; at most {limits.payload_bytes} are allowed.",
            remedy="Pass large texts as files, or raise limits.payload_bytes.",
        )
    return replace(draft, spec=spec)


def _size(spec: Mapping[str, Any]) -> int:
    try:
        return len(json.dumps(spec, allow_nan=False))
    except (TypeError, ValueError) as fault:
        raise BadInput(
            f"The job holds something that is not JSON: {fault}.",
            remedy="Use texts, finite numbers, true, false, null, lists and objects.",
        ) from None


def _ref_key(base: str) -> str:
    """``results.build`` is kept as build; a signal keeps its whole name (see `engine.lookup`)."""
    return base.removeprefix("results.")


def _check_shape(draft: Draft) -> None:
    if (
        draft.mode in {GroupMode.RACE, GroupMode.ANY}
        and not draft.members
        and "map" not in (draft.spec)
    ):
        raise BadInput(
            f"A `{draft.mode}` of nothing could never end.",
            remedy="Give it at least one member.",
        )
    if len(set(draft.members)) != len(draft.members):
        raise BadInput("A member stands twice.", remedy="Name each member once.")
    if draft.members and draft.needs:
        raise BadInput(
            "A group has both members and needs.", remedy="Let its members need the others instead."
        )
    if draft.members and "when" in draft.spec:
        raise BadInput(
            "A group cannot have a condition.", remedy="Put `when` on its members instead."
        )


def _check_work(draft: Draft, backends: Collection[str]) -> None:
    mapped = draft.spec.get("map") or {}
    if draft.kind is JobKind.TASK:
        _check_task(draft.backend, draft.spec, backends)
    elif mapped:
        _check_task(mapped["template"]["backend"], mapped["template"]["spec"], backends)


def _check_task(backend: str, spec: Mapping[str, Any], backends: Collection[str]) -> None:
    if backend not in backends:
        raise UnknownName(
            f"There is no backend {backend!r} here.",
            remedy=f"Known backends: {', '.join(backends)}.",
            backend=backend,
        )
    works = _WORK_OF.get(backend, ("prompt",))
    work = work_of(spec, "")
    if work not in works:
        raise BadInput(
            f"The backend {backend!r} does not do `{work}`.",
            remedy=f"Give it {' or '.join(works)}, or choose another backend.",
        )
    argv = spec.get("run")
    if argv is not None and (not argv or not argv[0]):
        raise BadInput("`run` is empty.", remedy="Write the program and its arguments: [ls, -l].")
    if work == "call" and not _CALL.fullmatch(spec["call"]):
        raise BadInput(
            f"{spec['call']!r} names no function.", remedy="Write it as package.module:function."
        )
    check_words(backend, spec)
    _check_texts(spec)


def _check_texts(spec: Mapping[str, Any]) -> None:
    env = spec.get("env") or {}
    for name in env:
        if not _VARIABLE.fullmatch(name) or is_reserved(name):
            raise BadInput(
                f"{name!r} cannot be the name of a variable.",
                remedy="Use letters, digits and _; HELIO_1, HELIO_2, ... belong to templates.",
            )
    for text in [*(spec.get("run") or ()), *env.values(), spec.get("sh") or ""]:
        if "\0" in text or not _encodes(text):
            raise BadInput(
                "An argument, a variable or shell text holds a character that no process can take.",
                remedy="Take out zero bytes and half characters, or pass the text as `stdin`.",
            )
        if len(text.encode()) > LARGEST_ARGUMENT_BYTES:
            raise PayloadTooLarge(
                f"An argument, a variable or shell text has more than {LARGEST_ARGUMENT_BYTES} "
                "bytes; the system takes no more.",
                remedy="Pass it as `stdin`, or put it into a file.",
            )


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _names_ahead(keys: Collection[str], by_key: Mapping[str, Draft]) -> dict[str, str]:
    """Map each template base that upstream promises give to the key that gives it."""
    ahead: dict[str, str] = {}
    for key in keys:
        draft = by_key.get(key)
        if draft is None:
            continue
        ahead[f"results.{draft.step or key}"] = key
        signal = (draft.spec.get("wait") or {}).get("signal")
        if signal:
            ahead[f"signal.{signal}"] = key
    return ahead


def _check_names(draft: Draft, ahead: Mapping[str, str]) -> None:
    spec = draft.spec
    common = {f"input.{name}" for name in spec.get("inputs") or {}} | set(ahead)
    own = set(common)
    if draft.needs:
        own.add("all_results")
    if len(draft.needs) == 1:
        own.add("prev_result")
    if "when" in spec:
        check_when(read(spec["when"]), own)
    if "map" in spec:
        check_value(spec["map"]["over"], own)
        check_spec(spec["map"]["template"]["spec"], common | {"index", "item"})
    else:
        check_spec(spec, own)


def _used(value: Any) -> Iterator[Ref]:
    match value:
        case str():
            if "{{" in value:
                yield from (token for token in parse(value) if isinstance(token, Ref))
        case Mapping():
            for key, part in value.items():
                if key not in _NEVER_FILLED:
                    yield from _used(part)
        case list() | tuple():
            for part in value:
                yield from _used(part)
        case _:
            pass
