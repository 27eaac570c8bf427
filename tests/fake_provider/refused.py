"""What a provider says when it refuses: one exception, worded in each dialect's own shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OPENAI = {
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    403: ("invalid_request_error", "permission_denied"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
_GEMINI = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Refused(Exception):
    """The request is answered by an error."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.param = param
        self.headers = headers or {}
        self.extra = extra or {}  # more fields of the error object


def need(condition: object, message: str, **more: Any) -> None:
    """Refuse the request unless the condition holds."""
    if not condition:
        raise Refused(message, **more)


def words(text: str) -> frozenset[str]:
    """Give the set of the words of a text."""
    return frozenset(text.split())


def body(dialect: str, refusal: Refused) -> dict[str, Any]:
    """Word a refusal as that provider does."""
    match dialect:
        case "anthropic":
            kind = refusal.code or _ANTHROPIC.get(refusal.status, "api_error")
            error = {"type": kind, "message": refusal.message, **refusal.extra}
            return {"type": "error", "error": error, "request_id": "req_fake"}
        case "gemini":
            status = refusal.code or _GEMINI.get(refusal.status, "INTERNAL")
            head = {"code": refusal.status, "message": refusal.message, "status": status}
            return {"error": {**head, **refusal.extra}}
        case "cohere":
            return {"id": "fake", "message": refusal.message}
        case "ollama":
            return {"error": refusal.message}
        case _:
            default = "server_error" if refusal.status >= 500 else "invalid_request_error"
            kind, code = _OPENAI.get(refusal.status, (default, None))
            named = {"type": kind, "param": refusal.param, "code": refusal.code or code}
            return {"error": {"message": refusal.message, **named, **refusal.extra}}


# Refusals with a wording of their own: name -> dialect -> (status, code, message).
_LONG = "context_length_exceeded"
_POOR = (
    429,
    "insufficient_quota",
    "You exceeded your current quota, please check your plan and billing details.",
)
_BAD = (400, "content_policy_violation", "Your request was rejected by our safety system.")
_WORDED: Mapping[str, Mapping[str, tuple[int, str, str]]] = {
    "context": {
        "anthropic": (400, "", "prompt is too long: 210000 tokens > 200000 maximum"),
        "chat": (400, _LONG, "This model's maximum context length is 128000 tokens."),
        "responses": (400, _LONG, "Your input exceeds the context window of this model."),
        "gemini": (400, "", "The input token count (2000000) exceeds the maximum (1048576)."),
    },
    "credit": {
        "anthropic": (400, "", "Your credit balance is too low to access the Anthropic API."),
        "chat": _POOR,
        "responses": _POOR,
        "gemini": (429, "", _POOR[2]),
    },
    "content": {
        "anthropic": (400, "", "Output blocked by content filtering policy"),
        "chat": _BAD,
        "responses": _BAD,
        "gemini": (400, "", "The prompt was blocked: PROHIBITED_CONTENT"),
    },
}


def worded(name: str, dialect: str) -> Refused:
    """Give one of the refusals with a wording of their own: context, credit, content."""
    status, code, message = _WORDED[name][dialect]
    return Refused(message, status=status, code=code)
