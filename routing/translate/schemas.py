"""JSON schemas, bent to what a dialect takes.

Knows no dialect: each function answers one question or makes one change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from routing.translate.wire import dumps

_COMBINED = ("anyOf", "oneOf", "allOf")
# Keywords that a constrained decoder does not enforce and refuses to see; whoever wants them
# held checks the answer.
_UNENFORCED = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems"),
        *("minProperties", "maxProperties", "default", "examples", "$schema", "$id"),
    }
)

Schema = Mapping[str, Any]


def of_object(schema: Schema) -> dict[str, Any]:
    """Give a schema of arguments that every provider takes: an object with its properties."""
    return {**schema, "type": "object", "properties": schema.get("properties") or {}}


def without_combinations(schema: Schema) -> dict[str, Any]:
    """Leave out alternatives at the top, which Anthropic refuses in a tool's schema."""
    return {name: value for name, value in schema.items() if name not in _COMBINED}


def is_closed(schema: Any) -> bool:
    """Tell whether a schema names all that may stand in its objects.

    Such a schema can be enforced word for word. An object that says nothing of other members
    counts as closed if it names at least one: closing it asks for less and breaks no promise.
    """
    return _holds(schema, _names_members) and not _is_recursive(schema)


def in_words(schema: Schema | None) -> str:
    """Say in a sentence that an answer must be JSON, and of what shape."""
    said = "Answer with one JSON value and nothing else: no prose, no code fence."
    if schema is None:
        return said
    return f"{said} It must fit this JSON schema:\n{dumps(schema)}"


def takes_members(schema: Schema) -> bool:
    """Tell whether a schema is that of an object, as the arguments of a tool must be."""
    return schema.get("type") == "object" or "properties" in schema


def is_exact(schema: Any) -> bool:
    """Tell whether every object of a schema is closed and requires all it names."""
    return _holds(schema, _requires_all)


def closed(schema: Any) -> Any:
    """Close every object of a schema and leave out what a decoder cannot enforce."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    done: dict[str, Any] = {}
    for name, value in schema.items():
        if name in {"properties", "$defs", "definitions"} and isinstance(value, Mapping):
            done[name] = {key: closed(item) for key, item in value.items()}
        elif name in {"enum", "const", "required"}:
            done[name] = value
        elif name == "oneOf":
            done["anyOf"] = closed(value)
        elif name not in _UNENFORCED:
            done[name] = closed(value)
    if _is_object(schema):
        done["additionalProperties"] = False
    return done


def _is_object(schema: Schema) -> bool:
    kind = schema.get("type")
    return (
        kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind)
    )


def _names_members(schema: Schema) -> bool:
    named = bool(_values(schema, "properties"))
    return named and schema.get("additionalProperties") in (None, False)


def _requires_all(schema: Schema) -> bool:
    names, required = _named(schema, "properties"), schema.get("required") or []
    closed_ = schema.get("additionalProperties") is False
    return closed_ and isinstance(required, list) and sorted(names) == sorted(map(str, required))


def _holds(schema: Any, rule: Callable[[Schema], bool]) -> bool:
    """Tell whether a rule holds for every object that a schema speaks of."""
    if isinstance(schema, list):
        return all(_holds(item, rule) for item in schema)
    if not isinstance(schema, Mapping):
        return schema is not True
    if _is_object(schema) and not rule(schema):
        return False
    parts = [
        *_values(schema, "properties"),
        *_values(schema, "$defs"),
        *_values(schema, "definitions"),
        *(schema[name] for name in (*_COMBINED, "items", "not") if name in schema),
    ]
    return all(_holds(part, rule) for part in parts)


def _named(schema: Schema, group: str) -> Mapping[str, Any]:
    inner = schema.get(group)
    return inner if isinstance(inner, Mapping) else {}


def _values(schema: Schema, group: str) -> list[Any]:
    return list(_named(schema, group).values())


def _is_recursive(schema: Any) -> bool:
    """Tell whether a definition leads back to itself."""
    if not isinstance(schema, Mapping):
        return False
    named = {
        f"#/{group}/{name}": set(_refs(value))
        for group in ("$defs", "definitions")
        for name, value in _named(schema, group).items()
    }
    if "#" in _refs(schema):
        return True
    return any(_leads_to(name, name, named, set()) for name in named)


def _leads_to(start: str, goal: str, named: Mapping[str, set[str]], seen: set[str]) -> bool:
    for step in named.get(start, ()):
        if step == goal:
            return True
        if step not in seen:
            seen.add(step)
            if _leads_to(step, goal, named, seen):
                return True
    return False


def _refs(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [ref for item in schema for ref in _refs(item)]
    if not isinstance(schema, Mapping):
        return []
    own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
    return own + [ref for value in schema.values() for ref in _refs(value)]
