"""What a refusal of the gateway means for a job: one pure function to a failure.

A limit or a budget with a known end delays the job until then and counts as no failure of it.
What the owner must mend first (no provider, no such model, a budget of the job's own that is
spent) ends it with the sentence that says how. A provider's trouble is tried again later.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.failures import Cause, Failure
from engine.moments import US_PER_S

ERROR_HEADER = "x-helio-error"  # the gateway's code, whatever the dialect of the body
REMEDY_HEADER = "x-helio-remedy"
UNTIL_HEADER = "x-helio-until"  # microseconds, UTC; absent where no time is known
HALTED = "halted"
UNFIT = "no_fitting_model"
_BUDGET = "budget_exceeded"
_TO_MEND = frozenset({"nothing_configured", "model_not_found", UNFIT})
_REFUSED_CONTENT = frozenset({"content_policy"})
_TOO_MANY = 429
_BAD_REQUESTS = (400, 413, 422)
_REMEDY_OF_BUDGET = (
    "Raise it under [budgets] in config.toml, or the job's own with budget_usd, and run it again: "
    "helio job retry"
)


def failure_of(status: int, headers: Mapping[str, str], message: str, now: int) -> Failure:
    """Judge an answer that is none. `headers` are lower-cased, `now` is wall time."""
    code = headers.get(ERROR_HEADER, "")
    sentence, remedy = _apart(message, headers.get(REMEDY_HEADER, ""))
    if code == _BUDGET:
        return _over_budget(sentence, _until(headers, now, guess=False))
    if status == _TOO_MANY:
        until = _until(headers, now, guess=True)
        return Failure(cause=Cause.RATE_LIMIT, message=sentence, retry_at=until)
    if code in _TO_MEND or status == 404:
        return Failure(cause=Cause.DEPENDENCY, message=sentence, remedy=remedy)
    if code in _REFUSED_CONTENT or status in _BAD_REQUESTS:
        return Failure(
            cause=Cause.TOOL, message=sentence, remedy="Change the prompt or the model; then retry."
        )
    return Failure(cause=Cause.OTHER, message=sentence, remedy=remedy)


def refused_content(model: str) -> Failure:
    """Give the failure of an answer that the model declined to give."""
    return Failure(
        cause=Cause.TOOL,
        message=f"The model {model or 'that was asked'} declines to answer this.",
        remedy="Change the prompt, or name another model.",
    )


def _over_budget(message: str, until: int | None) -> Failure:
    if until is None:
        return Failure(cause=Cause.DEPENDENCY, message=message, remedy=_REMEDY_OF_BUDGET)
    return Failure(cause=Cause.BUDGET, message=message, retry_at=until)


def _until(headers: Mapping[str, str], now: int, *, guess: bool) -> int | None:
    """Give when it may be tried again; a guess goes by the seconds that every client is told."""
    exact, seconds = headers.get(UNTIL_HEADER, ""), headers.get("retry-after", "")
    if exact.isdecimal() and int(exact) > 0:
        return int(exact)
    if guess and seconds.isdecimal():
        return now + int(seconds) * US_PER_S
    return None


def _apart(message: str, remedy: str) -> tuple[str, str]:
    """Part the gateway's sentence from its remedy, with which its text ends."""
    if remedy and message.endswith(remedy):
        return message.removesuffix(remedy).rstrip(), remedy
    return message, ""
