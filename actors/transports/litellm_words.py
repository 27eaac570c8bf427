"""What LiteLLM is told and what it says: calls to arguments, exceptions to faults. Pure.

LiteLLM takes and gives the shape of chat completions, so requests, answers and chunks go through
the chat dialect of `routing.translate`, as for a provider that speaks it. It makes no retries:
there is one layer for these, the gateway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from actors.transports.classify import classify
from engine.redaction import hide, hide_json, needles
from routing.conversation import Answer, Dialect
from routing.faults import Fault, FaultKind
from routing.ports import Call
from routing.translate.dialect import Malformed
from routing.translate.dialects import DIALECTS

KEYLESS = "keyless"  # LiteLLM refuses to call some providers without any
# A call with tools imports LiteLLM's own MCP gateway, whose package is only there with its proxy.
_NO_MCP: Mapping[str, Any] = {"_skip_mcp_handler": True}
_STATUS: Mapping[str, int] = {
    "AuthenticationError": 401,
    "PaymentRequiredError": 402,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
    "BadGatewayError": 502,
    "ServiceUnavailableError": 503,
}
# What the name of the exception says better than its status.
_KINDS: Mapping[str, FaultKind] = {
    "ContextWindowExceededError": FaultKind.CONTEXT,
    "ContentPolicyViolationError": FaultKind.CONTENT,
    "Timeout": FaultKind.TIMEOUT,
    "APITimeoutError": FaultKind.TIMEOUT,
    "APIResponseValidationError": FaultKind.MALFORMED,
    "JSONDecodeError": FaultKind.MALFORMED,
    "Cancelled": FaultKind.CANCELLED,
}
# Exceptions of the connection itself: LiteLLM gives them a status that no provider sent.
_CONNECTION = frozenset({"APIConnectionError", "MidStreamFallbackError"})


def words_of(call: Call, *, stream: bool) -> dict[str, Any]:
    """Give the arguments of `litellm.acompletion` for a call.

    Raises:
        Fault: of kind REFUSED, when chat completions cannot say it.
    """
    deployment = call.candidate.deployment
    limit = call.ask.max_tokens
    if limit and deployment.max_output:
        limit = min(limit, deployment.max_output)
    ask = replace(call.ask, model=deployment.id, stream=stream, max_tokens=limit)
    try:
        body = DIALECTS[Dialect.CHAT].write_request(ask, deployment.family)
    except ValueError as error:
        raise Fault(FaultKind.REFUSED, str(error), status=400) from error
    body.pop("stream", None)
    wanted = {"stream_options": {"include_usage": True}} if stream else {}
    return dict(call.provider.options) | body | wanted | _NO_MCP | _around(call)


def embedding_words_of(call: Call) -> dict[str, Any]:
    """Give the arguments of `litellm.aembedding` for a client's request as it came.

    Raises:
        Fault: of kind REFUSED, when it is no JSON object.
    """
    try:
        body = json.loads(call.raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Fault(FaultKind.REFUSED, "the request is no JSON object", status=400)
    known = {
        name: body[name] for name in ("input", "dimensions", "encoding_format") if name in body
    }
    return dict(call.provider.options) | known | _around(call)


def _around(call: Call) -> dict[str, Any]:
    """Give what every call is told besides its content."""
    told: dict[str, Any] = {
        "model": call.provider.litellm_prefix + call.candidate.deployment.id,
        "api_key": call.secret or KEYLESS,
        "max_retries": 0,
        "num_retries": 0,
        "drop_params": True,  # a provider without a parameter still answers
        "timeout": call.timeouts.first_byte_s,
    }
    if call.provider.url:
        told["api_base"] = call.provider.url
    if call.provider.headers:
        told["extra_headers"] = dict(call.provider.headers)
    return told


def answer_of(call: Call, whole: Mapping[str, Any]) -> Answer:
    """Understand a whole answer.

    Raises:
        Fault: of kind MALFORMED.
    """
    family = call.candidate.deployment.family
    try:
        return DIALECTS[Dialect.CHAT].read_answer(whole, family)
    except Malformed as error:
        raise Fault(FaultKind.MALFORMED, str(error)) from error


def fault_of(call: Call, told: Mapping[str, Any], *, begun: bool) -> Fault:
    """Give the fault that an exception of LiteLLM means; `begun`: the head had come."""
    name, message = str(told["type"]), _plain(str(told["message"]))
    headers: Mapping[str, str] = told.get("headers") or {}
    hidden = needles([call.secret])
    said = hide(message, hidden)
    if kind := _KINDS.get(name):
        status = int(told.get("status") or 0)
        return Fault(kind, said, status=status, headers=headers, body={"text": said})
    if name in _CONNECTION or not (_STATUS.get(name) or told.get("status")):
        return Fault(FaultKind.CUT if begun else FaultKind.CONNECT, said, headers=headers)
    status = _STATUS.get(name) or int(told["status"])
    raw = json.dumps(_error_body(message, str(told.get("code") or ""))).encode()
    found = classify(Dialect.CHAT, status, headers, raw, call.secret)
    return Fault(
        found.kind, said, status=status, headers=headers, body=hide_json(found.body, hidden)
    )


def _error_body(message: str, code: str) -> dict[str, Any]:
    """Give the provider's own error object where LiteLLM quotes it, else one in its words."""
    begin = message.find("{")
    if begin >= 0:
        try:
            quoted = json.loads(message[begin : message.rfind("}") + 1])
        except (ValueError, RecursionError):
            quoted = None
        if isinstance(quoted, dict) and "error" in quoted:
            return quoted
    return {"error": {"message": message, "code": code}}


def _plain(message: str) -> str:
    """Take off the names that LiteLLM puts before a provider's words, and the trace behind."""
    text = message.partition("\nTraceback")[0]
    heads: Sequence[str] = text.split(": ")
    while (
        len(heads) > 1
        and heads[0].removeprefix("litellm.").isidentifier()
        and (
            heads[0].startswith("litellm.") or heads[0].endswith(("Error", "Exception", "Timeout"))
        )
    ):
        heads = heads[1:]
    return ": ".join(heads).strip()
