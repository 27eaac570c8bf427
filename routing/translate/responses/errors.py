"""OpenAI's error bodies, both ways, and what a failure inside a stream is called there.

The names inside a stream are those that the official client and Codex act upon: Codex waits
after a rate limit, gives up over a quota, and shortens the conversation when it is too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.faults import FaultKind
from routing.translate.dialect import Body

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}
_IN_STREAM: Mapping[FaultKind, str] = {
    FaultKind.RATE_LIMIT: "rate_limit_exceeded",
    FaultKind.QUOTA: "insufficient_quota",
    FaultKind.OVERLOADED: "server_is_overloaded",
    FaultKind.CONTEXT: "context_length_exceeded",
    FaultKind.REFUSED: "invalid_prompt",
    FaultKind.CONTENT: "invalid_prompt",
}


def read_error(body: Body) -> tuple[str, str]:
    """Give (code, message) as far as the body has them."""
    error = body.get("error")
    if not isinstance(error, Mapping):
        return "", str(error or body.get("message") or body.get("detail") or "")
    return str(error.get("code") or error.get("type") or ""), str(error.get("message") or "")


def error_body(status: int, code: str, message: str) -> dict[str, Any]:
    """Word an error as OpenAI's clients understand it."""
    usual = "server_error" if status >= 500 else "invalid_request_error"
    kind = _TYPES.get(status, usual)
    return {"error": {"message": message, "type": kind, "param": None, "code": code or None}}


def code_in_stream(kind: FaultKind) -> str:
    """Give the code of a failure that ends a stream."""
    return _IN_STREAM.get(kind, "server_error")
