"""Cancel and retry: final, and never a change to what is at rest."""

import pytest

from engine.errors import Conflict, NotFound
from engine.jobs import GroupMode, JobState, Reason
from engine.outcomes import Cancelled, Drained
from engine.records import Decision
from store.verbs.cancel import cancel
from store.verbs.decisions import answer
from store.verbs.retry import retry

from .kit import group, task, wait


@pytest.mark.parametrize("more", [{}, {"cwd": "/d"}, {"run_at": 2**62}])
def test_what_does_not_run_is_cancelled_at_once(house, more):
    ids = house.submit(task("a", **more))
    assert house.do(cancel, ids["a"]).state is JobState.CANCELLED


def test_what_runs_is_asked_to_stop_and_ends_with_its_processes(house):
    ids = house.submit(task("a"))
    house.claim()
    asked = house.do(cancel, ids["a"])
    assert asked.state is JobState.RUNNING
    assert asked.cancel_requested_at == house.now
    assert house.stops == [(asked.owner, asked.id, 1, "cancel")]
    assert house.report(ids["a"], Cancelled()).state is JobState.CANCELLED


def test_a_second_cancel_is_as_good_as_the_first(house):
    ids = house.submit(task("a"))
    house.claim()
    first = house.do(cancel, ids["a"])
    assert house.do(cancel, ids["a"]) == first
    house.report(ids["a"], Cancelled())
    assert house.do(cancel, ids["a"]).state is JobState.CANCELLED


def test_a_drained_job_that_was_cancelled_does_not_come_back(house):
    ids = house.submit(task("a"))
    house.claim()
    house.do(cancel, ids["a"])
    assert house.report(ids["a"], Drained()).state is JobState.CANCELLED


def test_what_is_at_rest_cannot_be_cancelled(house):
    ids = house.submit(task("a"))
    house.succeed(ids["a"])
    with pytest.raises(Conflict, match="already succeeded"):
        house.do(cancel, ids["a"])


def test_nobody_can_be_cancelled_who_is_not_there(house):
    with pytest.raises(NotFound):
        house.do(cancel, "nobody")


def test_a_group_takes_its_members_along_and_ends_with_the_last_of_them(house):
    ids = house.submit(task("a"), task("b"), task("c"), group("g", GroupMode.RUN, "a", "b", "c"))
    house.claim(slots=3)
    house.do(cancel, ids["g"])
    running = [key for key in "abc" if house.state(ids[key]) is JobState.RUNNING]
    assert house.state(ids["g"]) is JobState.BLOCKED
    for key in running:
        house.report(ids[key], Cancelled())
    assert set(house.states(ids).values()) == {"cancelled"}
    assert house.job(ids["g"]).reason is Reason.OWNER


def test_a_cancelled_wait_withdraws_its_question(house):
    ids = house.submit(wait("w", ask="Shall it?", options=["yes", "no"]))
    house.do(cancel, ids["w"])
    (decision,) = house.find(Decision)
    assert decision.state == "withdrawn"
    with pytest.raises(Conflict, match="withdrawn"):
        house.do(answer, decision.id, "yes")


def test_cancelling_the_head_of_a_directory_lets_the_next_one_in(house):
    ids = house.submit(task("a", cwd="/d"), task("b", cwd="/d"))
    house.do(cancel, ids["a"])
    assert house.state(ids["b"]) is JobState.READY


def test_a_retry_is_a_new_job_that_knows_the_old_one(house):
    ids = house.submit(task("a", cwd="/d"))
    house.succeed(ids["a"])
    before = house.job(ids["a"])
    again = house.do(retry, ids["a"])
    assert (again.retry_of, again.cwd, again.spec) == (ids["a"], "/d", before.spec)
    assert house.job(ids["a"]) == before


def test_a_retry_sees_the_results_that_the_first_try_saw(house):
    ids = house.submit(task("a"), task("b", "a", spec={"run": ["echo", "{{prev_result}}"]}))
    house.succeed(ids["a"], text="from a")
    house.succeed(ids["b"])
    house.do(retry, ids["b"])
    assert house.claim()["b"].order.payload["run"] == ["echo", "from a"]


def test_what_still_runs_cannot_be_tried_again(house):
    ids = house.submit(task("a"))
    with pytest.raises(Conflict, match="only a finished job"):
        house.do(retry, ids["a"])


def test_a_group_cannot_be_tried_again(house):
    ids = house.submit(task("a"), group("g", GroupMode.ALL, "a"))
    house.succeed(ids["a"])
    with pytest.raises(Conflict, match="only tasks"):
        house.do(retry, ids["g"])
