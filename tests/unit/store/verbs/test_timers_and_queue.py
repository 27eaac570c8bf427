"""Timers and queues: nothing early, nothing forgotten, and each key moves when it is released."""

import pytest

from engine.failures import Cause, Failure
from engine.jobs import JobState, Lane, Reason, Result
from engine.moments import us
from engine.outcomes import Done, Failed, Preempted
from store.verbs import timers
from store.verbs.timers import promote_due

from .kit import BEGIN, House, task

WELL = Done(Result(text="well"))
HANGS = Failed(Failure(cause=Cause.STUCK, message="It hangs."))
DAY = us(86_400)


def delayed(house, **spec):
    job_id = house.submit(task("a", spec={"delays_s": [60], **spec}))["a"]
    house.claim()
    house.report(job_id, HANGS)
    return job_id


def test_a_backoff_ends_when_its_time_has_come(house):
    job_id = delayed(house)
    wait_s = (house.job(job_id).run_at - house.now) / us(1)
    assert 54 <= wait_s <= 66
    house.pass_time(wait_s - 1)
    assert house.state(job_id) is JobState.DELAYED
    house.pass_time(1)
    assert house.state(job_id) is JobState.READY


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_jump_of_the_wall_clock_neither_hastens_nor_holds_a_backoff(house, jump):
    job_id = delayed(house)
    house.skew = jump
    assert house.do(promote_due) == 0
    house.pass_time(70)
    assert house.state(job_id) is JobState.READY


def test_a_schedule_follows_the_wall_clock(house):
    job_id = house.submit(task("a", run_at=BEGIN + DAY))["a"]
    house.skew = DAY
    assert house.do(promote_due) == 1
    assert house.state(job_id) is JobState.READY


def test_delays_that_only_the_wall_clock_calls_due_hide_nobody(house, monkeypatch):
    monkeypatch.setattr(timers, "_BATCH", 2)
    ids = house.submit(*[task(f"t{n}", spec={"delays_s": [60]}) for n in range(5)])
    house.claim()
    for job_id in ids.values():
        house.report(job_id, HANGS)
    scheduled = house.submit(task("s", run_at=house.now + us(120)))["s"]
    house.skew = DAY
    assert house.do(promote_due) == 1
    assert house.state(scheduled) is JobState.READY


def test_a_job_that_is_due_is_freed_once(house):
    delayed(house)
    assert house.pass_time(70) == 1
    assert house.pass_time(70) == 0


def test_each_lane_of_a_busy_directory_is_served_in_its_order(house):
    ids = house.submit(
        task("first", cwd="/d"),
        task("low", cwd="/d", lane=Lane.P4),
        task("second", cwd="/d"),
        task("sos", cwd="/d", lane=Lane.P0),
    )
    served = []
    while taken := house.claim():
        (one,) = taken
        served.append(one)
        house.report(ids[one], WELL)
    assert served[0] == "sos"
    assert served.index("first") < served.index("second")
    assert sorted(served) == ["first", "low", "second", "sos"]


def test_a_job_behind_a_busy_directory_is_out_of_the_ready_order(house):
    house.submit(task("a", cwd="/d"))
    house.claim()
    job = house.job(house.submit(task("b", cwd="/d"))["b"])
    assert (job.state, job.reason) == (JobState.BLOCKED, Reason.DIRECTORY)


def test_at_most_one_job_of_a_directory_and_lane_stands_ready(house):
    ids = house.submit(*[task(f"t{n}", cwd="/d") for n in range(5)])
    assert list(house.states(ids).values()).count("ready") == 1


def test_a_preempted_job_goes_behind_the_urgent_one(house):
    slow = house.submit(task("slow", cwd="/d", lane=Lane.P5))["slow"]
    house.claim()
    house.submit(task("sos", cwd="/d", lane=Lane.P0))
    house.report(slow, Preempted())
    assert list(house.claim()) == ["sos"]


def test_a_full_pool_is_refilled_as_its_jobs_end():
    house = House(pools={"llm": 2})
    ids = house.submit(*[task(f"t{n}", backend="llm") for n in range(6)])
    done = 0
    while taken := house.claim():
        assert len(taken) <= 2
        for name in taken:
            house.report(ids[name], WELL)
            done += 1
    assert done == 6
    assert house.violations(rested=True) == []
