"""Questions to the owner: asked once, answered once, from anywhere, or by their deadline."""

from __future__ import annotations

from engine.errors import BadInput, Conflict, NotFound
from engine.events import EventKind
from engine.failures import Cause, Failure
from engine.gates import GATE
from engine.jobs import Job, JobKind, JobState, Reason, Result
from engine.records import Decision
from engine.rows import replace
from engine.settle import MARK_DONE, MARK_FAILED, RUN_AGAIN, Question, fail, succeed
from engine.transitions import Trigger
from store.verbs import queue
from store.verbs.gate_ends import settle_by_owner
from store.work import Work

DEADLINE = "deadline"


def ask(work: Work, job: Job, question: Question) -> Job:
    """Open a decision for a WAITING job and bind the job to it."""
    decision = Decision(
        id=work.mint.mint(work.moment.steady),
        job=job.id,
        kind=question.kind,
        question=question.text,
        options=question.options,
        effect_hash=question.effect_hash,
        deadline_at=question.deadline_at,
        default=question.default,
        created_at=work.moment.steady,
    )
    work.save(decision)
    work.tell(
        EventKind.DECISION_ASKED,
        decision.id,
        job.project,
        job=job.id,
        question=decision.question,
        options=list(decision.options),
        deadline_at=decision.deadline_at,
    )
    return work.put(replace(job, awaits={"decision": decision.id}))


def answer(
    work: Work, decision_id: str, option: str, *, version: int | None = None, by: str = "owner"
) -> Decision:
    """Record the owner's answer and let the job go on.

    Raises:
        NotFound: there is no such decision.
        BadInput: that is not one of its options.
        Conflict: it was answered before, has expired, or has changed since it was read.
    """
    decision = _open_decision(work, decision_id, version)
    if decision.options and option not in decision.options:
        raise BadInput(
            f"{option!r} is not an option of this decision.",
            remedy=f"Choose one of: {', '.join(decision.options)}.",
        )
    return _close(work, decision, option, by, EventKind.DECISION_ANSWERED)


def _open_decision(work: Work, decision_id: str, version: int | None) -> Decision:
    decision = work.record(Decision, decision_id)
    if decision is None:
        raise NotFound(
            f"There is no decision {decision_id}.", remedy="List them: helio decision list"
        )
    if decision.state != "open":
        raise Conflict(
            f"This decision is already {decision.state}"
            + (f": {decision.answer!r} by {decision.answered_by}." if decision.answer else "."),
            remedy="Nothing more to do; see what it led to: helio job show " + decision.job,
            state=decision.state,
            answer=decision.answer,
            answered_at=decision.answered_at,
        )
    if version is not None and version != decision.version:
        raise Conflict(
            f"The decision is at version {decision.version}, you answered version {version}.",
            remedy="Read it again: helio decision show " + decision.id,
        )
    return decision


def _close(work: Work, decision: Decision, option: str, by: str, kind: EventKind) -> Decision:
    closed = replace(
        decision,
        state="answered" if kind is EventKind.DECISION_ANSWERED else "expired",
        version=decision.version + 1,
        answer=option,
        answered_by=by,
        answered_at=work.moment.steady,
    )
    work.save(closed)
    job = work.job(decision.job)
    work.tell(kind, decision.id, job.project, job=job.id, answer=option, by=by)
    if job.state is JobState.WAITING and option:
        _apply(work, job, closed, option)
    return closed


def _apply(work: Work, job: Job, decision: Decision, option: str) -> None:
    if decision.kind == "uncertain" and option == MARK_DONE:
        result = Result(text="Marked as done by the owner.", exited=False, claimed=True)
        work.put(succeed(job, result, work.moment))
    elif decision.kind == "uncertain" and option == MARK_FAILED:
        failure = Failure(cause=Cause.LOST, message="Marked as failed by the owner.")
        work.put(fail(job, failure, work.moment))
    elif decision.kind == GATE:
        settle_by_owner(work, job, option)
    elif decision.kind == "uncertain" and option == RUN_AGAIN:
        queue.enqueue(work, replace(job, awaits=None, holding=False), Trigger.RESUME)
    else:
        resume(work, job, {"decision": decision.id, "given": option})


def resume(work: Work, job: Job, given: dict[str, object]) -> Job:
    """Give a WAITING promise what it waited for: a wait succeeds, a job goes on.

    A job that kept its directory keeps it until it runs again, so nobody slips in between.
    """
    freed = replace(job, awaits=given)
    if job.kind is JobKind.WAIT:
        value = given["given"]
        text = value if isinstance(value, str) else ""
        return work.put(succeed(freed, Result(text=text, data=value, exited=False), work.moment))
    return queue.enqueue(work, freed, Trigger.RESUME)


def expire(work: Work, job: Job) -> None:
    """The deadline of a WAITING promise has passed: apply the default, or fail."""
    decision = work.record(Decision, (job.awaits or {}).get("decision", ""))
    default = decision.default if decision else (job.spec.get("wait") or {}).get("default", "")
    if decision is not None and decision.state == "open":
        _close(work, decision, default, DEADLINE, EventKind.DECISION_EXPIRED)
    elif default:
        resume(work, job, {"given": default})
    if work.job(job.id).state is JobState.WAITING:
        work.put(fail(job, _unanswered(job), work.moment))


def _unanswered(job: Job) -> Failure:
    signal = (job.awaits or {}).get("signal")
    return Failure(
        cause=Cause.DEPENDENCY,
        message=f"The signal {signal} did not come before the deadline."
        if signal
        else "Nobody answered before the deadline, and there is no default.",
        remedy="Wait for it anew: `helio job retry`.",
    )


def withdraw_decisions(work: Work, job: Job) -> None:
    """Close the open decision of a job that no longer needs it."""
    if job.reason is not Reason.DECISION or not job.awaits:
        return
    decision = work.record(Decision, job.awaits.get("decision"))
    if decision is not None and decision.state == "open":
        work.save(replace(decision, state="withdrawn", version=decision.version + 1))
