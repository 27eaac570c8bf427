"""Pipelines: what compiles, to what; and every refusal with its way out."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import BadInput, CycleFound, HelioError, PayloadTooLarge, UnknownName
from engine.jobs import EdgeKind, GroupMode, JobKind, Lane
from engine.pipelines import ROOT, compile_pipeline, describe
from engine.settings import LimitSettings

BACKENDS = ("shell", "python", "claude")
LIMITS = LimitSettings()


def compiled(steps, given=None, limits=LIMITS, **top):
    batch = compile_pipeline({"steps": steps} | top, given or {}, BACKENDS, limits)
    return {draft.key: draft for draft in batch.drafts}


def refused(steps, given=None, limits=LIMITS, **top):
    with pytest.raises(HelioError) as caught:
        compiled(steps, given, limits, **top)
    assert caught.value.remedy, caught.value.detail
    return caught.value


DEMO = {
    "facts": {"run": ["git", "log"], "timeout": "5m", "silence": 30},
    "count": {"sh": "wc -l < {{input.file}}", "retry": 2},
    "both": {
        "run": ["report", "{{results.facts}}", "{{results.count.exit_code}}"],
        "needs": ["facts", {"step": "count", "on": "settled"}],
        "when": "{{results.facts.exit_code}} == 0",
        "lane": "HUMAN",
    },
}
INPUTS = {"file": {"type": "path", "default": "a.txt"}, "unused": {"type": "integer", "default": 1}}


def test_a_step_becomes_a_task_under_the_root():
    drafts = compiled(DEMO, {"file": "b.txt"}, name="demo", inputs=INPUTS)
    root = drafts[ROOT]
    assert (root.kind, root.mode, root.name) == (JobKind.GROUP, GroupMode.RUN, "demo")
    assert root.members == ("facts", "count", "both")
    facts, count, both = drafts["facts"], drafts["count"], drafts["both"]
    assert all((d.root, d.step, d.source) == (ROOT, d.key, "pipeline") for d in (facts, both))
    assert facts.spec == {"run": ["git", "log"], "timeout_s": 300.0, "silence_s": 30.0}
    assert count.spec["max_failures"] == 2
    assert count.spec["inputs"] == {"file": "b.txt"}  # only what its templates use
    assert [(need.ref, need.on) for need in both.needs] == [
        ("facts", EdgeKind.SUCCESS),
        ("count", EdgeKind.SETTLED),
    ]
    assert both.spec["refs"] == {"facts": "facts", "count": "count"}
    assert both.spec["when"] == {"left": "{{results.facts.exit_code}}", "op": "==", "right": 0}
    assert both.lane is Lane.P1
    assert facts.lane is Lane.P2


def test_a_cycle_is_named():
    error = refused(
        {
            "a": {"run": ["x"], "needs": ["c"]},
            "b": {"run": ["x"], "needs": ["a"]},
            "c": {"run": ["x"], "needs": "b"},
            "d": {"run": ["x"], "needs": ["a"]},
        }
    )
    assert isinstance(error, CycleFound)
    assert "a -> c -> b -> a" in error.detail


def test_a_step_that_needs_itself_or_a_group_around_it_is_a_cycle():
    assert "a -> a" in refused({"a": {"run": ["x"], "needs": ["a"]}}).detail
    error = refused({"g": {"all": ["a"]}, "a": {"run": ["x"], "needs": ["g"]}})
    assert isinstance(error, CycleFound)
    assert "g -> a -> g" in error.detail


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({}, "steps"),
        ({"a": {}}, "nothing to do"),
        ({"a": {"run": ["x"], "sh": "y"}}, "run and sh"),
        ({"a": {"run": []}}, "`run` is empty"),
        ({"a": {"run": "ls -l"}}, "run: input should be a valid list"),
        ({"a": {"run": ["x"], "need": ["b"]}}, "need is not known here"),
        ({"a": {"run": ["x"], "needs": ["b"]}}, "no step 'b'"),
        ({"a": {"run": ["x"], "lane": 1}}, "1 is not a priority"),
        ({"a": {"run": ["x"], "lane": "urgent"}}, "'urgent' is not a priority"),
        ({"a": {"run": ["x"], "backend": "shel"}}, "no backend 'shel'"),
        ({"a": {"run": ["x"], "backend": "claude"}}, "does not do `run`"),
        ({"a": {"prompt": "hi"}}, "needs a backend"),
        ({"a": {"call": "os.system"}}, "names no function"),
        ({"a": {"run": ["x"], "timeout": "5 minutes"}}, "is no duration"),
        ({"a": {"run": ["x"], "retry": -1}}, "retry"),
        ({"a": {"run": ["x"], "when": "1 < 2"}}, "not one comparison"),
        ({"a": {"run": ["x", "{{input.nobody}}"]}}, "input.nobody"),
        ({"a": {"run": ["x", "{{oops"]}}, "no template"),
        ({"a": {"run": ["x", "{{prev_result}}"]}}, "prev_result"),
        ({"a": {"run": ["x"], "cwd": "{{prev_result}}"}}, "prev_result"),
        ({"a": {"run": ["x"], "env": {"HELIO_1": "x"}}}, "HELIO_1"),
        ({"a": {"run": ["x"], "env": {"A-B": "x"}}}, "A-B"),
        ({"a": {"run": ["x\0"]}}, "no process can take"),
        ({"a": {"sh": "echo '{{index}}'"}}, "index"),
        ({"root": {"run": ["x"]}}, "'root' cannot be the name"),
        ({"1a": {"run": ["x"]}}, "'1a' cannot be the name"),
        ({"a.b": {"run": ["x"]}}, "'a.b' cannot be the name"),
        ({"a": {"race": []}}, "could never end"),
        ({"a": {"any": []}}, "could never end"),
        ({"a": {"all": ["b"]}}, "no step 'b'"),
        ({"a": {"all": [{"run": ["x"], "name": "a"}]}}, "two steps named 'a'"),
        ({"a": {"all": [{"run": ["x"]}], "timeout": 5}}, "has no timeout"),
        ({"a": {"all": ["b"], "needs": ["c"]}, "b": {"run": ["x"]}, "c": {"run": ["x"]}}, "needs"),
        ({"a": {"all": ["b", "b"]}, "b": {"run": ["x"]}}, "stands twice"),
        ({"a": {"wait": {}}}, "wait"),
        ({"a": {"wait": ""}}, "wait.signal"),
        ({"a" * 201: {"run": ["x"]}}, "at most 200"),
        ({"a": {"ask": {"question": "?", "options": ["y"], "default": "n"}}}, "default answer 'n'"),
        ({"a": {"wait": "go", "map": [1]}}, "cannot repeat `wait`"),
        ({"a": {"run": ["x"], "map": {"over": 5}}}, "needs a list"),
        ({"a": {"run": ["x", "{{index}}"]}}, "index"),
        ({"a": {"run": ["{{item}}"], "map": [1]}}, "chosen by the output"),
    ],
)  # fmt: skip
def test_what_cannot_be_accepted_is_said_with_its_step_and_its_remedy(steps, words):
    error = refused(steps)
    assert words in error.detail
    assert isinstance(error, BadInput)


def test_a_result_can_be_named_only_from_downstream():
    steps = {
        "a": {"run": ["x"]},
        "b": {"run": ["x"], "needs": ["a"]},
        "c": {"run": ["y", "{{results.a}}"], "needs": ["b"]},
        "d": {"run": ["y", "{{results.a}}"]},
    }
    error = refused(steps)
    assert isinstance(error, UnknownName)
    assert error.detail.startswith("d: ")
    del steps["d"]
    assert compiled(steps)["c"].spec["refs"] == {"a": "a"}


def test_one_need_gives_prev_result_and_two_do_not():
    two = {
        "a": {"run": ["x"]},
        "b": {"run": ["x"]},
        "c": {"run": ["y", "{{all_results}}"], "needs": ["a", "b"]},
    }
    compiled(two)
    two["c"]["run"] = ["y", "{{prev_result}}"]
    assert "prev_result" in refused(two).detail


def test_groups_take_names_and_steps_written_inside_them():
    drafts = compiled(
        {
            "first": {"run": ["x"]},
            "named": {"run": ["x"]},
            "both": {"all": ["named"]},
            "fast": {
                "race": [{"run": ["y"]}, {"name": "slow", "run": ["z", "{{prev_result}}"]}],
                "needs": ["first"],
            },
            "end": {
                "run": ["w", "{{results.fast}}", "{{results.named}}"],
                "needs": ["fast", "both"],
            },
        }
    )
    assert drafts["fast"].members == ("fast[0]", "slow")
    assert drafts["fast"].needs == ()
    assert [need.ref for need in drafts["slow"].needs] == ["first"]
    assert drafts["end"].spec["refs"] == {"fast": "fast", "named": "named"}


def test_a_race_member_cannot_be_named_since_it_may_have_lost():
    steps = {
        "r": {"race": [{"name": "x", "run": ["x"]}]},
        "end": {"run": ["y", "{{results.x}}"], "needs": ["r"]},
    }
    assert "results.x" in refused(steps).detail


def test_the_root_does_not_count_members_that_answer_to_their_own_group():
    drafts = compiled(
        {
            "lone": {"run": ["x"]},
            "race": {
                "race": [{"name": "fast", "run": ["x"]}, {"all": [{"name": "deep", "run": ["x"]}]}]
            },
            "gather": {"all": [{"name": "counted", "run": ["x"]}]},
        }
    )
    assert set(drafts[ROOT].members) == {"lone", "race", "gather", "counted"}


def test_a_map_is_a_group_that_makes_its_children_later():
    steps = {
        "list": {"run": ["ls"]},
        "each": {
            "map": "{{results.list}}",
            "run": ["wc", "{{item}}", "{{index}}", "{{input.flag}}"],
            "needs": ["list"],
            "when": "{{results.list}} exists",
            "cwd": "/srv",
            "lane": "P0",
        },
        "sum": {"run": ["add", "{{all_results}}"], "needs": ["each"]},
    }
    drafts = compiled(steps, {"flag": "-l"}, inputs={"flag": "string"})
    each = drafts["each"]
    assert (each.kind, each.mode, each.lane) == (JobKind.GROUP, GroupMode.ALL, Lane.P0)
    assert each.spec["refs"] == {"list": "list"}
    assert each.spec["inputs"] == {"flag": "-l"}
    assert each.spec["map"]["over"] == "{{results.list}}"
    assert each.spec["map"]["template"] == {
        "spec": {"run": ["wc", "{{item}}", "{{index}}", "{{input.flag}}"]},
        "name": "each",
        "backend": "shell",
        "cwd": "/srv",
    }


def test_a_map_may_say_how_its_children_end_it_and_hold_the_list_itself():
    each = compiled({"m": {"run": ["x", "{{item}}"], "map": {"over": [1], "mode": "any"}}})["m"]
    assert each.mode is GroupMode.ANY
    assert each.spec["map"]["over"] == [1]


def test_waits_and_questions_take_no_backend():
    drafts = compiled(
        {
            "go": {"wait": {"signal": "go", "deadline": "2d"}},
            "ok": {"ask": {"question": "Ship {{results.go}}?", "options": ["yes", "no"],
                           "default": "no", "deadline": "1h"}, "needs": ["go"]},
            "then": {"run": ["x", "{{signal.go.by}}", "{{results.ok}}"], "needs": ["ok"]},
        }
    )  # fmt: skip
    assert drafts["go"].kind is JobKind.WAIT
    assert drafts["go"].spec == {"wait": {"signal": "go", "deadline_s": 172_800.0}}
    assert drafts["ok"].spec["wait"]["options"] == ["yes", "no"]
    assert drafts["ok"].backend == ""
    assert drafts["then"].spec["refs"] == {"signal.go": "go", "ok": "ok"}


def test_what_holds_for_the_pipeline_holds_for_steps_that_say_nothing():
    drafts = compiled(
        {"a": {"run": ["x"]}, "b": {"run": ["x"], "lane": "P5", "cwd": "/b"}},
        {"where": "/a"},
        lane="P0",
        cwd="{{input.where}}",
        project="site",
        inputs={"where": "path"},
    )
    assert (drafts["a"].lane, drafts["a"].cwd) == (Lane.P0, "/a")
    assert (drafts["b"].lane, drafts["b"].cwd) == (Lane.P5, "/b")
    assert drafts[ROOT].lane is Lane.P0
    assert {draft.project for draft in drafts.values()} == {"site"}


def test_plain_numbers_are_words_where_words_are_meant():
    spec = compiled({"a": {"run": ["sleep", 5, 0.5, True], "env": {"N": 1}}})["a"].spec
    assert spec["run"] == ["sleep", "5", "0.5", "true"]
    assert spec["env"] == {"N": "1"}


@pytest.mark.parametrize(
    ("spec", "given", "value"),
    [
        ("string", "x", "x"),
        ({"type": "integer"}, "7", 7),  # a command line has only text
        ({"type": "integer", "default": 3}, None, 3),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "boolean"}, "true", True),
        ({"type": "list"}, '["a"]', ["a"]),
        ({"type": "string"}, "7", "7"),
        ({"type": "path", "default": "."}, None, "."),
        ({"required": False}, None, None),
        ({"choices": ["a", "b"]}, "b", "b"),
    ],
)
def test_an_input_gets_a_value_of_its_type(spec, given, value):
    steps = {"a": {"call": "m:f", "args": "{{input.x}}"}}
    drafts = compiled(steps, {} if given is None else {"x": given}, inputs={"x": spec})
    assert drafts["a"].spec["inputs"] == {"x": value}


@pytest.mark.parametrize(
    ("spec", "given", "words"),
    [
        ("string", {}, "'x' is missing"),
        ({"description": "Who?"}, {}, "(Who?)"),
        ("integer", {"x": "seven"}, "is no integer"),
        ("integer", {"x": True}, "is no integer"),
        ("number", {"x": False}, "is no number"),
        ("list", {"x": "a,b"}, "is no list"),
        ("path", {"x": ""}, "is no path"),
        ({"choices": ["a"]}, {"x": "b"}, "'b'"),
        ("string", {"x": "1", "y": "2"}, "no input 'y'"),
        ("text", {"x": "1"}, "the type 'text'"),
        ({"type": "string", "defualt": 1}, {"x": "1"}, "defualt"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(spec, given, words):
    assert words in refused({"a": {"run": ["x"]}}, given, inputs={"x": spec}).detail


def test_size_and_number_have_limits():
    small = LimitSettings(payload_bytes=100, batch_jobs=2)
    assert isinstance(refused({"a": {"run": ["x" * 200]}}, limits=small), PayloadTooLarge)
    two = {"a": {"run": ["x"]}, "b": {"run": ["x"]}}
    assert isinstance(refused(two, limits=small), PayloadTooLarge)


def test_a_compiled_pipeline_can_be_told_as_json():
    batch = compile_pipeline({"inputs": INPUTS, "steps": DEMO}, {}, BACKENDS, LIMITS)
    told = json.loads(json.dumps(describe(batch)))
    assert told["order"].index("both") > told["order"].index("facts")
    assert ROOT not in told["order"]
    assert {job["key"] for job in told["jobs"]} == {ROOT, "facts", "count", "both"}


def test_the_digest_tells_one_run_from_another():
    def run(**given):
        pipeline = {"inputs": INPUTS, "steps": DEMO}
        return compile_pipeline(pipeline, given, BACKENDS, LIMITS).digest

    assert run() == run()
    assert run(file="x") != run()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["run", "sh", "wait", "ask", "map", "all", "any", "needs", "when", "env", "cwd", "retry", "x"]
)


@example({"a": {"wait": ""}})
@given(st.dictionaries(st.sampled_from("abc"), st.dictionaries(FIELDS, JSON), max_size=3))
def test_any_pipeline_compiles_or_is_refused_with_a_typed_error(steps):
    try:
        drafts = compiled(steps)
    except HelioError as refusal:
        problem = refusal.as_problem()
        assert problem["status"] < 500
        return
    assert ROOT in drafts
