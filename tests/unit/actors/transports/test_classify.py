"""What providers say when they refuse, in their own words and statuses."""

from __future__ import annotations

import json

import pytest

from actors.transports.classify import classify, inner_status
from routing.conversation import Dialect
from routing.faults import FaultKind

A, C, R, G = Dialect.ANTHROPIC, Dialect.CHAT, Dialect.RESPONSES, Dialect.GEMINI


def anthropic(kind: str, message: str):
    return {"type": "error", "error": {"type": kind, "message": message}}


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def google(code: int, status: str, message: str):
    return {"error": {"code": code, "status": status, "message": message}}


SAID = [
    (A, 429, anthropic("rate_limit_error", "This would exceed your rate limit"), "rate_limit"),
    (A, 529, anthropic("overloaded_error", "Overloaded"), "overloaded"),
    (A, 500, anthropic("api_error", "Internal server error"), "server"),
    (A, 401, anthropic("authentication_error", "invalid x-api-key"), "auth"),
    (A, 403, anthropic("permission_error", "no"), "auth"),
    (A, 404, anthropic("not_found_error", "model: x"), "not_found"),
    (A, 400, anthropic("invalid_request_error", "messages: roles must alternate"), "refused"),
    (A, 400, anthropic("invalid_request_error", "Your credit balance is too low"), "quota"),
    (A, 400, anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8"), "context"),
    (
        A,
        400,
        anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit"),
        "context",
    ),
    (A, 402, anthropic("billing_error", "pay"), "quota"),
    (A, 413, anthropic("request_too_large", "Request exceeds the maximum size"), "context"),
    (C, 429, openai("Rate limit reached for x", "rate_limit_exceeded", "requests"), "rate_limit"),
    (C, 429, openai("You exceeded your quota", "insufficient_quota"), "quota"),
    (C, 429, openai("Request too large for x on tokens per min", "rate_limit_exceeded"), "context"),
    (C, 400, openai("maximum context length is 9 tokens", "context_length_exceeded"), "context"),
    (C, 400, openai("This model's maximum context length is 9 tokens"), "context"),
    (C, 404, openai("The model `x` does not exist", "model_not_found"), "not_found"),
    (C, 400, openai("x is not a valid model ID"), "not_found"),
    (C, 400, openai("Model Not Exist"), "not_found"),
    (C, 400, openai("Unsupported parameter: 'temperature' is not supported with this model"),
     "refused"),
    (C, 401, openai("Incorrect API key provided", "invalid_api_key"), "auth"),
    (C, 402, openai("Insufficient Balance"), "quota"),
    (C, 403, openai("Your input was flagged"), "content"),
    (C, 400, openai("filtered", "content_filter"), "content"),
    (C, 503, openai("The server is overloaded"), "overloaded"),
    (C, 408, openai("slow"), "timeout"),
    (C, 504, openai("slow"), "timeout"),
    (C, 302, {}, "malformed"),
    (R, 429, {"error": {"type": "usage_limit_reached", "resets_in_seconds": 60}}, "quota"),
    (R, 400, openai("too long", "context_length_exceeded"), "context"),
    (R, 422, openai("no"), "refused"),
    (G, 429, google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, check your plan"),
     "rate_limit"),
    (G, 400, google(400, "INVALID_ARGUMENT", "API key not valid."), "auth"),
    (G, 400, google(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum"),
     "context"),
    (G, 404, google(404, "NOT_FOUND", "models/x is not found"), "not_found"),
    (G, 503, google(503, "UNAVAILABLE", "The model is overloaded."), "overloaded"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "status", "body", "kind"), SAID)
def test_each_provider_is_understood(dialect, status, body, kind):
    fault = classify(dialect, status, {"retry-after": "3"}, json.dumps(body).encode())
    assert fault.kind == kind
    assert fault.status == status
    assert fault.headers == {"retry-after": "3"}


def test_a_rejected_plan_closes_the_key():
    headers = {"anthropic-ratelimit-unified-status": "rejected"}
    raw = json.dumps(anthropic("rate_limit_error", "limit")).encode()
    assert classify(A, 429, headers, raw).kind is FaultKind.QUOTA


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("raw", [b"", b"<html>no</html>", b"[]", b"null", b"7", b"[" * 99_999])
def test_what_is_no_error_of_the_dialect_is_judged_by_its_status(raw, dialect):
    assert classify(dialect, 502, {}, raw).kind is FaultKind.SERVER
    assert classify(dialect, 429, {}, raw).kind is FaultKind.RATE_LIMIT
    assert classify(dialect, 403, {}, raw).kind is FaultKind.SERVER
    assert classify(dialect, 400, {}, raw).kind is FaultKind.REFUSED


def test_google_wraps_the_error_of_a_stream_in_a_list():
    raw = json.dumps([google(400, "INVALID_ARGUMENT", "API key not valid.")]).encode()
    assert classify(G, 400, {}, raw).kind is FaultKind.AUTH


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_key_that_is_echoed_is_hidden_everywhere(dialect):
    secret = "sk-proj-0123456789abcdef"
    body = openai(f"Incorrect key {secret}") | {"seen": [secret, {secret: 1}]}
    fault = classify(dialect, 400, {}, json.dumps(body).encode(), secret)
    assert secret not in fault.message
    assert secret not in json.dumps(dict(fault.body))
    fault = classify(dialect, 502, {}, f"<p>{secret}</p>".encode(), secret)
    assert secret not in fault.message
    assert secret not in json.dumps(dict(fault.body))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 429, "message": "slow"}}, 429),
        ({"error": {"code": "x", "message": "slow"}}, 500),
        ({"error": "no"}, 500),
        ({"error": None, "choices": []}, 0),
        ({"choices": []}, 0),
    ],
)
def test_an_error_inside_a_good_status_is_seen(body, status):
    assert inner_status(json.dumps(body).encode()) == status
