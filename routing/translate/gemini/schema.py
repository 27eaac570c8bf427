"""JSON Schema as Gemini takes it, and Gemini's OpenAPI subset as JSON Schema.

Gemini knows a schema in two spellings. `parameters` and `responseSchema` are a closed message
type, an OpenAPI subset with upper-case types; a field that it does not know fails the whole
request. `parametersJsonSchema` and `responseJsonSchema` take JSON Schema, of which a documented
part is understood. We read both and write the second, reduced to the documented part; a keyword
that goes only loosens what the model is told, and the caller validates by his own schema anyway.
It knows nothing of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

# What the documentation of responseJsonSchema lists, and what the closed type knows besides.
_KEPT = frozenset({
    "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum",
    "items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf",
    "properties", "additionalProperties", "required", "propertyOrdering",
    "pattern", "minLength", "maxLength", "minProperties", "maxProperties", "default",
})  # fmt: skip
_ONE = frozenset({"items", "additionalProperties"})
_MANY = frozenset({"anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "$defs"})
# Gemini has its numbers of these as strings: they are 64 bits wide.
_COUNTS = frozenset({
    "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties",
})  # fmt: skip


def for_gemini(schema: Mapping[str, Any]) -> Schema:
    """Give the schema without what Gemini refuses; what can be said otherwise is."""
    spoken = _spoken(schema)
    if "$ref" in spoken:  # beside it Gemini allows only names that begin with $
        return {key: spoken[key] for key in spoken if key.startswith("$") and key in _KEPT}
    return {key: _within(key, value, for_gemini) for key, value in spoken.items() if key in _KEPT}


def from_gemini(schema: Mapping[str, Any]) -> Schema:
    """Give JSON Schema for a schema of the OpenAPI subset."""
    told: Schema = {}
    for key, value in schema.items():
        if key in _COUNTS and isinstance(value, str) and value.isdecimal():
            told[key] = int(value)
        elif key == "type" and isinstance(value, str):
            told[key] = value.lower()
        elif key not in ("nullable", "example"):
            told[key] = _within(key, value, from_gemini)
    if told.get("type") == "type_unspecified":
        del told["type"]
    if schema.get("nullable") and isinstance(told.get("type"), str):
        told["type"] = [told["type"], "null"]
    return told


def _within(key: str, value: Any, change: Callable[[Mapping[str, Any]], Schema]) -> Any:
    """Give a keyword's value with the schemas inside it changed; names of properties stay."""
    if key in _ONE and isinstance(value, Mapping):
        return change(value)
    if key in _MANY and isinstance(value, Sequence):
        return [change(each) if isinstance(each, Mapping) else each for each in value]
    if key in _NAMED and isinstance(value, Mapping):
        return {
            name: change(each) if isinstance(each, Mapping) else each
            for name, each in value.items()
        }
    return value


def _spoken(schema: Mapping[str, Any]) -> Schema:
    """Say with other keywords what Gemini has no keyword for."""
    spoken = dict(schema)
    if "definitions" in spoken:
        spoken.setdefault("$defs", spoken.pop("definitions"))
    if isinstance(ref := spoken.get("$ref"), str):
        spoken["$ref"] = ref.replace("#/definitions/", "#/$defs/")
    if "const" in spoken:
        spoken.setdefault("enum", [spoken["const"]])
    for exclusive, inclusive, step in (
        ("exclusiveMinimum", "minimum", 1),
        ("exclusiveMaximum", "maximum", -1),
    ):
        bound = spoken.get(exclusive)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            whole = spoken.get("type") == "integer"
            spoken.setdefault(inclusive, bound + step if whole else bound)
    for part in spoken.pop("allOf", ()):
        if isinstance(part, Mapping):
            _join(spoken, _spoken(part))
    return spoken


def _join(whole: Schema, part: Schema) -> None:
    """Put a member of an allOf into the schema that holds it; what is said already stays."""
    for key, value in part.items():
        held = whole.get(key)
        if key in _NAMED and isinstance(held, Mapping):
            whole[key] = {**value, **held}
        elif key == "required" and isinstance(held, list):
            whole[key] = [*held, *(name for name in value if name not in held)]
        else:
            whole.setdefault(key, value)
