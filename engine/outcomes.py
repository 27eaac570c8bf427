"""How an attempt can end: one small sum type, matched in `engine.settle` and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.failures import Cause, Failure
from engine.jobs import Result


@dataclass(frozen=True, slots=True)
class Done:
    """The attempt ended well."""

    result: Result
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt ended badly; `result` is what there was of output."""

    failure: Failure
    result: Result | None = None
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The keeper reports that the whole process tree is gone after a cancel."""


@dataclass(frozen=True, slots=True)
class Preempted:
    """The attempt made room for more urgent work; the tree is gone."""


@dataclass(frozen=True, slots=True)
class Drained:
    """The house shut down in good order; the tree is gone."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker died. `counts` is false when the whole house went down with it."""

    counts: bool
    message: str = "The worker died."


@dataclass(frozen=True, slots=True)
class NeedsSignal:
    """The attempt parked itself until a signal comes; no process is left."""

    name: str
    deadline_at: int = 0


@dataclass(frozen=True, slots=True)
class NeedsOwner:
    """The attempt parked itself with a question; no process is left."""

    question: str
    options: tuple[str, ...]
    default: str = ""
    deadline_at: int = 0
    effect_hash: str = ""


Outcome = Done | Failed | Cancelled | Preempted | Drained | Lost | NeedsSignal | NeedsOwner

_TAGS: dict[str, type] = {
    kind.__name__.lower(): kind
    for kind in (Done, Failed, Cancelled, Preempted, Drained, Lost, NeedsSignal, NeedsOwner)
}


def tag(outcome: Outcome) -> str:
    """Give the outcome's name as it stands in the attempt's row and on the wire."""
    return type(outcome).__name__.lower()


def to_wire(outcome: Outcome) -> dict[str, Any]:
    """Encode an outcome as a JSON object; `from_wire` is its inverse."""
    body: dict[str, Any] = {"outcome": tag(outcome)}
    match outcome:
        case Done(result, cost):
            body |= {"result": result.as_json(), "cost_usd": cost}
        case Failed(failure, result, cost):
            body |= {
                "cause": str(failure.cause),
                "message": failure.message,
                "retry_at": failure.retry_at,
                "remedy": failure.remedy,
                "result": result.as_json() if result else None,
                "cost_usd": cost,
            }
        case Lost(counts, message):
            body |= {"counts": counts, "message": message}
        case NeedsSignal(name, deadline_at):
            body |= {"name": name, "deadline_at": deadline_at}
        case NeedsOwner():
            body |= {
                "question": outcome.question,
                "options": list(outcome.options),
                "default": outcome.default,
                "deadline_at": outcome.deadline_at,
                "effect_hash": outcome.effect_hash,
            }
        case Cancelled() | Preempted() | Drained():
            pass
    return body


def result_from_json(body: dict[str, Any]) -> Result:
    """Rebuild a result from the row or the wire."""
    return Result(**(body | {"files": tuple(body.get("files") or ())}))


def from_wire(body: dict[str, Any]) -> Outcome:
    """Decode what `to_wire` made."""
    fields = {key: value for key, value in body.items() if key != "outcome"}
    kind = _TAGS[body["outcome"]]
    if fields.get("result") is not None:
        fields["result"] = result_from_json(fields["result"])
    if kind is Failed:
        failure = Failure(
            cause=Cause(fields["cause"]),
            message=fields["message"],
            retry_at=fields["retry_at"],
            remedy=fields.get("remedy", ""),
        )
        return Failed(failure, fields["result"], fields["cost_usd"])
    if kind is NeedsOwner:
        fields["options"] = tuple(fields["options"])
    outcome: Outcome = kind(**fields)
    return outcome
