"""The failure taxonomy: why something failed, whether to try again, and what to do about it.

A cause decides everything that follows: whether it is the platform's or the tool's fault,
whether a retry can help, whether it counts against the job's attempts, how long to wait, and the
one sentence that the owner reads. Retrying without a cause is how other systems spend a night
and a budget on a typing error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_MINUTE_S = 60
LADDER_S = (2 * _MINUTE_S, 10 * _MINUTE_S, 30 * _MINUTE_S)


class Cause(StrEnum):
    """The classes of failure that we can tell apart."""

    CONTEXT_LOSS = "context_loss"
    RATE_LIMIT = "rate_limit"
    BUDGET = "budget"
    OPTIMISTIC = "optimistic_completion"
    STUCK = "stuck"
    MALFORMED = "malformed_output"
    DEPENDENCY = "dependency"
    PERMISSION = "permission"
    POISON = "poison"
    LOST = "lost"
    TOOL = "tool"
    OTHER = "other"


class Side(StrEnum):
    """Whose fault: the house and its providers, or the tool and its task."""

    PLATFORM = "platform"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What the engine does about a cause.

    `delays_s` is the wait before the first, second, ... retry (the last one repeats); it is used
    where the failure itself names no better time. `counts` says whether it uses up an attempt.
    """

    side: Side
    retryable: bool
    counts: bool
    delays_s: tuple[int, ...]
    remedy: str


TREATMENTS: Mapping[Cause, Treatment] = {
    Cause.CONTEXT_LOSS: Treatment(
        Side.PLATFORM, True, True, (0, *LADDER_S),
        "The session starts afresh from its checkpoint in the same directory.",
    ),
    Cause.RATE_LIMIT: Treatment(
        Side.PLATFORM, True, False, LADDER_S,
        "Nothing to do: the job goes on when the provider's limit resets.",
    ),
    Cause.BUDGET: Treatment(
        Side.PLATFORM, True, False, LADDER_S,
        "The job goes on when the budget renews; to go on now, raise it under [budgets].",
    ),
    Cause.OPTIMISTIC: Treatment(
        Side.TOOL, True, True, (0, *LADDER_S),
        "The reviewer's reasons go back to the maker; read the verdict in `helio job show`.",
    ),
    Cause.STUCK: Treatment(
        Side.TOOL, True, True, LADDER_S,
        "It made no progress. Raise timeout or silence if the work is honestly that slow.",
    ),
    Cause.MALFORMED: Treatment(
        Side.TOOL, True, True, (0, *LADDER_S),
        "The output did not have the promised shape; see the log for what came instead.",
    ),
    Cause.DEPENDENCY: Treatment(
        Side.TOOL, False, True, (),
        "Something the command needs is missing (program, file, package): provide it, retry.",
    ),
    Cause.PERMISSION: Treatment(
        Side.TOOL, False, True, (),
        "The system refused access: grant it, or run the job where it has it, then retry.",
    ),
    Cause.POISON: Treatment(
        Side.TOOL, False, True, (),
        "The job killed its worker each time and is quarantined: read its last log before retry.",
    ),
    Cause.LOST: Treatment(
        Side.PLATFORM, True, False, (0,),
        "Its worker died; the job starts again by itself.",
    ),
    Cause.TOOL: Treatment(
        Side.TOOL, False, True, LADDER_S,
        "The command itself failed: read `helio job logs`, mend it, then `helio job retry`.",
    ),
    Cause.OTHER: Treatment(
        Side.PLATFORM, True, True, LADDER_S,
        "An unclassified failure: the log has the details.",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure, told so that both the engine and a person can act on it.

    `retry_at` (microseconds, UTC) is set where the failure itself knows when it ends, `remedy`
    where it knows better what to do than its cause does.
    """

    cause: Cause
    message: str
    retry_at: int | None = None
    remedy: str = ""

    @property
    def treatment(self) -> Treatment:
        """What the taxonomy says about this cause."""
        return TREATMENTS[self.cause]

    def as_json(self) -> dict[str, Any]:
        """Give the JSON object kept in the row."""
        treatment = self.treatment
        return {
            "cause": str(self.cause),
            "side": str(treatment.side),
            "message": self.message,
            "retryable": treatment.retryable,
            "remedy": self.remedy or treatment.remedy,
        }
