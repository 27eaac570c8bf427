"""How Cohere words an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.fake_provider.plan import Plan, Say, Seen

_STOPS = {"end": "COMPLETE", "tool_use": "TOOL_CALL", "max_tokens": "MAX_TOKENS"}


def whole(plan: Plan, seen: Seen) -> dict[str, Any]:
    """Give the answer at once."""
    spoken = [part.text for part in plan.parts if isinstance(part, Say)]
    message: dict[str, Any] = {"role": "assistant"}
    if plan.calls:
        message["tool_plan"] = "".join(spoken)
        message["tool_calls"] = [
            {
                "id": f"{call.name}_{call.id}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in plan.calls
        ]
    else:
        message["content"] = [{"type": "text", "text": text} for text in spoken]
    return {
        "id": f"cohere-{seen.number:08d}",
        "finish_reason": _STOPS.get(plan.why, "COMPLETE"),
        "message": message,
        "usage": _usage(plan),
    }


def frames(plan: Plan, seen: Seen) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the words of the answer as events."""
    begun = {"id": f"cohere-{seen.number:08d}", "delta": {"message": {"role": "assistant"}}}
    yield _named("message-start", begun)
    for index, text in enumerate(part.text for part in plan.parts if isinstance(part, Say)):
        yield _named("content-start", {"index": index, "delta": _content("")})
        for piece in plan.pieces(text):
            yield _named("content-delta", {"index": index, "delta": _content(piece)})
        yield _named("content-end", {"index": index})
    ended = {"finish_reason": _STOPS.get(plan.why, "COMPLETE"), "usage": _usage(plan)}
    yield _named("message-end", {"delta": ended})


def _named(name: str, told: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return name, {"type": name, **told}


def _content(text: str) -> dict[str, Any]:
    return {"message": {"content": {"type": "text", "text": text}}}


def _usage(plan: Plan) -> dict[str, Any]:
    tokens = {"input_tokens": plan.usage.input, "output_tokens": plan.usage.output}
    return {"billed_units": tokens, "tokens": tokens}
