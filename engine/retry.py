"""Whether and when to try again: one failure, one job, one answer.

The taxonomy (`engine.failures`) says what a cause allows; a job's spec may say more:

    max_failures   how many retries it gets. Written down, it also makes a plain command failure
                   (Cause.TOOL) retryable, which it is not by itself: the same command on the same
                   input fails the same way unless the owner knows better.
    delays_s       its own ladder, in place of the cause's.
    effects: once  it is never repeated: after any failure nobody knows what it has done already.

A cause that does not count (a rate limit, a lost worker) never uses up a retry; the counters
themselves are moved by `engine.settle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from engine.failures import Cause, Failure
from engine.jobs import Job
from engine.settings import RetrySettings

_US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, not before this time (microseconds, UTC)."""

    at_us: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again; `reason` is a sentence for the owner."""

    reason: str


def next_try(
    failure: Failure, job: Job, now_us: int, rng: Random, settings: RetrySettings
) -> Retry | GiveUp:
    """Decide what follows a failure of a job whose `failures` does not count it yet."""
    refusal = _refusal(failure, job, settings)
    if refusal:
        return GiveUp(refusal)
    if failure.retry_at is not None:
        return Retry(max(now_us, failure.retry_at))
    delay_s = _rung(_ladder(failure, job), job.failures)
    spread = rng.uniform(1 - settings.jitter, 1 + settings.jitter)
    return Retry(now_us + round(delay_s * spread * _US_PER_S))


def allowed_failures(job: Job, settings: RetrySettings) -> int:
    """Give how many failures are followed by another try."""
    own = job.spec.get("max_failures")
    return settings.max_failures if own is None else int(own)


def _refusal(failure: Failure, job: Job, settings: RetrySettings) -> str:
    if job.spec.get("effects") == "once":
        return "It declares `effects: once` and may have acted already, so it is not repeated."
    if not _retryable(failure.cause, job):
        return f"A {failure.cause} failure does not go away by trying again."
    allowed = allowed_failures(job, settings)
    if failure.treatment.counts and job.failures >= allowed:
        return f"It failed {job.failures + 1} times; {allowed} retries were allowed."
    return ""


def _retryable(cause: Cause, job: Job) -> bool:
    asked_for = cause is Cause.TOOL and job.spec.get("max_failures") is not None
    return asked_for or Failure(cause=cause, message="").treatment.retryable


def _ladder(failure: Failure, job: Job) -> Sequence[float]:
    return job.spec.get("delays_s") or failure.treatment.delays_s


def _rung(ladder: Sequence[float], failures: int) -> float:
    return ladder[min(failures, len(ladder) - 1)] if ladder else 0
