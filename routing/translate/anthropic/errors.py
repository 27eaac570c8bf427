"""Errors in Anthropic's dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.translate.dialect import Body

_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def read_error(body: Body) -> tuple[str, str]:
    """Give (code, message) of an error body, as far as it has them."""
    error = body.get("error")
    if isinstance(error, str):
        return "", error
    told = error if isinstance(error, Mapping) else body
    code = told.get("type") or told.get("code") or ""
    message = told.get("message") or told.get("text") or ""
    return str(code), str(message)


def write_error(status: int, message: str) -> dict[str, Any]:
    """Word an error; its type follows from the status, as the SDK's classes do."""
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}}
