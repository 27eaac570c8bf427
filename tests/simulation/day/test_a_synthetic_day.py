"""The busiest day of the best existing system, on our routing core: limits cost time, not jobs."""

from __future__ import annotations

import pytest

from engine.failures import Cause
from engine.jobs import JobState, Lane
from tests.simulation.day.plan import HOUR, RATES, START
from tests.simulation.day.play import Day

SEEDS = range(3)


@pytest.fixture(scope="module", params=SEEDS)
def day(request):
    return Day(request.param).run()


def test_the_rates_are_those_of_the_source():
    assert sum(RATES["failures"].values()) == pytest.approx(1.0)
    assert RATES["jobs"]["a_day"] == 370


def test_no_job_is_lost_to_rate_limits(day):
    ended = {state: day.ended(state) for state in (JobState.SUCCEEDED, JobState.FAILED)}
    assert sum(map(len, ended.values())) == RATES["jobs"]["a_day"]
    assert sum(work.limited > 0 for work in day.works) > 20, "the day has no limits to speak of"
    causes = {work.job.error["cause"] for work in ended[JobState.FAILED]}
    assert causes <= {Cause.DEPENDENCY, Cause.PERMISSION}, "no retry helps there, and only there"
    assert len(ended[JobState.FAILED]) <= RATES["jobs"]["failed"] * RATES["jobs"]["a_day"]


def test_the_day_ends_with_the_day(day):
    assert day.ended_at < START + 25 * HOUR


def test_limits_are_asked_for_rarely(day):
    asked = sum(upstream.calls for upstream in day.upstreams.values())
    rejected = sum(upstream.rejected for upstream in day.upstreams.values())
    assert rejected / asked < 0.01
    assert day.to_closed == 0


def test_a_claim_that_was_not_true_is_never_shown_as_verified(day):
    for work in day.ended(JobState.SUCCEEDED):
        assert work.job.result["verified"] is not True or work.blow is not Cause.OPTIMISTIC


def test_urgent_work_hardly_notices(day):
    waited = sorted(
        work.job.finished_at - work.job.created_at
        for work in day.works
        if work.job.lane <= Lane.P1 and not work.blow and work.job.failures == 0
    )
    assert waited[len(waited) // 2] < 10 * 60_000_000


def test_the_same_day_without_memory_loses_jobs():
    day = Day(0, naive=True).run()
    lost = [work for work in day.works if work.lost_to == "limits"]
    assert len(lost) > RATES["failures"]["rate_limit"] * 20
