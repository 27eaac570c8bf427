"""Errors in the chat dialect, as OpenAI has them and as its imitators do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.translate.dialect import Body

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def read_error(body: Body) -> tuple[str, str]:
    """Give (code, message) of an error body, as far as it has them."""
    error = body.get("error")
    if isinstance(error, str):
        return "", error
    told = error if isinstance(error, Mapping) else body
    code = told.get("code") or told.get("type") or ""
    message = told.get("message") or told.get("detail") or told.get("text") or ""
    return str(code), message if isinstance(message, str) else str(message)


def write_error(status: int, code: str, message: str) -> dict[str, Any]:
    """Word an error in the shape that OpenAI's SDK understands."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code or None}}
