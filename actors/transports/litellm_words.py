"""What LiteLLM is told and what it says: calls to arguments, exceptions to faults. Pure.

LiteLLM takes and gives the shape of chat completions, so requests, answers and chunks go through
the chat dialect of `routing.translate`, as for a provider that speaks it. It makes no retries:
there is one layer for these, the gateway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from actors.transports.classify import classify
from engine.redaction import hide, needles
from routing.conversation import Dialect
from routing.faults import Fault, FaultKind
from routing.fitting import fitted
from routing.ports import Call
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
# Exceptions of the connection itself: LiteLLM gives them a status that no provider sent, as it
# does to a refused connection, which is a 500 without a single header.
_SERVER = 500
_CONNECTION = frozenset({"APIConnectionError", "MidStreamFallbackError"})


def words_of(call: Call, *, stream: bool) -> dict[str, Any]:
    """Give the arguments of `litellm.acompletion` for a call.

    Raises:
        Fault: of kind REFUSED, when chat completions cannot say it.
    """
    deployment = call.candidate.deployment
    ask = fitted(call.ask, deployment, Dialect.CHAT, stream=stream)
    try:
        body = DIALECTS[Dialect.CHAT].write_request(ask, deployment.family)
    except ValueError as error:
        raise Fault(FaultKind.REFUSED, str(error), status=400) from error
    body.pop("stream", None)
    wanted = {"stream_options": {"include_usage": True}} if stream else {}
    return {**call.provider.options, **body, **wanted, **_NO_MCP, **_around(call)}


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
        "timeout": max(call.timeouts.first_byte_s, call.timeouts.idle_s),  # the carrier is exact
    }
    if call.provider.url:
        told["api_base"] = call.provider.url
    if call.provider.headers:
        told["extra_headers"] = dict(call.provider.headers)
    return told


def fault_of(call: Call, told: Mapping[str, Any], *, begun: bool) -> Fault:
    """Give the fault that an exception of LiteLLM means; `begun`: the head had come."""
    name, said = str(told["type"]), hide(_plain(str(told["message"])), needles([call.secret]))
    headers: Mapping[str, str] = told.get("headers") or {}
    status = _STATUS.get(name) or int(told.get("status") or 0)
    if kind := _KINDS.get(name):
        return Fault(kind, said, status=status, headers=headers, body={"text": said})
    if name in _CONNECTION or not status or (status >= _SERVER and not headers):
        return Fault(FaultKind.CUT if begun else FaultKind.CONNECT, said, headers=headers)
    body = str(told.get("body") or json.dumps({"error": {"message": said}}))
    return classify(Dialect.CHAT, status, headers, body.encode(), call.secret)


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
