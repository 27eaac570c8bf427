"""How a deliverable leaves the gate unverified: sent back, refused, or by the owner's word.

Who decides so, a reviewer's verdict or the owner's tap, this module does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.failures import Cause, Failure
from engine.gates import REJECT, SEND_BACK
from engine.jobs import Job, JobState, Reason, Result
from engine.rows import replace
from engine.settle import fail, succeed
from engine.transitions import Trigger, fire
from store.verbs import queue
from store.work import Work

_REMEMBERED = 20_000  # characters of a refused result that its next attempt is shown


def send_back(work: Work, maker: Job, reasons: Sequence[str]) -> Job:
    """Back to its queue; the next attempt is told what was wrong with this one."""
    was = result_of(maker).text[:_REMEMBERED]
    given = {"verdict": "fail", "reasons": list(reasons), "round": maker.rounds, "text": was}
    awaits = {**(maker.awaits or {}), "given": given}
    trigger = Trigger.REQUEUE if maker.state is JobState.REVIEWING else Trigger.RESUME
    again = work.put(replace(maker, state=fire(maker.state, trigger), awaits=awaits))
    return queue.reenter(work, again)


def reject(work: Work, maker: Job, reasons: Sequence[str]) -> Job:
    """It is not done, and does not go back again."""
    told = "; ".join(reasons) or "no reason was given"
    failure = Failure(cause=Cause.OPTIMISTIC, message=f"The reviewer says no: {told}.")
    refused = replace(result_of(maker), verified=False)
    return work.put(fail(maker, failure, work.moment, refused))


def settle_by_owner(work: Work, maker: Job, option: str) -> None:
    """Carry out the owner's word on a deliverable that the gate could not settle.

    An accepted one is done because the owner says so; it is not verified.
    """
    reasons = (f"The owner says: {option}.",)
    if option == SEND_BACK:
        send_back(work, replace(maker, awaits=None), reasons)
    elif option == REJECT:
        reject(work, maker, reasons)
    else:
        accepted = succeed(maker, result_of(maker), work.moment)
        work.put(replace(accepted, reason=Reason.ACCEPTED))


def result_of(maker: Job) -> Result:
    """Give what the maker claims, from its row."""
    body: dict[str, Any] = dict(maker.result or {})
    return Result(**(body | {"files": tuple(body.get("files") or ())}))
