"""Gemini's error bodies, both ways: Google's own form with a status by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.translate.dialect import Body

_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}


def read_error(body: Body) -> tuple[str, str]:
    """Give (status name, message) as far as the body has them."""
    error = body.get("error")
    if not isinstance(error, Mapping):
        return "", str(error or body.get("message") or "")
    return str(error.get("status") or error.get("code") or ""), str(error.get("message") or "")


def error_body(status: int, code: str, message: str) -> dict[str, Any]:
    """Word an error; our own code goes as the reason, where Google's clients look for it."""
    name = _STATUSES.get(status, "UNKNOWN")
    told: dict[str, Any] = {"code": status, "message": message, "status": name}
    if code and code != name:
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code.upper()}
        told["details"] = [reason | {"domain": "heliograph"}]
    return {"error": told}
