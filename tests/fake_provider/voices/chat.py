"""How OpenAI's chat completions word an answer; reasoning is shown as DeepSeek and others do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from tests.fake_provider.plan import Call, Plan, Say, Seen, Think

_STOPS = {
    "end": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "refusal": "content_filter",
}


def whole(plan: Plan, seen: Seen) -> dict[str, Any]:
    """Give the answer at once."""
    said = "".join(part.text for part in plan.parts if isinstance(part, Say))
    message: dict[str, Any] = {"role": "assistant", "content": said or None, "refusal": None}
    thought = "".join(part.text for part in plan.parts if isinstance(part, Think))
    if thought:
        message["reasoning_content"] = thought
    if plan.calls:
        message["tool_calls"] = [_call(call) for call in plan.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _STOPS[plan.why]}
    return _head(plan, seen, "chat.completion") | {"choices": [choice], "usage": _usage(plan)}


def frames(plan: Plan, seen: Seen) -> Iterator[tuple[str, Any]]:
    """Give the answer as events."""
    head = _head(plan, seen, "chat.completion.chunk")
    counted = bool((seen.body.get("stream_options") or {}).get("include_usage"))
    more = {"usage": None} if counted else {}
    deltas = [{"role": "assistant", "content": ""}, *_deltas(plan)]
    for place, delta in enumerate([*deltas, {}]):
        why = _STOPS[plan.why] if place == len(deltas) else None
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": why}
        yield "", head | {"choices": [choice]} | more
    if counted:
        yield "", head | {"choices": [], "usage": _usage(plan)}
    yield "", "[DONE]"


def _head(plan: Plan, seen: Seen, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{seen.number:08d}",
        "object": kind,
        "created": 1_760_000_000,
        "model": plan.served or seen.model,
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    }


def _usage(plan: Plan) -> dict[str, Any]:
    used = plan.usage
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning, "audio_tokens": 0},
    }


def _call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": f"call_{call.id}", "type": "function", "function": function}


def _deltas(plan: Plan) -> Iterator[dict[str, Any]]:
    for part in plan.parts:
        if isinstance(part, Call):
            continue
        name = "content" if isinstance(part, Say) else "reasoning_content"
        for piece in plan.pieces(part.text):
            yield {name: piece}
    told = [list(_growing(place, call, plan)) for place, call in enumerate(plan.calls)]
    turns = zip_longest(*told) if plan.interleave else [[d for one in told for d in one]]
    for turn in turns:
        yield from ({"tool_calls": [delta]} for delta in turn if delta is not None)


def _growing(place: int, call: Call, plan: Plan) -> Iterator[dict[str, Any]]:
    empty = Call(call.name, "", call.id)
    yield {"index": place, **_call(empty)}
    for piece in plan.fragments(call):
        yield {"index": place, "function": {"arguments": piece}}
