"""The walk from what came to rest to all that follows: cascades, conditions, groups."""

import pytest

from engine.failures import Cause, Failure
from engine.jobs import GroupMode, JobKind, JobState, Reason, Result
from engine.outcomes import Done, Failed
from store.verbs.cancel import cancel

from .kit import group, settled, task, wait

WELL = Done(Result(text="well", data={"n": 3}, exit_code=0))
BADLY = Failed(Failure(cause=Cause.TOOL, message="exit code 1"))


def test_a_child_starts_when_its_last_parent_is_at_rest(house):
    ids = house.submit(task("a"), task("b"), task("c", "a", "b"))
    house.succeed(ids["a"])
    assert house.state(ids["c"]) is JobState.BLOCKED
    house.succeed(ids["b"])
    assert house.state(ids["c"]) is JobState.READY


def test_a_failure_skips_everything_below_it_in_one_step(house):
    chain = [task("a"), *(task(f"t{n}", f"t{n - 1}" if n else "a") for n in range(20))]
    ids = house.submit(*chain)
    house.claim()
    house.report(ids["a"], BADLY)
    assert {house.state(ids[f"t{n}"]) for n in range(20)} == {JobState.SKIPPED}
    assert house.job(ids["t19"]).reason is Reason.UPSTREAM


def test_an_edge_that_asks_only_for_rest_survives_a_failure(house):
    ids = house.submit(task("a"), task("cleanup", settled("a")))
    house.claim()
    house.report(ids["a"], BADLY)
    assert house.state(ids["cleanup"]) is JobState.READY


def test_a_cancelled_parent_skips_its_children(house):
    ids = house.submit(task("a"), task("b", "a"))
    house.do(cancel, ids["a"])
    assert house.state(ids["b"]) is JobState.SKIPPED


@pytest.mark.parametrize(("mode", "state"), [("go", "ready"), ("stay", "skipped")])
def test_a_condition_decides_when_the_parents_are_at_rest(house, mode, state):
    when = {"left": "{{input.mode}}", "op": "==", "right": "go"}
    ids = house.submit(task("a", spec={"when": when, "inputs": {"mode": mode}}))
    assert house.states(ids) == {"a": state}


def test_a_condition_that_cannot_be_read_fails_the_job_and_not_the_wake(house):
    when = {"left": "{{results.gone.data}}", "op": "==", "right": "go"}
    ids = house.submit(task("a", spec={"when": when}), task("b"))
    assert house.states(ids) == {"a": "failed", "b": "ready"}


GROUPS = {
    (GroupMode.ALL, "ww"): "succeeded",
    (GroupMode.ALL, "wb"): "failed",
    (GroupMode.ALL_SETTLED, "wb"): "succeeded",
    (GroupMode.RUN, "ww"): "succeeded",
    (GroupMode.RUN, "bw"): "failed",
    (GroupMode.RACE, "w"): "succeeded",
    (GroupMode.RACE, "b"): "failed",
    (GroupMode.ANY, "bw"): "succeeded",
    (GroupMode.ANY, "bb"): "failed",
}


@pytest.mark.parametrize(("mode", "ends"), GROUPS)
def test_a_group_follows_its_rule(house, mode, ends):
    ids = house.submit(task("m0"), task("m1"), group("g", mode, "m0", "m1"))
    house.claim()
    for n, end in enumerate(ends):
        house.report(ids[f"m{n}"], WELL if end == "w" else BADLY)
    assert str(house.state(ids["g"])) == GROUPS[mode, ends]


def test_a_run_waits_for_all_its_members_though_one_has_failed(house):
    ids = house.submit(task("m0"), task("m1"), group("g", GroupMode.RUN, "m0", "m1"))
    house.claim()
    house.report(ids["m0"], BADLY)
    assert house.state(ids["g"]) is JobState.BLOCKED


def test_the_winner_of_a_race_gives_its_result_and_the_losers_are_cancelled(house):
    ids = house.submit(
        task("m0"), task("m1"), task("m2", "m1"), group("g", GroupMode.RACE, "m0", "m1", "m2")
    )
    house.claim()
    house.report(ids["m1"], WELL)
    result = house.job(ids["g"]).result
    assert (result["winner"], result["data"]) == (ids["m1"], {"n": 3})
    loser = house.job(ids["m0"])
    assert loser.cancel_requested_at
    assert (loser.owner, loser.id, 1, "cancel") in house.stops
    assert house.job(ids["m2"]).reason is Reason.RACE_LOST


def test_a_member_that_ends_after_the_group_was_decided_changes_nothing(house):
    ids = house.submit(task("m0"), task("m1"), group("g", GroupMode.ALL, "m0", "m1"))
    house.claim()
    house.report(ids["m0"], BADLY)
    decided = house.job(ids["g"])
    house.report(ids["m1"], WELL)
    assert house.job(ids["g"]) == decided


def test_groups_nest_and_a_losing_group_takes_its_members_along(house):
    ids = house.submit(
        task("a"),
        task("b"),
        group("inner", GroupMode.ALL, "a", "b"),
        task("fast"),
        group("outer", GroupMode.RACE, "inner", "fast"),
    )
    house.claim()
    house.report(ids["fast"], WELL)
    assert house.state(ids["outer"]) is JobState.SUCCEEDED
    house.report(ids["a"], WELL)
    house.report(ids["b"], WELL)
    inner = house.job(ids["inner"])
    assert (inner.state, inner.reason) == (JobState.CANCELLED, Reason.RACE_LOST)


def test_members_that_had_ended_before_their_group_was_submitted_count(house):
    a = house.submit(task("a"))["a"]
    house.succeed(a)
    assert house.state(house.submit(group("g", GroupMode.ALL, a))["g"]) is JobState.SUCCEEDED


def test_a_group_is_a_promise_that_others_can_need(house):
    ids = house.submit(task("a"), group("g", GroupMode.ALL, "a"), task("after", "g"))
    house.succeed(ids["a"])
    assert house.state(ids["after"]) is JobState.READY


def test_a_fan_in_of_many_resolves_once(house):
    members = [task(f"m{n}") for n in range(300)]
    ids = house.submit(*members, group("g", GroupMode.ALL, *(m.key for m in members)))
    while taken := house.claim(slots=50):
        for one in taken.values():
            house.report(one.job.id, WELL)
    assert house.kinds(ids["g"]).count("job.succeeded") == 1


def test_a_skipped_member_whose_own_condition_was_false_takes_no_part(house):
    when = {"left": "a", "op": "==", "right": "b"}
    ids = house.submit(
        task("out", spec={"when": when}), task("in"), group("g", GroupMode.ANY, "out", "in")
    )
    house.succeed(ids["in"])
    assert house.states(ids) == {"out": "skipped", "in": "succeeded", "g": "succeeded"}


def test_a_wait_between_two_jobs_holds_no_slot(house):
    ids = house.submit(task("a"), wait("w", "a", signal="go"), task("b", "w"))
    house.succeed(ids["a"])
    assert house.state(ids["w"]) is JobState.WAITING
    assert house.job(ids["w"]).kind is JobKind.WAIT
    assert house.claim() == {}
