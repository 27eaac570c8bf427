"""What Cohere's `POST /v2/chat` refuses: a provider that the house speaks to by LiteLLM alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fake_provider.plan import Seen
from tests.fake_provider.refused import Refused, need, words

_FIELDS = words(
    "model messages tools documents citation_options response_format safety_mode max_tokens"
    " stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs tool_choice"
    " strict_tools thinking stream priority"
)
_ROLES = words("system user assistant tool")


def check(body: Mapping[str, Any]) -> Seen:
    """Give what the request asks for.

    Raises:
        Refused: Cohere would answer 400.
    """
    for name in body:
        need(name in _FIELDS, f"unknown field: parameter '{name}' is not a valid field")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("invalid request: messages must be a non-empty list")
    waiting: list[str] = []
    for at, said in enumerate(messages):
        role = said.get("role")
        need(role in _ROLES, f"invalid request: role of message {at} must be one of {_ROLES}")
        if role == "tool":
            known = said.get("tool_call_id") in waiting
            need(known, f"invalid request: tool call id of message {at} not found in the last turn")
            waiting.remove(said["tool_call_id"])
            continue
        need(not waiting, f"invalid request: missing tool results for {waiting}")
        waiting = [call["id"] for call in said.get("tool_calls") or ()]
    need(not waiting, f"invalid request: missing tool results for {waiting}")
    last = messages[-1]
    results = [_text(said["content"]) for said in messages if said["role"] == "tool"]
    return Seen(
        dialect="cohere",
        model=str(body.get("model", "")),
        body=body,
        stream=bool(body.get("stream")),
        text=_text(last["content"]) if last["role"] == "user" else "",
        results=tuple(results) if last["role"] == "tool" else (),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return content or ""
