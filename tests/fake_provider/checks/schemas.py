"""What providers demand of the schemas of tools and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.fake_provider.refused import Refused, need, words

# Gemini's `parameters` and `responseSchema` know these words only.
_GEMINI_WORDS = words(
    "anyOf default description enum example format items maxItems maxLength maxProperties maximum"
    " minItems minLength minProperties minimum nullable pattern properties propertyOrdering"
    " required title type"
)
_GEMINI_TYPES = words("STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL")


def names_unique(names: list[str]) -> None:
    """Refuse two tools of one name."""
    need(len(set(names)) == len(names), "tools: Tool names must be unique.")


def name_fits(name: Any, pattern: str, where: str) -> None:
    """Refuse a tool's name that is not of the pattern."""
    fits = isinstance(name, str) and re.fullmatch(pattern, name)
    need(fits, f"{where}: String should match pattern '^{pattern}$'", param=where)


def openai(name: str, schema: Any, strict: bool) -> None:
    """Refuse what OpenAI refuses in the schema of a function or an answer."""
    head = f"Invalid schema for function '{name}': "
    need(isinstance(schema, Mapping), f"{head}{schema!r} is not of type 'object', 'boolean'.")
    kind = schema.get("type")
    need(
        kind == "object",
        f"{head}schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'.",
    )
    has = isinstance(schema.get("properties"), Mapping)
    need(has, f"{head}In context=(), object schema missing properties.")
    if strict:
        _strict(head, schema, ())


def _strict(head: str, schema: Mapping[str, Any], path: tuple[str, ...]) -> None:
    where = f"{head}In context={path}, "
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        need(
            schema.get("additionalProperties") is False,
            f"{where}'additionalProperties' is required to be supplied and to be false.",
            code="invalid_function_parameters",
        )
        named = schema.get("properties", {})
        missing = sorted(set(named) - set(schema.get("required", ())))
        need(
            not missing,
            f"{where}'required' is required to be supplied and to be an array including every "
            f"key in properties. Missing {missing[0] if missing else ''!r}.",
            code="invalid_function_parameters",
        )
        for name, of in named.items():
            _strict(head, of, (*path, "properties", name))
    if kind == "array":
        need("items" in schema, f"{where}array schema missing items.")
        _strict(head, schema["items"], (*path, "items"))
    for at, of in enumerate(schema.get("anyOf", ())):
        _strict(head, of, (*path, "anyOf", str(at)))


def anthropic(schema: Any, where: str) -> None:
    """Refuse what Anthropic refuses in a tool's input schema."""
    need(isinstance(schema, Mapping), f"{where}.input_schema: Input should be a valid dictionary")
    need(
        schema.get("type") == "object",
        f"{where}.input_schema.type: Field required"
        if "type" not in schema
        else f"{where}.input_schema.type: Input should be 'object'",
    )
    for word in ("oneOf", "allOf", "anyOf"):
        need(
            word not in schema,
            f"{where}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the "
            "top level",
        )


def gemini(schema: Any, where: str) -> None:
    """Refuse what Gemini refuses in a schema of its own kind."""
    if not isinstance(schema, Mapping):
        raise Refused(f"Invalid value at '{where}' (type.googleapis.com/...Schema), {schema!r}")
    for word in schema:
        need(
            word in _GEMINI_WORDS,
            f"Invalid JSON payload received. Unknown name \"{word}\" at '{where}': "
            "Cannot find field.",
        )
    kind = schema.get("type")
    if kind is not None:
        fits = isinstance(kind, str) and kind.upper() in _GEMINI_TYPES
        need(fits, f"Invalid value at '{where}.type', {kind!r}")
    if "enum" in schema:
        texts = all(isinstance(one, str) for one in schema["enum"])
        need(texts, f"Invalid value at '{where}.enum' (TYPE_STRING)")
    if str(kind).upper() == "ARRAY":
        need("items" in schema, f"{where}.items: missing field.")
        gemini(schema["items"], f"{where}.items")
    for name, of in schema.get("properties", {}).items():
        gemini(of, f"{where}.properties[{name}].value")
    for at, of in enumerate(schema.get("anyOf", ())):
        gemini(of, f"{where}.any_of[{at}]")
