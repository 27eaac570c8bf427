"""What an attempt's end makes of its job: (job, outcome, moment) in, the job's new row out.

A cancel that was asked for wins over every outcome: after its acknowledgement no later result is
accepted. A crash is never a failure of the job (`reclaims` counts it), and a job that declared
`effects: once` is never repeated in silence: the owner is asked what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, assert_never

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
    Outcome,
    Preempted,
)
from engine.retry import GiveUp, Retry, next_try
from engine.rows import replace
from engine.settings import RetrySettings
from engine.transitions import Trigger, fire

RUN_AGAIN, MARK_DONE, MARK_FAILED = "run again", "mark done", "mark failed"
UNCERTAIN = (RUN_AGAIN, MARK_DONE, MARK_FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the owner must be asked; the caller turns it into a decision row."""

    kind: str
    text: str
    options: tuple[str, ...]
    default: str = ""
    deadline_at: int = 0
    effect_hash: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The job as it shall stand. `requeue`: it must enter its queue again; `ask`: and a card."""

    job: Job
    requeue: bool = False
    ask: Question | None = None


def settle(  # noqa: PLR0911  (one arm an outcome)
    job: Job, outcome: Outcome, moment: Moment, rng: Random, settings: RetrySettings
) -> Settlement:
    """Decide what a RUNNING job becomes."""
    freed = replace(job, holding=False, cost_usd=job.cost_usd + _cost(outcome))
    if job.cancel_requested_at or isinstance(outcome, Cancelled):
        lost = job.reason is Reason.RACE_LOST
        reason = Reason.RACE_LOST if lost else Reason.OWNER
        return Settlement(end(freed, Trigger.CANCEL, moment, reason=reason))
    match outcome:
        case Done(result):
            return Settlement(succeed(freed, result, moment))
        case Failed(failure, result):
            return _failed(freed, failure, result, moment, rng, settings)
        case Lost(counts, message):
            return _lost(freed, moment, settings, counts=counts, message=message)
        case Preempted():
            return _interrupted(freed, moment, Reason.PREEMPTED)
        case Drained():
            return _interrupted(freed, moment, Reason.DRAINED)
        case NeedsSignal(name, deadline_at):
            return Settlement(park(freed, {"signal": name}, deadline_at))
        case NeedsOwner():
            return _ask(
                freed,
                Question(
                    kind="question",
                    text=outcome.question,
                    options=outcome.options,
                    default=outcome.default,
                    deadline_at=outcome.deadline_at,
                    effect_hash=outcome.effect_hash,
                ),
            )
        case _:
            assert_never(outcome)


def succeed(job: Job, result: Result, moment: Moment) -> Job:
    """Give the job as succeeded with this result."""
    return replace(
        end(job, Trigger.SUCCEED, moment, reason=Reason.NONE), result=result.as_json(), error=None
    )


def fail(job: Job, failure: Failure, moment: Moment, result: Result | None = None) -> Job:
    """Give the job as failed for good."""
    return replace(
        end(job, Trigger.FAIL, moment, reason=Reason.NONE),
        error=failure.as_json(),
        result=result.as_json() if result else job.result,
    )


def end(job: Job, trigger: Trigger, moment: Moment, *, reason: Reason) -> Job:
    """Give the job in the terminal state that the trigger leads to."""
    return replace(
        job,
        state=fire(job.state, trigger),
        reason=reason,
        holding=False,
        run_at=0,
        finished_at=moment.steady,
    )


def park(job: Job, awaits: Mapping[str, Any], deadline_at: int) -> Job:
    """Give the job as waiting; it keeps its directory only if it was submitted with `hold`."""
    reason = Reason.SIGNAL if "signal" in awaits else Reason.DECISION
    return replace(
        job,
        state=fire(job.state, Trigger.AWAIT),
        reason=reason,
        run_at=deadline_at,
        awaits=awaits,
        holding=bool(job.spec.get("hold")) and job.state is JobState.RUNNING,
    )


def requeue(job: Job, reason: Reason) -> Settlement:
    """Send the job back to its queue without counting a failure."""
    again = replace(job, state=fire(job.state, Trigger.REQUEUE), reason=reason)
    return Settlement(again, requeue=True)


def _cost(outcome: Outcome) -> float:
    return outcome.cost_usd if isinstance(outcome, Done | Failed) else 0.0


def _failed(
    job: Job,
    failure: Failure,
    result: Result | None,
    moment: Moment,
    rng: Random,
    settings: RetrySettings,
) -> Settlement:
    known_end = failure.retry_at is not None  # told by a provider, who lives on wall time
    now_us = moment.wall if known_end else moment.steady
    match next_try(failure, job, now_us, rng, settings):
        case GiveUp():
            return Settlement(fail(job, failure, moment, result))
        case Retry(at_us):
            return Settlement(
                replace(
                    job,
                    state=fire(job.state, Trigger.RETRY),
                    reason=_why_delayed(failure),
                    run_at=at_us,
                    failures=job.failures + failure.treatment.counts,
                    error=failure.as_json(),
                )
            )


def _why_delayed(failure: Failure) -> Reason:
    """The reason decides on which clock the delay lives; see `freed_by_time`."""
    if failure.retry_at is None:
        return Reason.BACKOFF
    return Reason.BUDGET if failure.cause is Cause.BUDGET else Reason.RATE_LIMIT


def _lost(
    job: Job, moment: Moment, settings: RetrySettings, *, counts: bool, message: str
) -> Settlement:
    counted = replace(job, reclaims=job.reclaims + counts)
    if job.spec.get("effects") == "once":
        return _uncertain(counted, message)
    if counts and counted.reclaims >= settings.poison_reclaims:
        failure = Failure(
            cause=Cause.POISON, message=f"{message} That was worker number {counted.reclaims}."
        )
        return Settlement(fail(counted, failure, moment))
    return requeue(counted, Reason.LOST)


def _interrupted(job: Job, moment: Moment, reason: Reason) -> Settlement:
    if job.spec.get("effects") == "once":
        return _uncertain(job, f"It was stopped in mid-run ({reason}, at {moment.steady}).")
    return requeue(job, reason)


def _uncertain(job: Job, message: str) -> Settlement:
    text = (
        f"{message} This job declared that its effects must happen once, and nobody can say "
        "whether they did. What shall become of it?"
    )
    return _ask(job, Question(kind="uncertain", text=text, options=UNCERTAIN))


def _ask(job: Job, question: Question) -> Settlement:
    return Settlement(park(job, {"decision": ""}, question.deadline_at), ask=question)


def freed_by_time(job: Job, moment: Moment) -> bool:
    """Whether a DELAYED or WAITING job's time has come, on the clock that its reason lives on."""
    on_steady = job.state is JobState.DELAYED and job.reason is Reason.BACKOFF
    return 0 < job.run_at <= (moment.steady if on_steady else moment.wall)


def deadline(moment: Moment, seconds: float | None) -> int:
    """Give the wall time that lies `seconds` ahead; 0 where there is no deadline."""
    return moment.wall + us(seconds) if seconds else 0
