"""The gate's verbs: begin a review, and carry out what its verdict means for the deliverable.

A review is a job of its own; the maker meanwhile stands as `reviewing`, without slot, session or
directory. When the review comes to rest, however it ends, the maker goes on in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from engine.drafts import Draft
from engine.gates import (
    GATE,
    OPTIONS,
    PROMPT,
    SCHEMA,
    SYSTEM,
    AskOwner,
    Consequence,
    Opinion,
    Rejected,
    SentBack,
    Unverified,
    Verified,
    called,
    follow,
    is_deliverable,
    open_review,
    read_opinion,
    review_inputs,
)
from engine.jobs import Job, JobState, Reason, Result
from engine.records import Call, Review
from engine.rows import replace
from engine.settle import Question, park, succeed
from engine.transitions import Trigger, fire
from store.verbs.decisions import ask
from store.verbs.gate_ends import reject, result_of, send_back
from store.verbs.plant import plant
from store.work import Work

_CALLS = 1000


def wants_review(job: Job) -> bool:
    """Whether a good end of this RUNNING job goes to the gate."""
    return is_deliverable(job) and not job.cancel_requested_at


def begin_review(work: Work, job: Job, result: Result) -> Job:
    """Let the maker stand as reviewing and plant the review."""
    claimed = replace(
        job,
        state=fire(job.state, Trigger.REVIEW),
        reason=Reason.NONE,
        holding=False,
        rounds=job.rounds + 1,
        result=replace(result, claimed=True, verified=None).as_json(),
        error=None,
    )
    review = plant(work, [_review_of(work, job, result)])["review"]
    work.save(
        Review(
            id=f"{job.id}:{job.epoch}",
            job=job.id,
            review=review,
            round=claimed.rounds,
            at=work.moment.steady,
        )
    )
    return work.put(replace(claimed, awaits={"review": review}))


def _review_of(work: Work, job: Job, result: Result) -> Draft:
    spec = {
        "prompt": PROMPT,
        "system": SYSTEM,
        "inputs": review_inputs(job, result),
        "schema": dict(SCHEMA),
        "tier": work.settings.gate.tier,
        "timeout_s": work.settings.gate.timeout_s,
        "avoid": sorted(_families(work, job.id)),
        "review_of": f"{job.id}:{job.epoch}",
    }
    return Draft(
        key="review",
        name=f"review of {called(job)}",
        project=job.project,
        lane=job.lane,
        backend="llm",
        spec=spec,
        source=GATE,
        trust=job.trust,
    )


def take_verdict(work: Work, review: Job) -> None:
    """A review came to rest: let its maker go on."""
    row = work.record(Review, review.spec["review_of"])
    if row is None or row.review != review.id:
        return
    maker = work.jobs([row.job]).get(row.job)
    if maker is None or open_review(maker) != review.id:
        return
    opinion = None
    if review.state is JobState.SUCCEEDED:
        opinion = read_opinion((review.result or {}).get("data"))
    makers, reviewers = _families(work, maker.id), _families(work, review.id)
    consequence = follow(
        opinion,
        makers=makers,
        reviewers=reviewers,
        rounds_left=max(work.settings.gate.rounds - maker.rounds + 1, 0),
        effects_once=maker.spec.get("effects") == "once",
    )
    if opinion is None and review.error:
        consequence = Unverified(str(review.error.get("message", "")))
    seen = replace(row, makers=tuple(sorted(makers)), families=tuple(sorted(reviewers)))
    _record(work, seen, opinion, consequence)
    _carry_out(work, maker, consequence)


def _record(work: Work, row: Review, opinion: Opinion | None, consequence: Consequence) -> None:
    work.save(
        replace(
            row,
            verdict=str(opinion.ruling) if opinion else "",
            reasons=opinion.reasons if opinion else (),
            outcome=type(consequence).__name__.lower(),
            why=consequence.why if isinstance(consequence, Unverified) else "",
            decided_at=work.moment.steady,
        )
    )


def _carry_out(work: Work, maker: Job, consequence: Consequence) -> None:
    result = result_of(maker)
    match consequence:
        case Verified():
            work.put(succeed(maker, replace(result, verified=True), work.moment))
        case Unverified():
            unverified = succeed(maker, result, work.moment)
            work.put(replace(unverified, reason=Reason.UNVERIFIED))
        case SentBack(reasons):
            send_back(work, maker, reasons)
        case Rejected(reasons):
            reject(work, maker, reasons)
        case AskOwner(reasons):
            _ask(work, maker, reasons)
        case _:
            assert_never(consequence)


def _ask(work: Work, maker: Job, reasons: Sequence[str]) -> None:
    told = "\n".join(f"- {reason}" for reason in reasons) or "- no reason was given"
    question = Question(
        kind=GATE,
        text=f"Is this done: {called(maker)}? The reviewer cannot settle it:\n{told}",
        options=OPTIONS,
    )
    waiting = work.put(park(maker, {"decision": ""}, 0))
    ask(work, waiting, question)


def _families(work: Work, job_id: str) -> set[str]:
    """Give the families of the models that answered a job, as the router's ledger told."""
    work.flush()
    calls = work.tables.find(Call, job=job_id, limit=_CALLS)
    return {call.family for call in calls if call.ok and call.family}
