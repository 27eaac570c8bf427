"""The promised shape of an answer: JSON Schema, draft 2020-12, over text that a model wrote.

Two rules of our own. A reference must lead to a place inside the schema: nothing is ever
fetched. And patterns are those of RE2, whose time grows with the text and no faster: what is
matched is a stranger's text, and it must not be able to hold up a session.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from actors.backends.verdict import parsed
from engine.errors import BadInput

_TOLD = 8
_VALUE_CHARS = 120
_FENCE = "```"
_BY_PATTERN = ("patternProperties", "unevaluatedProperties")
_WHERE_NAMES_ARE_KEYS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_NO_SCHEMA = frozenset({"const", "enum", "default", "examples"})

Faults = Iterator[ValidationError]


def check_schema(schema: Mapping[str, Any]) -> None:
    """Make sure that answers can be held against a schema.

    Raises:
        BadInput: it is no schema, or one that this house cannot use; the text says where.
    """
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as fault:
        raise _refused(f"at {_path(fault)}: {_short(fault)}") from None
    except RecursionError:
        raise _refused("it is nested too deep") from None
    words = set()
    for word, value in _words(schema):
        words.add(word)
        _check_word(schema, word, value)
    if words.issuperset(_BY_PATTERN):
        raise _refused(f"{' and '.join(_BY_PATTERN)} cannot be used together")


def faults_of(schema: Mapping[str, Any], value: Any) -> list[str]:
    """Say what a value lacks to be what the schema asks for; [] when it is that."""
    try:
        found = sorted(_Validator(schema).iter_errors(value), key=lambda fault: fault.json_path)
    except (RecursionError, Unresolvable):
        return ["the schema refers to itself without an end"]
    told = [f"at {_path(fault)}: {_short(fault)}" for fault in found[:_TOLD]]
    return [*told, f"and {len(found) - _TOLD} more"] if len(found) > _TOLD else told


def read_json(text: str) -> tuple[Any, str]:
    """Find the JSON value that an answer is, fenced or with words around it.

    Gives (value, "") or (None, why there is none).
    """
    bare = text.strip()
    for candidate in (bare, _unfenced(bare), _cut_out(bare)):
        if candidate and (candidate == "null" or parsed(candidate) is not None):
            return parsed(candidate), ""
    return None, "it is not one whole JSON value"


def _check_word(schema: Mapping[str, Any], word: str, value: Any) -> None:
    match word, value:
        case ("$ref" | "$dynamicRef", str() as ref):
            _check_reference(schema, ref)
        case ("pattern", str() as pattern):
            _check_pattern(pattern)
        case ("patternProperties", Mapping() as patterns):
            for pattern in patterns:
                _check_pattern(pattern)
        case _:
            pass


def _check_reference(schema: Mapping[str, Any], ref: str) -> None:
    if not ref.startswith("#"):
        raise _refused(f"the reference {ref!r} leads out of it, and nothing is fetched")
    try:
        Draft202012Validator(schema)._resolver.lookup(ref)  # noqa: SLF001  # the only way to ask
    except Unresolvable:
        raise _refused(f"the reference {ref!r} leads nowhere") from None


def _check_pattern(pattern: str) -> None:
    try:
        _compiled(pattern)
    except re2.error as fault:
        raise _refused(f"the pattern {pattern!r} is none of RE2: {fault}") from None


def _words(schema: Any) -> Iterator[tuple[str, Any]]:
    """Give every keyword of a schema and of the schemas inside it."""
    match schema:
        case Mapping():
            for word, value in schema.items():
                if word in _NO_SCHEMA:
                    continue
                yield word, value
                if word in _WHERE_NAMES_ARE_KEYS and isinstance(value, Mapping):
                    for inner in value.values():
                        yield from _words(inner)
                else:
                    yield from _words(value)
        case list() | tuple():
            for part in schema:
                yield from _words(part)
        case _:
            pass


# -- keywords that match text, on RE2 -------------------------------------------------------------
def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Faults:
    if isinstance(value, str) and not _compiled(pattern).search(value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], value: Any, _: Any) -> Faults:
    if isinstance(value, Mapping):
        for pattern, inner in patterns.items():
            for name in filter(_compiled(pattern).search, value):
                yield from validator.descend(value[name], inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, rule: Any, value: Any, schema: Any) -> Faults:
    if not isinstance(value, Mapping):
        return
    known = schema.get("properties") or {}
    patterns = [_compiled(pattern) for pattern in schema.get("patternProperties") or {}]
    others = [n for n in value if n not in known and not any(p.search(n) for p in patterns)]
    if rule is False and others:
        yield ValidationError(f"there must be no {', '.join(map(repr, others))}")
    elif rule is not False:
        for name in others:
            yield from validator.descend(value[name], rule, path=name)


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


_Validator = extend(
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)


# -- words ----------------------------------------------------------------------------------------
def _refused(why: str) -> BadInput:
    return BadInput(
        f"The schema of the answer cannot be used: {why}.",
        remedy="Write a JSON Schema of draft 2020-12 that needs nothing outside itself.",
    )


def _path(fault: Any) -> str:
    return str(fault.json_path).removeprefix("$").lstrip(".") or "the top"


def _short(fault: Any) -> str:
    said = str(fault.message)
    return said if len(said) <= _VALUE_CHARS else f"{said[:_VALUE_CHARS]}..."


def _unfenced(text: str) -> str:
    """Give what stands inside the first fence of a text."""
    _, opened, rest = text.partition(_FENCE)
    inner, closed, _ = rest.partition(f"\n{_FENCE}")
    return inner.partition("\n")[2].strip() if opened and closed else ""


def _cut_out(text: str) -> str:
    """Give the first JSON object or list that stands in a text among words."""
    places = [place for sign in "{[" if (place := text.find(sign)) >= 0]
    if not places:
        return ""
    try:
        _, end = json.JSONDecoder().raw_decode(text, min(places))
    except (ValueError, RecursionError):
        return ""
    return text[min(places) : end]
