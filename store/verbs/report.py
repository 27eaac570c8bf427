"""Take what sessions report. A report of another epoch than the current one falls on the floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.failures import Cause, Side
from engine.jobs import Job, JobState, Reason
from engine.messages import Report, ReportKind
from engine.moments import us
from engine.outcomes import Cancelled, Done, Outcome, from_wire, tag
from engine.pools import SHARED, backend_of
from engine.records import Artefact, Attempt, Worker
from engine.rows import replace
from engine.settle import settle
from engine.transitions import Trigger, fire
from store.verbs import queue
from store.verbs.advance import advance
from store.verbs.decisions import ask
from store.verbs.gate import begin_review, wants_review
from store.verbs.turns import keep_turns
from store.verbs.waits import wait_for_signal
from store.work import Work

_SOONEST_S, _LATEST_S = 0.5, 30.0  # between two offers of an order
REFUSED = "refused"  # an attempt's outcome when its session would not take the order


def take_reports(work: Work, reports: Sequence[Report]) -> int:
    """Apply reports in their order; give how many were stale and dropped."""
    known = work.jobs(report.job for report in reports)
    work.expect(Worker, (job.owner for job in known.values()))
    stale = 0
    for report in reports:
        job = work.jobs([report.job]).get(report.job)
        if job is None or job.state is not JobState.RUNNING or job.epoch != report.epoch:
            stale += 1
            continue
        match report.kind:
            case ReportKind.OUTCOME:
                body = dict(report.data)
                incarnation = str(body.pop("incarnation", ""))
                _keep_artefacts(work, job, body.pop("artefacts", ()))
                keep_turns(work, job, body.pop("turns", ()))
                _end(work, job, from_wire(body), incarnation)
            case ReportKind.STARTED | ReportKind.PROGRESS:
                if report.at > job.progress_at:
                    work.put(replace(job, progress_at=report.at))
    advance(work)
    return stale


def _keep_artefacts(work: Work, job: Job, artefacts: Sequence[Mapping[str, Any]]) -> None:
    for kept in artefacts:
        row = Artefact(id=f"{job.id}:{kept['name']}", job=job.id, **kept)
        work.save(replace(row, created_at=work.moment.steady))


def finish(work: Work, job: Job, outcome: Outcome) -> Job:
    """Settle a RUNNING job and carry what follows from it to everything that waits for it."""
    _end(work, job, outcome)
    advance(work)
    return work.job(job.id)


def _end(work: Work, job: Job, outcome: Outcome, incarnation: str = "") -> None:
    cost_usd = getattr(outcome, "cost_usd", 0.0)
    _close_attempt(work, job, tag(outcome), incarnation=incarnation, cost_usd=cost_usd)
    if isinstance(outcome, Done) and wants_review(job):
        begin_review(work, replace(job, cost_usd=job.cost_usd + cost_usd), outcome.result)
        return
    settlement = settle(job, outcome, work.moment, work.rng, work.settings.retry)
    after = settlement.job  # what it was given in a wait stays: the next attempt must know it too
    if settlement.requeue:
        work.put(after)
        after = queue.reenter(work, after)
    else:
        after = work.put(after)
    if settlement.ask is not None:
        ask(work, after, settlement.ask)
    elif after.state is JobState.WAITING and after.reason is Reason.SIGNAL:
        wait_for_signal(work, after)


def postpone(work: Work, job: Job, why: str) -> Job:
    """Take back an order that its session refused: it never ran, so nothing is counted.

    It is offered again after a tenth of the time for which it has been offered so far.
    """
    if job.cancel_requested_at:
        return finish(work, job, Cancelled())
    _close_attempt(work, job, REFUSED)
    waited_us = (work.moment.steady - job.started_at) // 10
    delay_us = min(max(waited_us, us(_SOONEST_S)), us(_LATEST_S))
    told = {
        "cause": str(Cause.LOST),
        "side": str(Side.PLATFORM),
        "message": f"{job.owner} does not take it: {why}.",
        "retryable": True,
        "remedy": "It is offered again by itself; `helio doctor` looks at the house.",
    }
    work.put(
        replace(
            job,
            state=fire(job.state, Trigger.RETRY),
            reason=Reason.BACKOFF,
            run_at=work.moment.steady + delay_us,
            holding=False,
            error=told,
        )
    )
    advance(work)
    return work.job(job.id)


def _close_attempt(
    work: Work, job: Job, outcome: str, *, incarnation: str = "", cost_usd: float = 0.0
) -> None:
    work.save(
        Attempt(
            id=f"{job.id}:{job.epoch}",
            job=job.id,
            epoch=job.epoch,
            session=job.owner,
            incarnation=incarnation,
            started_at=_began_at(work, job),
            ended_at=work.moment.steady,
            outcome=outcome,
            log=f"jobs/{job.id}/{job.epoch}.log",
            cost_usd=cost_usd,
        )
    )
    owner = work.record(Worker, job.owner)
    if owner is not None and owner.state == "running" and not _has_others(work, job):
        work.save(replace(owner, state="idle", used_at=work.moment.steady))


def _has_others(work: Work, job: Job) -> bool:
    """Whether the session does other jobs besides this one, as a pool session of a model may."""
    return backend_of(job.owner) in SHARED and any(
        other.owner == job.owner and other.state is JobState.RUNNING and other.id != job.id
        for other in work.holding()
    )


def _began_at(work: Work, job: Job) -> int:
    """When the current attempt began; the row of a first attempt need not be read for that."""
    if job.epoch == 1:
        return job.started_at
    row = work.record(Attempt, f"{job.id}:{job.epoch}")
    return row.started_at if row else job.started_at
