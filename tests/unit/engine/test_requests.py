"""Job requests, and promises built in Python: what becomes of them, and what is refused."""

from __future__ import annotations

import pytest

from engine.drafts import Need
from engine.durations import seconds
from engine.errors import BadInput, CycleFound, HelioError, PayloadTooLarge, UnknownName
from engine.graph import toposort, upstream
from engine.jobs import EdgeKind, GroupMode, JobKind, Lane
from engine.promises import Promise, batch
from engine.requests import JobRequest, SubmitBody, compile_requests, read_body
from engine.settings import LimitSettings

BACKENDS = ("shell", "python", "claude")
LIMITS = LimitSettings()


def submit(*jobs, limits=LIMITS):
    body = read_body(SubmitBody, {"jobs": list(jobs)}, "job.submit")
    return compile_requests(body.jobs, BACKENDS, limits)


def refused(*jobs, limits=LIMITS):
    with pytest.raises(HelioError) as caught:
        submit(*jobs, limits=limits)
    assert caught.value.remedy, caught.value.detail
    return caught.value


def test_the_shape_of_the_command_line_becomes_one_task():
    made = submit({"run": ["true"], "cwd": "/srv", "lane": "P1", "name": "probe"})
    (draft,) = made.drafts
    assert (draft.kind, draft.backend, draft.lane) == (JobKind.TASK, "shell", Lane.P1)
    assert (draft.cwd, draft.name, dict(draft.spec)) == ("/srv", "probe", {"run": ["true"]})
    assert made.digest


def test_a_batch_may_refer_to_itself_and_to_what_is_stored():
    made = submit(
        {"key": "a", "run": ["x"]},
        {
            "key": "b",
            "run": ["y", "{{results.a}}"],
            "needs": ["a", {"id": "01old", "on": "settled"}],
        },
        {"key": "g", "group": {"mode": "all", "members": ["a", "b"]}},
    )
    a, b, group = made.drafts
    assert b.needs == (Need("a"), Need("01old", EdgeKind.SETTLED))
    assert b.spec["refs"] == {"a": "a"}
    assert (group.kind, group.mode, group.members) == (JobKind.GROUP, GroupMode.ALL, ("a", "b"))
    assert a.spec == {"run": ["x"]}


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({}, "nothing to do"),
        ({"run": ["x"], "prompt": "y"}, "run and prompt"),
        ({"run": "ls"}, "jobs.0.run"),
        ({"run": ["x"], "lane": 2}, "2 is not a priority"),
        ({"run": ["x"], "lane": "2"}, "'2' is not a priority"),
        ({"run": ["x"], "priority": "P1"}, "priority is not known here"),
        ({"run": ["x"], "backend": "nope"}, "no backend 'nope'"),
        ({"run": ["x"], "timeout_s": -1}, "timeout_s"),
        ({"run": ["x"], "timeout_s": "60"}, "timeout_s"),
        ({"run": ["x"], "run_at": -5}, "run_at"),
        ({"run": ["x"], "key": "a b"}, "'a b' is no key"),
        ({"run": ["x"], "cwd": "/{{input.x}}"}, "directory"),
        ({"call": "m:f", "args": [float("nan")]}, "not JSON"),
        ({"run": ["\ud800"]}, "no process can take"),
        ({"wait": {"signal": "a", "ask": "b"}}, "either a signal or a question"),
        ({"wait": {}}, "either a signal or a question"),
        ({"group": {"mode": "race", "members": []}}, "could never end"),
        ({"group": {"mode": "first", "members": ["a"]}}, "group.mode"),
        ({"group": {"mode": "all", "members": []}, "when": "1 == 1", "needs": []}, None),
    ],
)
def test_a_request_that_cannot_be_accepted_says_why(job, words):
    if words is None:  # an empty `all` settles at once, so its condition can be asked
        assert submit(job).drafts
        return
    assert words in refused(job).detail


def test_circles_are_refused_with_their_path():
    error = refused(
        {"key": "a", "run": ["x"], "needs": ["b"]}, {"key": "b", "run": ["x"], "needs": ["a"]}
    )
    assert isinstance(error, CycleFound)
    assert error.facts["path"] == ["a", "b", "a"]


def test_one_key_stands_for_one_job():
    assert (
        "'a' is used 2 times"
        in refused({"key": "a", "run": ["x"]}, {"key": "a", "run": ["x"]}).detail
    )


def test_templates_see_inputs_and_needs_only():
    submit({"run": ["x", "{{input.a}}"], "inputs": {"a": 1}})
    submit({"run": ["x", "{{prev_result}}{{all_results}}"], "needs": ["01old"]})
    for text in ("{{input.b}}", "{{prev_result}}", "{{results.01old}}", "{{item}}", "{{signal.x}}"):
        error = refused({"run": ["x", text], "inputs": {"a": 1}})
        assert isinstance(error, BadInput)
    assert isinstance(refused({"run": ["x", "{{results.z}}"]}), UnknownName)


