"""`when`: a table of comparisons, and refusals that say what to write instead."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.conditions import Condition, Op, check_when, evaluate, holds, read
from engine.errors import BadInput, HelioError, UnknownName

VALUES = {
    "results": {
        "build": {"text": "ok\n", "data": None, "exit_code": 0},
        "list": {"text": "...", "data": {"urls": ["a", "b"], "none": None, "n": 3, "yes": True}},
        "gone": None,
    },
    "input": {"mode": "fast", "n": 2, "on": True},
}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{{results.build.exit_code}} == 0", True),
        ("{{results.build.exit_code}} != 0", False),
        ("{{results.build}} == ok", True),  # the newline that programs print does not count
        ("{{results.build}} == 'ok'", True),
        ('{{results.build}} == "ok"', True),
        ("{{input.mode}}=='fast'", True),
        ("{{input.mode}} in ['fast', 'slow']", True),
        ('{{input.mode}} in ["slow"]', False),
        ("{{input.mode}} in {{results.list.urls}}", False),
        ("a in {{results.list.urls}}", True),
        ("as in {{input.mode}}", True),
        ("urls in {{results.list}}", True),
        ("{{input.n}} == 2", True),
        ("{{input.n}} == 2.0", True),
        ("{{input.n}} == '2'", True),
        ("{{input.on}} == true", True),
        ("{{input.on}} == 1", False),  # true is not one
        ("{{results.list.urls}} == ['a', 'b']", True),
        ("{{results.list.urls.0}} exists", True),
        ("{{results.list.nothing}} exists", False),
        ("{{results.list.none}} exists", False),
        ("{{results.gone}} exists", False),
        ("{{results.gone.deep}} == null", True),
        ({"left": "{{input.mode}}", "op": "!=", "right": "slow"}, True),
        ({"left": "{{results.list.nothing}}", "op": "exists", "right": False}, True),
        ({"left": "{{results.list.urls}}", "op": "exists"}, True),
        (None, True),
    ],
)
def test_a_comparison_is_true_or_not(when, expected):
    assert holds(when, lambda: VALUES) is expected


@pytest.mark.parametrize(
    "when",
    [
        "",
        "{{input.n}}",
        "{{input.n}} > 1",
        "{{input.n}} ==",
        "== 1",
        "{{input.n}} exists 1",
        "__import__('os').system('id') == 0",
        "{{input.n}} == 1 and {{input.n}} == 2",
        "{{input.n}} in [1, 2",
        {"left": 1},
        {"left": 1, "op": "==", "right": 2, "else": 3},
        {"left": 1, "op": "<", "right": 2},
        {"left": 1, "op": "=="},
        5,
        ["{{input.n}} == 1"],
    ],
)
def test_anything_else_is_refused_with_the_four_shapes(when):
    with pytest.raises(BadInput) as refused:
        read(when)
    assert "LEFT in RIGHT" in refused.value.remedy


def test_a_comparison_that_makes_no_sense_is_refused():
    with pytest.raises(BadInput, match="cannot look for"):
        holds("{{input.mode}} in {{input.n}}", lambda: VALUES)
    with pytest.raises(BadInput, match="one template"):
        holds("fast exists", lambda: VALUES)


def test_a_missing_field_is_an_error_unless_existence_is_the_question():
    with pytest.raises(UnknownName):
        holds("{{results.list.nothing}} == 1", lambda: VALUES)


def test_names_are_checked_before_anything_is_stored():
    check_when(read("{{input.mode}} in {{input.list}}"), {"input.mode", "input.list"})
    with pytest.raises(UnknownName, match=r"input\.list"):
        check_when(read("{{input.mode}} in {{input.list}}"), {"input.mode"})


def test_what_is_stored_reads_back_the_same():
    for when in ("{{input.n}} == 2", "{{input.n}} exists", "{{input.n}} in [1, 2]"):
        condition = read(when)
        assert read(condition.as_json()) == condition


def test_the_values_are_not_gathered_when_there_is_no_condition():
    assert holds(None, lambda: pytest.fail("nobody asked"))


@given(st.text())
def test_any_text_is_a_condition_or_a_typed_refusal(text):
    with contextlib.suppress(HelioError):
        assert evaluate(read(text), VALUES) in {True, False}


@given(left=st.text(), op=st.sampled_from(["==", "!=", "in"]), right=st.text())
def test_inserted_text_is_compared_and_never_read_as_a_condition(left, op, right):
    values = {"input": {"l": left, "r": right}}
    condition = Condition("{{input.l}}", Op(op), "{{input.r}}")
    trimmed = left.rstrip("\r\n"), right.rstrip("\r\n")
    expected = {
        "==": trimmed[0] == trimmed[1],
        "!=": trimmed[0] != trimmed[1],
        "in": trimmed[0] in right,
    }[op]
    assert evaluate(condition, values) is expected
