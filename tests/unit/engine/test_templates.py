"""Templates: one pass, values as data, unknown names refused; and what a broken one would do."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput, HelioError, PayloadTooLarge, UnknownName
from engine.templates import check, check_spec, names, render, render_spec, render_value
from engine.tokens import parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TEMPLATE_LIKE = st.sampled_from(
    ["{{index}}", "{{{{", "}}", "{{prev_result}}", "{", "}", "$(id)", "`id`", "\0", "\ud800", "{{"]
)
HOSTILE = st.lists(st.one_of(st.text(), TEMPLATE_LIKE)).map("".join)
RESULT = {"text": "v1.2\n", "data": {"version": "1.2", "tags": ["a", "b"]}, "exit_code": 0}
VALUES = {
    "prev_result": "before",
    "all_results": ["one", "two"],
    "index": 3,
    "item": {"path": "a.py"},
    "results": {"build": RESULT, "plain": {"text": "words", "data": None}, "gone": None},
    "input": {"who": "Ada", "n": 2, "list": [1, {"k": "v"}]},
    "signal": {"go": {"by": "owner"}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no template", "no template"),
        ("", ""),
        ("{{prev_result}}", "before"),
        ("a {{ prev_result }} b", "a before b"),
        ("{{all_results}}", '["one","two"]'),
        ("{{index}}/{{item}}", '3/{"path":"a.py"}'),
        ("{{item.path}}", "a.py"),
        ("{{results.build}}", "v1.2\n"),  # in a text, a result is its text
        ("{{results.build.exit_code}}", "0"),
        ("{{results.build.data.version}}", "1.2"),
        ("{{results.build.version}}", "1.2"),  # what is no field is sought in the data
        ("{{results.build.tags.1}}", "b"),
        ("{{results.gone}}|{{results.gone.deep.er}}", "|"),  # a skipped step gives nothing
        ("{{input.list.1.k}}", "v"),
        ("{{signal.go.by}}", "owner"),
        ("{{{{index}}", "{{index}}"),
        ("{{{index}}}", "{3}"),
        ("}} { } {x}", "}} { } {x}"),
    ],
)
def test_a_template_gives_its_value(text, expected):
    assert render(text, VALUES).text == expected


@pytest.mark.parametrize(
    "text",
    ["{{", "{{}}", "{{ }}", "{{index", "{{1+1}}", "{{a b}}", "{{input.}}", "{{.x}}", "{{x|upper}}"],
)
def test_two_braces_that_are_no_template_are_refused_with_a_way_out(text):
    with pytest.raises(BadInput) as refused:
        parse(text)
    assert "{{{{" in refused.value.remedy


@pytest.mark.parametrize("text", ["{{nobody}}", "{{results}}", "{{inputs.who}}"])
def test_a_first_word_that_is_not_ours_is_unknown(text):
    with pytest.raises(UnknownName):
        parse(text)


def test_an_unknown_name_is_named_and_the_known_ones_are_listed():
    with pytest.raises(UnknownName) as refused:
        check("{{results.biuld.exit_code}}", {"results.build", "input.who"})
    assert "results.biuld" in refused.value.detail
    assert "input.who, results.build" in refused.value.remedy


def test_a_field_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UnknownName) as refused:
        render("{{results.build.data.vresion}}", VALUES)
    assert "'vresion'" in refused.value.detail
    assert "tags, version" in refused.value.detail


def test_names_come_in_order_as_written():
    assert names("{{ input.b }} {{index}} {{{{x {{input.b}}") == ["input.b", "index", "input.b"]


def test_a_text_that_would_grow_too_large_is_refused():
    assert render("{{prev_result}}", {"prev_result": "x" * 10}, 10).text == "x" * 10
    with pytest.raises(PayloadTooLarge):
        render("{{prev_result}}y", {"prev_result": "x" * 10}, 10)


def test_a_text_that_is_one_template_keeps_its_json_value():
    filled = render_value(
        {"n": "{{input.n}}", "all": ["{{input.list}}", "n={{input.n}}"], "d": "{{results.build}}"},
        VALUES,
    )
    assert filled == {"n": 2, "all": [[1, {"k": "v"}], "n=2"], "d": RESULT["data"]}
    assert render_value("{{results.plain}}", VALUES) == "words"


# -- what comes in never becomes a template ----------------------------------------------------
def survives(fill, value):
    return fill("<{{prev_result}}>", {"prev_result": value, "index": "LEAK"})


def rendered(text, values):
    return render(text, values).text


def rendered_until_nothing_is_left(text, values):
    """Planted: a second pass over what was inserted."""
    for _ in range(3):
        text = re.sub(r"\{\{(\w+)\}\}", lambda hit: str(values.get(hit[1], "")), text)
    return text


@given(HOSTILE)
def test_an_inserted_text_stands_there_unchanged(value):
    whole = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert survives(rendered, value) == f"<{whole}>"


def test_a_planted_second_pass_is_caught():
    assert survives(rendered, "{{index}}") == "<{{index}}>"
    assert survives(rendered_until_nothing_is_left, "{{index}}") == "<LEAK>"


@given(value=JSON | HOSTILE, path=st.sampled_from(["prev_result", "item", "input.x", "results.x"]))
def test_any_value_can_be_inserted_and_encoded(value, path):
    first, _, rest = path.partition(".")
    text = render(f"{{{{{path}}}}}", {first: {rest: value} if rest else value}).text
    assert isinstance(text.encode(), bytes)


class Odd:
    """Not JSON at all."""


def test_values_that_are_not_json_are_still_text():
    circle: list[object] = []
    circle.append(circle)
    for value in (circle, Odd(), {Odd(): 1}, b"bytes", float("nan"), 10**500):
        assert isinstance(render("{{item}}", {"item": value}).text, str)


@given(HOSTILE)
def test_any_text_is_cut_or_refused_with_a_typed_error(text):
    with contextlib.suppress(HelioError):
        literal = "".join(token for token in parse(text) if isinstance(token, str))
        assert "{{" in text or literal == text


# -- specs -------------------------------------------------------------------------------------
@given(st.text())
def test_an_argument_stays_one_argument(value):
    spec = {"run": ["printf", "%s", "--x={{prev_result}}"]}
    argv = render_spec(spec, {"prev_result": value})["run"]
    assert len(argv) == 3
    assert argv[2].startswith("--x=")
    assert "\0" not in argv[2]


def test_only_the_keys_that_may_hold_templates_are_touched():
    spec = {
        "prompt": "{{index}}",
        "stdin": "{{index}}",
        "args": {"n": "{{index}}"},
        "item": "{{index}}",
        "inputs": {"x": "{{index}}"},
        "call": "mod:{{index}}",
        "refs": {"a": "{{index}}"},
    }
    filled = render_spec(spec, {"index": 7})
    assert filled == spec | {"prompt": "7", "stdin": "7", "args": {"n": 7}}


def test_the_output_of_a_job_cannot_name_the_program_of_the_next():
    check_spec({"run": ["{{input.tool}}", "x"]}, {"input.tool"})
    with pytest.raises(BadInput, match="would be chosen by the output"):
        check_spec({"run": ["{{prev_result}}", "x"]}, {"prev_result"})


def test_a_value_is_never_taken_for_a_reference_to_a_secret():
    with pytest.raises(BadInput, match="only a reference may"):
        render_spec({"env": {"X": "{{prev_result}}"}}, {"prev_result": "secret:TOKEN"})
    with pytest.raises(BadInput, match="name of its secret"):
        check_spec({"env": {"X": "secret:{{input.which}}"}}, {"input.which"})
    kept = render_spec({"env": {"X": "secret:TOKEN"}}, {})
    assert kept["env"] == {"X": "secret:TOKEN"}


def test_an_argument_that_the_system_cannot_take_is_refused_before_it_is_tried():
    with pytest.raises(PayloadTooLarge) as refused:
        render_spec({"run": ["echo", "{{prev_result}}"]}, {"prev_result": "x" * 131_072})
    assert "stdin" in refused.value.remedy


def test_every_text_of_a_spec_is_checked_at_submit():
    for spec in (
        {"run": ["ls", "{{input.x}}"]},
        {"sh": "ls {{input.x}}"},
        {"prompt": "{{input.x}}"},
        {"env": {"A": "{{input.x}}"}},
        {"stdin": "{{input.x}}"},
        {"args": [{"deep": "{{input.x}}"}]},
        {"wait": {"ask": "{{input.x}}?"}},
        {"requirements": "{{input.x}}"},
    ):
        check_spec(spec, {"input.x"})
        with pytest.raises(UnknownName):
            check_spec(spec, {"input.y"})


@given(JSON)
def test_compact_json_reads_back(value):
    text = render("{{item}}", {"item": [value]}).text
    assert "\ud800" not in text
    json.loads(text)
