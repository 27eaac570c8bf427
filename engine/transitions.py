"""The state machine of a promise: one table, one `fire`.

Two rules. Everything that changes a job's state goes through `fire`. The table knows no reasons
and no counters: what a transition *costs* is decided in `engine.settle`, what it *means* is here.
`docs/state-machine.md` is drawn from this table, and a test keeps it fresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from engine.errors import Conflict
from engine.jobs import JobState as S


class Trigger(StrEnum):
    """What can happen to a promise."""

    DELAY = "delay"
    FREE = "free"
    PARK = "park"
    CLAIM = "claim"
    RETRY = "retry"
    REQUEUE = "requeue"
    AWAIT = "await"
    RESUME = "resume"
    REVIEW = "review"
    SUCCEED = "succeed"
    FAIL = "fail"
    SKIP = "skip"
    CANCEL = "cancel"


T = Trigger

TABLE: Mapping[S, Mapping[Trigger, S]] = {
    S.BLOCKED: {
        T.FREE: S.READY,  # the last parent came to rest, or the directory was released
        T.DELAY: S.DELAYED,  # free, but not before a time
        T.AWAIT: S.WAITING,  # a wait whose parents are at rest: it needs no slot
        T.SUCCEED: S.SUCCEEDED,  # a group resolved
        T.FAIL: S.FAILED,  # a group was rejected, or the job could not be rendered
        T.SKIP: S.SKIPPED,
        T.CANCEL: S.CANCELLED,
    },
    S.DELAYED: {
        T.FREE: S.READY,
        T.CANCEL: S.CANCELLED,
    },
    S.READY: {
        T.CLAIM: S.RUNNING,
        T.PARK: S.BLOCKED,  # its directory or pool is busy: out of the order until released
        T.FAIL: S.FAILED,  # it could not be rendered
        T.CANCEL: S.CANCELLED,
    },
    S.RUNNING: {
        T.SUCCEED: S.SUCCEEDED,
        T.FAIL: S.FAILED,
        T.RETRY: S.DELAYED,
        T.REQUEUE: S.READY,  # lost, drained or pre-empted: no failure of the job
        T.AWAIT: S.WAITING,
        T.REVIEW: S.REVIEWING,
        T.CANCEL: S.CANCELLED,
    },
    S.REVIEWING: {
        T.SUCCEED: S.SUCCEEDED,
        T.FAIL: S.FAILED,
        T.REQUEUE: S.READY,  # back to the maker with the reviewer's reasons
        T.AWAIT: S.WAITING,  # the reviewer is unsure: the owner decides
        T.CANCEL: S.CANCELLED,
    },
    S.WAITING: {
        T.RESUME: S.READY,
        T.SUCCEED: S.SUCCEEDED,
        T.FAIL: S.FAILED,
        T.CANCEL: S.CANCELLED,
    },
    S.SUCCEEDED: {},
    S.FAILED: {},
    S.CANCELLED: {},
    S.SKIPPED: {},
}


def fire(state: S, trigger: Trigger) -> S:
    """Give the state that follows.

    Raises:
        Conflict: the table has no such arrow; nothing has changed.
    """
    following = TABLE[state].get(trigger)
    if following is None:
        raise Conflict(
            f"A {state} job cannot {trigger}.",
            remedy="Look at its state first: helio job show ID",
            state=str(state),
        )
    return following


def diagram() -> str:
    """Draw the table as a mermaid state chart, terminal states last."""
    lines = ["stateDiagram-v2"]
    for state, row in TABLE.items():
        lines += [f"    {state} --> {after}: {trigger}" for trigger, after in row.items()]
        if not row:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"
