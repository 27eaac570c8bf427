"""How a request that gets no answer is told so: status, code, sentence and headers, by cause.

The shape of the body is the dialect's (`write_error`); a provider's own words pass through where
client and provider speak the same one. Nothing here opens a socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.gateway.headers import safe
from engine.errors import HelioError
from engine.moments import US_PER_S
from routing.conversation import Dialect
from routing.faults import Fault, FaultKind
from routing.requests import Refusal, RefusalKind, SkipReason
from routing.translate.dialects import DIALECTS

NO_RETRY = {"x-should-retry": "false"}
_CLIENT_ERRORS = range(400, 500)

_REFUSED: Mapping[RefusalKind, tuple[int, str]] = {
    RefusalKind.CLOSED: (429, "rate_limit_exceeded"),
    RefusalKind.BUDGET: (429, "budget_exceeded"),
    RefusalKind.UNKNOWN_MODEL: (404, "model_not_found"),
    RefusalKind.NOTHING_CONFIGURED: (503, "nothing_configured"),
    RefusalKind.UNFIT: (400, "no_fitting_model"),
    RefusalKind.FAILED: (502, "all_failed"),
}
# A provider's failure as its client sees it, when nobody else could be asked. A wrong key of ours
# or a model that a provider does not have is no fault of the client's.
_FAULTS: Mapping[FaultKind, tuple[int, str]] = {
    FaultKind.RATE_LIMIT: (429, "rate_limit_exceeded"),
    FaultKind.QUOTA: (429, "rate_limit_exceeded"),
    FaultKind.OVERLOADED: (503, "overloaded"),
    FaultKind.SERVER: (502, "provider_failed"),
    FaultKind.CONNECT: (502, "provider_unreachable"),
    FaultKind.TIMEOUT: (504, "provider_silent"),
    FaultKind.CUT: (502, "provider_failed"),
    FaultKind.MALFORMED: (502, "provider_failed"),
    FaultKind.AUTH: (502, "provider_refused_key"),
    FaultKind.NOT_FOUND: (502, "provider_lacks_model"),
    FaultKind.CONTEXT: (400, "context_length_exceeded"),
    FaultKind.REFUSED: (400, "invalid_request"),
    FaultKind.CONTENT: (400, "content_policy"),
    FaultKind.CANCELLED: (499, "cancelled"),
}
_THE_CLIENTS = frozenset({FaultKind.CONTEXT, FaultKind.REFUSED, FaultKind.CONTENT})


class GaveUp(Exception):
    """A request ends without an answer. `spoken` is the dialect of the fault's provider."""

    def __init__(
        self,
        refusal: Refusal | None,
        fault: Fault | None,
        headers: Mapping[str, str],
        spoken: Dialect | None = None,
    ) -> None:
        super().__init__(refusal.message if refusal else str(fault))
        self.refusal = refusal
        self.fault = fault
        self.headers = headers
        self.spoken = spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An error, ready to be worded; a `body` is a provider's own."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    def worded(self, dialect: Dialect) -> Mapping[str, Any]:
        """Give the body for a client of this dialect."""
        if self.body is not None:
            return self.body
        return DIALECTS[dialect].write_error(self.status, self.code, self.message)


def of_error(error: HelioError) -> Reply:
    """Tell of a flaw of the request, or that the house is halted."""
    code = error.slug.replace("-", "_")
    headers = _head(code, error.remedy)
    if "allow" in error.facts:
        headers["allow"] = str(error.facts["allow"])
    return Reply(
        status=error.status,
        code=code,
        message=_sentences(error.detail, error.remedy),
        headers=headers,
    )


def of_surprise() -> Reply:
    """Tell of a bug of ours, without its words: they may hold anything."""
    return Reply(
        status=500,
        code="internal_error",
        message="The gateway made a mistake; its log says which.",
        headers=_head("internal_error"),
    )


def of_giving_up(gave: GaveUp, dialect: Dialect, now: int) -> Reply:
    """Tell why nobody answered."""
    refusal, fault = gave.refusal, gave.fault
    if fault is not None and (refusal is None or _is_too_long(refusal, fault)):
        return _of_fault(fault, gave, own=gave.spoken is dialect)
    assert refusal is not None
    status, code = _REFUSED[refusal.kind]
    message = _sentences(refusal.message, refusal.remedy)
    if refusal.kind is RefusalKind.FAILED and fault is not None:
        status, code = _FAULTS[fault.kind]
        message = _sentences(f"{refusal.message}{_last_words(fault)}", refusal.remedy)
    elif _fits_nowhere(refusal):
        status, code = _FAULTS[FaultKind.CONTEXT]
        message = f"prompt is too long: {message}"  # agents know these words, and compact
    headers = {**gave.headers, **_head(code, refusal.remedy)}
    if refusal.until:
        headers["x-helio-until"] = str(refusal.until)
    if status == 429 or (status == 503 and refusal.until):
        headers["retry-after"] = str(retry_after_s(refusal.until, now))
    return Reply(status=status, code=code, message=message, headers=headers)


def retry_after_s(until: int, now: int) -> int:
    """Give whole seconds until a time, rounded up, and at least one."""
    return max(-(-(until - now) // US_PER_S), 1)


def _last_words(fault: Fault) -> str:
    """Quote the last provider. What one says of a key is not for the key's users."""
    return "" if fault.kind is FaultKind.AUTH else f' The last one said: "{fault.message[:500]}".'


def _is_too_long(refusal: Refusal, fault: Fault) -> bool:
    """Whether a shorter prompt is all that helps; where a larger model is closed, waiting does."""
    final = refusal.kind in (RefusalKind.FAILED, RefusalKind.UNFIT)
    return final and fault.kind is FaultKind.CONTEXT


def _fits_nowhere(refusal: Refusal) -> bool:
    reasons = {skip.reason for skip in refusal.skips}
    return refusal.kind is RefusalKind.UNFIT and SkipReason.CONTEXT_TOO_SMALL in reasons


def _of_fault(fault: Fault, gave: GaveUp, *, own: bool) -> Reply:
    """Tell the client of its own mistake, in the provider's words if it understands them."""
    status, code = _FAULTS[fault.kind]
    if fault.kind in _THE_CLIENTS and fault.status in _CLIENT_ERRORS:
        status = fault.status
    body = fault.body if own and "error" in fault.body and fault.kind in _THE_CLIENTS else None
    headers = {**gave.headers, **_head(code)}
    return Reply(status=status, code=code, message=fault.message, headers=headers, body=body)


def _head(code: str, remedy: str = "") -> dict[str, str]:
    """Say what went wrong by a name that is the same in every dialect, and that it stays so.

    The remedy, with which the body's sentence ends, is told by itself too.
    """
    told = {"x-helio-remedy": safe(remedy)} if remedy else {}
    return {"x-helio-error": code, **told, **NO_RETRY}


def _sentences(message: str, remedy: str) -> str:
    return f"{message} {remedy}".strip()
