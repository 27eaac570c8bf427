"""JSON schemas that are judged and bent, and the rules that follow from a model's name."""

from __future__ import annotations

import pytest

from routing.translate import schemas
from routing.translate.anthropic.rules import rules_of, version_of

LEAF = {"type": "object", "properties": {"a": {"type": "string"}}}
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}


@pytest.mark.parametrize(
    ("schema", "is_closed"),
    [
        (LEAF, True),
        ({**LEAF, "additionalProperties": False}, True),
        ({**LEAF, "additionalProperties": True}, False),
        ({"type": "object"}, False),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({"type": "array", "items": LEAF}, True),
        ({"$defs": {"node": NODE}, "$ref": "#/$defs/node"}, False),
        ({"$defs": {"leaf": LEAF}, "type": "array", "items": {"$ref": "#/$defs/leaf"}}, True),
        ({"anyOf": [LEAF, {"type": "null"}]}, True),
        ({"properties": {"a": {"$ref": "#"}}}, False),
    ],
)
def test_a_schema_is_closed_if_it_names_all_that_may_come(schema, is_closed):
    assert schemas.is_closed(schema) is is_closed


def test_closing_a_schema_leaves_properties_with_odd_names_alone():
    schema = {
        "type": "object",
        "properties": {"pattern": {"type": "string", "minLength": 1}, "default": LEAF},
        "required": ["pattern"],
    }
    assert schemas.closed(schema) == {
        "type": "object",
        "properties": {
            "pattern": {"type": "string"},
            "default": {**LEAF, "additionalProperties": False},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }


def test_alternatives_keep_their_meaning():
    assert schemas.closed({"oneOf": [{"type": "null"}]}) == {"anyOf": [{"type": "null"}]}


@pytest.mark.parametrize(
    ("required", "is_exact"), [(["a"], True), ([], False), (["a", "b"], False)]
)
def test_a_schema_is_exact_if_it_requires_all_it_names(required, is_exact):
    schema = {**LEAF, "additionalProperties": False, "required": required}
    assert schemas.is_exact(schema) is is_exact


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("claude-opus-4-7", (4, 7)),
        ("claude-3-5-sonnet-20241022", (3, 5)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("anthropic/claude-4.6-opus", (4, 6)),
        ("claude-haiku-4-5-20251001", (4, 5)),
        ("claude-sonnet-5", (5, 0)),
        ("claude-mythos-preview", (99, 0)),
    ],
)
def test_the_version_of_a_claude_stands_in_its_id(model, version):
    assert version_of(model) == version


def test_other_families_copy_the_dialect_as_it_was():
    rules = rules_of("claude-opus-5", "glm")
    assert rules.sampling
    assert not rules.adaptive
