"""Submit: all or nothing, once for each key, and everything finds its place."""

import pytest

from engine.errors import BadInput, IdempotencyMismatch, NotFound
from engine.events import EventKind
from engine.jobs import GroupMode, JobState, Reason
from engine.moments import us

from .kit import BEGIN, group, settled, task, wait


def test_a_job_that_needs_nothing_is_ready_at_once(house):
    ids = house.submit(task("a"))
    assert house.state(ids["a"]) is JobState.READY
    assert house.kinds(ids["a"]) == [EventKind.JOB_SUBMITTED]


def test_a_job_that_needs_another_waits_for_it(house):
    ids = house.submit(task("a"), task("b", "a"))
    job = house.job(ids["b"])
    assert (job.state, job.reason, job.open_deps) == (JobState.BLOCKED, Reason.DEPENDENCY, 1)


def test_a_job_whose_parent_had_ended_before_starts_at_once(house):
    a = house.submit(task("a"))["a"]
    house.succeed(a)
    assert house.state(house.submit(task("b", a))["b"]) is JobState.READY


def test_a_job_whose_parent_had_failed_before_is_skipped_at_once(house):
    broken = house.submit(task("a", spec={"run": ["{{input.x}}"]}))["a"]
    house.claim()
    assert house.state(broken) is JobState.FAILED
    ids = house.submit(task("strict", broken), task("easy", settled(broken)))
    assert house.states(ids) == {"strict": "skipped", "easy": "ready"}


def test_a_schedule_in_the_future_delays_and_one_in_the_past_does_not(house):
    ids = house.submit(
        task("later", run_at=BEGIN + us(60)),
        task("past", run_at=BEGIN - us(60)),
    )
    assert house.states(ids) == {"later": "delayed", "past": "ready"}
    assert house.job(ids["later"]).reason is Reason.SCHEDULE


def test_the_same_key_and_body_give_the_same_ids(house):
    first = house.submit(task("a"), task("b"), key="k")
    assert house.submit(task("a"), task("b"), key="k") == first
    assert sum(house.store.read(lambda tables: tables.count_jobs()).values()) == 2


def test_the_same_key_with_another_body_is_refused(house):
    house.submit(task("a"), key="k")
    with pytest.raises(IdempotencyMismatch):
        house.submit(task("other"), key="k")


def test_without_a_key_each_submit_is_new(house):
    assert house.submit(task("a")) != house.submit(task("a"))


def test_a_need_of_nobody_refuses_the_whole_batch(house):
    with pytest.raises(NotFound, match="nobody"):
        house.submit(task("a"), task("b", "nobody"))
    assert house.store.read(lambda tables: tables.count_jobs()) == {}


def test_a_group_has_members_or_needs_but_not_both(house):
    both = group("g", GroupMode.ALL, "a", needs=task("x", "a").needs)
    with pytest.raises(BadInput, match="both"):
        house.submit(task("a"), both)


def test_jobs_of_one_directory_share_a_key_and_pools_are_named(house):
    ids = house.submit(task("a", cwd="/d"), task("b", cwd="/d"), task("c", backend="llm"))
    a, b, c = (house.job(job_id) for job_id in ids.values())
    assert a.worker_key == b.worker_key
    assert c.worker_key == "pool:llm"


def test_a_wait_that_needs_nothing_waits_at_once(house):
    ids = house.submit(wait("w", signal="go"))
    job = house.job(ids["w"])
    assert (job.state, job.awaits) == (JobState.WAITING, {"signal": "go"})


def test_names_of_results_point_to_ids(house):
    ids = house.submit(task("a"), task("b", "a", spec={"refs": {"first": "a"}}))
    assert house.job(ids["b"]).spec["refs"] == {"first": ids["a"]}