def test_inputs_that_nobody_uses_are_not_stored_again():
    (draft,) = submit({"run": ["x", "{{input.a}}"], "inputs": {"a": 1, "b": "x" * 1000}}).drafts
    assert draft.spec["inputs"] == {"a": 1}


def test_sizes_have_limits():
    tiny = LimitSettings(payload_bytes=50, batch_jobs=1)
    assert isinstance(refused({"run": ["x" * 60]}, limits=tiny), PayloadTooLarge)
    assert isinstance(refused({"run": ["x"]}, {"run": ["x"]}, limits=tiny), PayloadTooLarge)


@pytest.mark.parametrize("work", [{"run": ["x", "y" * 131_072]}, {"sh": "#" + "y" * 131_071}])
def test_what_the_system_cannot_take_is_refused_before_it_is_stored(work):
    error = refused(work)
    assert isinstance(error, PayloadTooLarge)
    assert "stdin" in error.remedy


def test_what_is_nested_without_end_is_refused():
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(BadInput, match="nested too deep"):
        compile_requests([JobRequest.model_construct(
            **(JobRequest(call="m:f").__dict__ | {"args": deep}))], BACKENDS, LIMITS)  # fmt: skip


def test_the_digest_depends_on_what_was_asked_and_on_nothing_else():
    same = submit({"run": ["x"], "lane": "P2"}).digest
    assert same == submit({"run": ["x"], "lane": "WARNING"}).digest
    assert same != submit({"run": ["x"], "lane": "P1"}).digest


# -- promises in Python ------------------------------------------------------------------------
def test_promises_compose_and_a_shared_parent_runs_once():
    build = Promise.job(run=["make"], key="build")
    checks = Promise.all(
        build.then(run=["make", "test"], key="test"), build.then(run=["make", "lint"], key="lint")
    )
    tell = checks.then(sh="echo {{all_results}}", on="settled", key="tell")
    drafts = {draft.key: draft for draft in batch([tell], BACKENDS, LIMITS).drafts}
    assert len(drafts) == 5
    assert drafts["test"].needs == drafts["lint"].needs == (Need("build"),)
    (group,) = [draft for draft in drafts.values() if draft.kind is JobKind.GROUP]
    assert set(group.members) == {"test", "lint"}
    assert drafts["tell"].needs == (Need(group.key, EdgeKind.SETTLED),)


@pytest.mark.parametrize("mode", ["all", "race", "any", "all_settled"])
def test_each_combinator_is_a_group_of_its_members(mode):
    one, two = Promise.job(run=["a"]), Promise.job(run=["b"])
    made = batch([getattr(Promise, mode)(one, two)], BACKENDS, LIMITS)
    group = next(draft for draft in made.drafts if draft.kind is JobKind.GROUP)
    assert group.mode is GroupMode(mode)
    assert len(group.members) == 2


def test_a_promise_may_wait_for_a_signal_the_owner_and_several_parents():
    go, ok = Promise.wait("go", key="go"), Promise.ask("Ship?", "yes", "no", key="ok")
    ship = Promise.job(run=["ship", "{{results.ok}}"], key="ship").after(go, ok)
    drafts = {draft.key: draft for draft in batch([ship], BACKENDS, LIMITS).drafts}
    assert drafts["go"].spec == {"wait": {"signal": "go"}}
    assert drafts["ok"].spec["wait"]["options"] == ["yes", "no"]
    assert {need.ref for need in drafts["ship"].needs} == {"go", "ok"}


def test_an_empty_race_is_refused_and_an_empty_all_is_not():
    batch([Promise.all(), Promise.all_settled()], BACKENDS, LIMITS)
    for empty in (Promise.race(), Promise.any()):
        with pytest.raises(BadInput, match="could never end"):
            batch([empty], BACKENDS, LIMITS)


# -- graph and durations -----------------------------------------------------------------------
def test_an_order_puts_everything_behind_what_it_waits_for():
    waits = {"d": ["b", "c"], "c": ["a"], "b": ["a", "stored"], "a": []}
    order = toposort(waits)
    assert sorted(order) == ["a", "b", "c", "d"]
    assert all(order.index(p) < order.index(n) for n in order for p in waits[n] if p in waits)
    assert upstream(waits, "d") == {"a", "b", "c", "stored"}


def test_a_chain_of_ten_thousand_is_no_trouble():
    chain = {f"n{n}": [f"n{n - 1}"] for n in range(1, 10_000)} | {"n0": ["n9999"]}
    with pytest.raises(CycleFound) as caught:
        toposort(chain)
    assert len(caught.value.facts["path"]) == 10_001
    del chain["n0"]
    assert len(toposort(chain)) == 9_999


@pytest.mark.parametrize(
    ("text", "expected"),
    [(90, 90), (0.5, 0.5), ("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172_800)],
)
def test_durations_are_seconds_or_parts(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "1 h", "-5s", -1, True, None, float("inf"), "1w"])
def test_other_durations_are_refused(text):
    with pytest.raises(BadInput):
        seconds(text)
