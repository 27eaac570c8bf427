"""Schemas that can be used, answers that are held against them, and JSON among words."""

from __future__ import annotations

from typing import Any

import pytest

from actors.asking.shape import check_schema, faults_of, read_json
from engine.errors import BadInput

TREE = {
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        TREE,
        {"type": "object", "properties": {"pattern": {"type": "string"}, "$ref": {}}},
        {"const": {"$ref": "http://elsewhere/"}},
        {"properties": {"a": {"pattern": "^a+$"}}, "patternProperties": {"^x-": {}}},
    ],
)
def test_a_schema_of_the_draft_that_needs_nothing_else_is_taken(schema: dict[str, Any]) -> None:
    check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"type": "objekt"}, "at type"),
        ({"properties": {"a": {"minimum": "1"}}}, r"at properties\.a\.minimum"),
        ({"$ref": "http://elsewhere/schema"}, "nothing is fetched"),
        ({"anyOf": [{"$ref": "other.json"}]}, "nothing is fetched"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"items": {"pattern": "(?=a)b"}}, "none of RE2"),
        ({"patternProperties": {"(?<!a)b": {}}}, "none of RE2"),
        ({"patternProperties": {}, "unevaluatedProperties": False}, "cannot be used together"),
    ],
)
def test_any_other_schema_is_refused_and_told_where(schema: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "integer"}, 1, []),
        ({"type": "integer"}, "x", ["at the top: 'x' is not of type 'integer'"]),
        (TREE, {"next": {"next": 3}}, ["at next.next: 3 is not of type 'object'"]),
        ({"pattern": "^a+$"}, "b", ["at the top: 'b' does not match '^a+$'"]),
        ({"additionalProperties": False}, {"a": 1}, ["at the top: there must be no 'a'"]),
        ({"patternProperties": {"^x": {"type": "null"}}}, {"xy": 1}, None),
        (
            {"patternProperties": {"^x": {}}, "additionalProperties": {"type": "null"}},
            {"xy": 1, "z": 2},
            ["at z: 2 is not of type 'null'"],
        ),
        ({"$ref": "#"}, 1, ["the schema refers to itself without an end"]),
    ],
)
def test_a_value_is_told_what_it_lacks(
    schema: dict[str, Any], value: Any, told: list[str] | None
) -> None:
    faults = faults_of(schema, value)
    assert faults == told if told is not None else faults


def test_many_faults_are_told_in_a_few_lines() -> None:
    faults = faults_of({"items": {"type": "null"}}, list(range(20)))
    assert (len(faults), faults[-1]) == (9, "and 12 more")


def test_a_pattern_that_would_hang_other_engines_is_matched_at_once() -> None:
    assert faults_of({"pattern": "^(a+)+$"}, "a" * 50_000 + "b")
    assert faults_of({"patternProperties": {"^(a+)+$": False}}, {"a" * 50_000 + "b": 1}) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("  [1, 2]\n", [1, 2]),
        ("null", None),
        ('"word"', "word"),
        ('Here it is:\n```json\n{"a": "b"}\n```\nAnything else?', {"a": "b"}),
        ('The answer is {"a": {"b": [1]}} as you see {x}.', {"a": {"b": [1]}}),
        ("So: [1, 2] it is.", [1, 2]),
    ],
)
def test_json_is_found_alone_fenced_or_among_words(text: str, value: Any) -> None:
    assert read_json(text) == (value, "")


@pytest.mark.parametrize("text", ["", "words", '{"a":', "[1", "NaN", '{"a": 1e999}', "{" * 5000])
def test_what_is_no_json_is_told_so(text: str) -> None:
    assert read_json(text) == (None, "it is not one whole JSON value")
