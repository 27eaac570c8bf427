"""How Anthropic words an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.fake_provider import seal
from tests.fake_provider.plan import Call, Plan, Say, Seen, Think

_STOPS = {"end": "end_turn"}


def whole(plan: Plan, seen: Seen) -> dict[str, Any]:
    """Give the answer at once."""
    return {
        "id": f"msg_{seen.number:08d}",
        "type": "message",
        "role": "assistant",
        "model": plan.served or seen.model,
        "content": [_block(part) for part in plan.parts],
        "stop_reason": _STOPS.get(plan.why, plan.why),
        "stop_sequence": plan.sequence or None,
        "usage": _usage(plan),
    }


def frames(plan: Plan, seen: Seen) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the answer as events."""
    begun = whole(plan, seen) | {"content": [], "stop_reason": None, "stop_sequence": None}
    begun["usage"] = _usage(plan) | {"output_tokens": 1}
    yield _named({"type": "message_start", "message": begun})
    for index, part in enumerate(plan.parts):
        opened = {"type": "content_block_start", "index": index, "content_block": _empty(part)}
        yield _named(opened)
        if plan.comments:
            yield _named({"type": "ping"})
        for delta in _deltas(part, plan):
            yield _named({"type": "content_block_delta", "index": index, "delta": delta})
        yield _named({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": _STOPS.get(plan.why, plan.why), "stop_sequence": plan.sequence or None}
    yield _named({"type": "message_delta", "delta": ended, "usage": _usage(plan)})
    yield _named({"type": "message_stop"})


def _named(event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return event["type"], event


def _usage(plan: Plan) -> dict[str, Any]:
    used = plan.usage
    return {
        "input_tokens": used.input - used.cache_read - used.cache_write,
        "cache_creation_input_tokens": used.cache_write,
        "cache_read_input_tokens": used.cache_read,
        "output_tokens": used.output,
        "output_tokens_details": {"thinking_tokens": used.reasoning},
        "service_tier": "standard",
    }


def _block(part: Think | Say | Call) -> dict[str, Any]:
    match part:
        case Think(text, True):
            return {"type": "redacted_thinking", "data": seal.seal("anthropic", text)}
        case Think(text):
            token = seal.sign("anthropic", text)
            return {"type": "thinking", "thinking": text, "signature": token}
        case Say(text):
            return {"type": "text", "text": text}
        case Call():
            return _empty(part) | {"input": _input(part.arguments)}


def _input(arguments: str) -> Any:
    """Give the arguments as the object that they should be; a broken text stays a text."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _empty(part: Think | Say | Call) -> dict[str, Any]:
    match part:
        case Think(_, True):
            return _block(part)
        case Think():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Say():
            return {"type": "text", "text": ""}
        case Call():
            return {"type": "tool_use", "id": f"toolu_{part.id}", "name": part.name, "input": {}}


def _deltas(part: Think | Say | Call, plan: Plan) -> Iterator[dict[str, Any]]:
    match part:
        case Think(_, True):
            return
        case Think(text):
            for piece in plan.pieces(text):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": seal.sign("anthropic", text)}
        case Say(text):
            for piece in plan.pieces(text):
                yield {"type": "text_delta", "text": piece}
        case Call():
            for piece in ["", *plan.fragments(part)]:
                yield {"type": "input_json_delta", "partial_json": piece}
