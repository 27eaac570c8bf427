"""Retry by cause: one table, and the bounds of chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.failures import TREATMENTS, Cause, Failure
from engine.jobs import Job
from engine.retry import GiveUp, Retry, next_try
from engine.settings import RetrySettings

NOW = 1_000_000_000_000
STEADY = RetrySettings(jitter=0)


def verdict(cause, *, failures=0, retry_at=None, settings=STEADY, **spec):
    failure = Failure(cause=cause, message="it failed", retry_at=retry_at)
    job = Job(id="j", failures=failures, spec=spec)
    return next_try(failure, job, NOW, random.Random(1), settings)


def delay_s(answer):
    assert isinstance(answer, Retry)
    return (answer.at_us - NOW) / 1_000_000


@pytest.mark.parametrize(
    ("cause", "failures", "expected_s"),
    [
        (Cause.STUCK, 0, 120),  # the ladder
        (Cause.STUCK, 1, 600),
        (Cause.STUCK, 2, 1800),
        (Cause.STUCK, 3, None),  # the fourth failure is the last
        (Cause.OTHER, 0, 120),
        (Cause.CONTEXT_LOSS, 0, 0),  # a fresh conversation helps at once
        (Cause.CONTEXT_LOSS, 1, 120),
        (Cause.MALFORMED, 0, 0),
        (Cause.OPTIMISTIC, 0, 0),
        (Cause.RATE_LIMIT, 0, 120),
        (Cause.RATE_LIMIT, 99, 1800),  # counts nothing, so never runs out
        (Cause.LOST, 99, 0),
        (Cause.TOOL, 0, None),  # the same command fails the same way
        (Cause.DEPENDENCY, 0, None),
        (Cause.PERMISSION, 0, None),
        (Cause.POISON, 0, None),
    ],
)
def test_each_cause_has_its_ladder(cause, failures, expected_s):
    answer = verdict(cause, failures=failures)
    if expected_s is None:
        assert isinstance(answer, GiveUp)
        assert answer.reason.endswith(".")
    else:
        assert delay_s(answer) == expected_s


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_gets_an_answer(cause):
    assert isinstance(verdict(cause), Retry | GiveUp)
    assert isinstance(verdict(cause), Retry) == TREATMENTS[cause].retryable


def test_a_provider_that_names_its_reset_is_asked_again_exactly_then():
    reset = NOW + 77_000_000
    assert verdict(Cause.RATE_LIMIT, retry_at=reset, settings=RetrySettings()) == Retry(reset)


def test_a_reset_in_the_past_means_now():
    assert verdict(Cause.RATE_LIMIT, retry_at=5) == Retry(NOW)


def test_written_down_retries_make_a_command_failure_retryable():
    assert delay_s(verdict(Cause.TOOL, max_failures=2)) == 120
    assert isinstance(verdict(Cause.TOOL, failures=2, max_failures=2), GiveUp)


def test_zero_written_down_retries_mean_none():
    assert isinstance(verdict(Cause.TOOL, max_failures=0), GiveUp)
    assert isinstance(verdict(Cause.STUCK, max_failures=0), GiveUp)


def test_written_down_retries_do_not_revive_a_hopeless_cause():
    assert isinstance(verdict(Cause.PERMISSION, max_failures=5), GiveUp)


def test_a_jobs_own_delays_replace_the_ladder_and_the_last_one_repeats():
    waits = [
        delay_s(verdict(Cause.STUCK, failures=n, max_failures=9, delays_s=[1, 5])) for n in range(4)
    ]
    assert waits == [1, 5, 5, 5]


@pytest.mark.parametrize("cause", Cause)
def test_a_job_that_acts_once_is_never_repeated(cause):
    assert isinstance(verdict(cause, effects="once", max_failures=5), GiveUp)


@given(seed=st.integers(), failures=st.integers(0, 2))
def test_chance_moves_a_delay_by_a_tenth_at_most(seed, failures):
    failure = Failure(cause=Cause.STUCK, message="")
    job = Job(id="j", failures=failures)
    answer = next_try(failure, job, NOW, random.Random(seed), RetrySettings())
    ladder = (120, 600, 1800)[failures]
    assert ladder * 0.9 - 0.001 <= delay_s(answer) <= ladder * 1.1 + 0.001


def test_the_same_seed_gives_the_same_delay():
    assert verdict(Cause.STUCK, settings=RetrySettings()) == verdict(
        Cause.STUCK, settings=RetrySettings()
    )
