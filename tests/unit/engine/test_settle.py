"""What the end of an attempt makes of its job, outcome by outcome, on both clocks."""

from dataclasses import replace
from random import Random

import pytest

from engine.failures import Cause, Failure
from engine.jobs import Job, JobState, Reason, Result
from engine.moments import Moment, us
from engine.outcomes import (
    Cancelled,
    Done,
    Drained,
    Failed,
    Lost,
    NeedsOwner,
    NeedsSignal,
    Preempted,
)
from engine.settings import RetrySettings
from engine.settle import UNCERTAIN, deadline, freed_by_time, settle

NOW = us(1_800_000_000)
SAME = Moment(steady=NOW, wall=NOW)
DAY = us(86_400)
STEADY_LADDER = RetrySettings(jitter=0)
RUNNING = Job(id="j", state=JobState.RUNNING, epoch=1, owner="s", holding=True)
WELL = Done(Result(text="well", exit_code=0), cost_usd=0.25)


def settled(outcome, job=RUNNING, moment=SAME):
    return settle(job, outcome, moment, Random(1), STEADY_LADDER)


def failed(cause, retry_at=None):
    return Failed(Failure(cause=cause, message="It failed.", retry_at=retry_at))


def once(job=RUNNING):
    return replace(job, spec={"effects": "once"})


def test_what_ended_well_succeeds_and_lets_go_of_its_directory():
    job = settled(WELL).job
    assert (job.state, job.holding, job.finished_at) == (JobState.SUCCEEDED, False, NOW)
    assert (job.result["text"], job.cost_usd) == ("well", 0.25)


@pytest.mark.parametrize(
    "outcome",
    [WELL, failed(Cause.STUCK), Lost(counts=True), Preempted(), Drained(), NeedsSignal("go")],
)
@pytest.mark.parametrize("job", [RUNNING, once()])
def test_a_cancel_that_was_asked_for_wins_over_every_outcome(outcome, job):
    settlement = settled(outcome, replace(job, cancel_requested_at=NOW - 1))
    assert settlement.job.state is JobState.CANCELLED
    assert settlement.job.result is None
    assert not settlement.requeue
    assert settlement.ask is None


def test_the_loser_of_a_race_is_cancelled_for_that_reason():
    job = replace(RUNNING, cancel_requested_at=NOW, reason=Reason.RACE_LOST)
    assert settled(Cancelled(), job).job.reason is Reason.RACE_LOST
    assert settled(Cancelled()).job.reason is Reason.OWNER


def test_a_retryable_failure_waits_its_delay_on_the_steady_clock():
    moment = Moment(steady=NOW, wall=NOW + DAY)
    job = settled(failed(Cause.STUCK), moment=moment).job
    assert (job.state, job.reason, job.failures) == (JobState.DELAYED, Reason.BACKOFF, 1)
    assert job.run_at == NOW + us(120)


def test_a_failure_that_no_retry_can_mend_is_final():
    job = settled(failed(Cause.DEPENDENCY)).job
    assert (job.state, job.error["cause"]) == (JobState.FAILED, "dependency")


@pytest.mark.parametrize("skew", [-DAY, 0, DAY])
def test_a_rate_limit_with_a_known_end_waits_for_it_on_the_wall_clock(skew):
    moment = Moment(steady=NOW, wall=NOW + skew)
    end = moment.wall + us(60)
    job = settled(failed(Cause.RATE_LIMIT, end), moment=moment).job
    assert (job.reason, job.run_at, job.failures) == (Reason.RATE_LIMIT, end, 0)
    assert not freed_by_time(job, moment)
    assert freed_by_time(job, Moment(steady=NOW, wall=end))


@pytest.mark.parametrize("skew", [-DAY, 0, DAY])
def test_a_rate_limit_without_a_known_end_waits_on_the_steady_clock(skew):
    moment = Moment(steady=NOW, wall=NOW + skew)
    job = settled(failed(Cause.RATE_LIMIT), moment=moment).job
    later = Moment(steady=NOW + us(120), wall=NOW + skew)
    assert not freed_by_time(job, moment)
    assert freed_by_time(job, later)


def test_a_crash_is_no_failure_of_the_job():
    settlement = settled(Lost(counts=True))
    assert settlement.requeue
    assert (settlement.job.failures, settlement.job.reclaims) == (0, 1)


def test_a_crash_of_the_whole_house_is_not_even_a_reclaim():
    assert settled(Lost(counts=False)).job.reclaims == 0


def test_the_third_dead_worker_quarantines_the_job():
    job = settled(Lost(counts=True), replace(RUNNING, reclaims=2)).job
    assert (job.state, job.error["cause"]) == (JobState.FAILED, "poison")


@pytest.mark.parametrize("outcome", [Lost(counts=True), Preempted(), Drained()])
def test_effects_once_are_never_repeated_in_silence(outcome):
    settlement = settled(outcome, once())
    assert settlement.job.state is JobState.WAITING
    assert settlement.ask.options == UNCERTAIN
    assert not settlement.requeue


def test_effects_once_are_not_retried_after_a_failure():
    assert settled(failed(Cause.STUCK), once()).job.state is JobState.FAILED


@pytest.mark.parametrize("hold", [True, False])
def test_a_waiting_job_keeps_its_directory_only_if_it_said_so(hold):
    job = settled(NeedsSignal("go"), replace(RUNNING, spec={"hold": hold})).job
    assert (job.state, job.reason, job.holding) == (JobState.WAITING, Reason.SIGNAL, hold)
    assert job.awaits == {"signal": "go"}


def test_a_question_becomes_a_card_with_its_options():
    settlement = settled(NeedsOwner("Which?", ("left", "right"), "left", NOW + 5))
    assert (settlement.job.state, settlement.job.run_at) == (JobState.WAITING, NOW + 5)
    assert (settlement.ask.text, settlement.ask.default) == ("Which?", "left")


def test_a_deadline_lies_on_the_wall_clock_and_may_be_missing():
    assert deadline(Moment(steady=1, wall=NOW), 2.5) == NOW + us(2.5)
    assert deadline(SAME, None) == 0
