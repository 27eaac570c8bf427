"""How OpenAI's responses word an answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, zip_longest
from typing import Any

from tests.fake_provider import seal
from tests.fake_provider.plan import Call, Plan, Say, Seen, Think

Told = tuple[str, dict[str, Any]]


def whole(plan: Plan, seen: Seen) -> dict[str, Any]:
    """Give the answer at once."""
    items = [_item(place, part, seen) for place, part in enumerate(plan.parts)]
    cut = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}.get(plan.why)
    return _shell(plan, seen) | {
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": cut} if cut else None,
        "output": items,
        "usage": _usage(plan),
    }


def frames(plan: Plan, seen: Seen) -> Iterator[Told]:
    """Give the answer as events."""
    numbers = count()
    done = whole(plan, seen)
    final = "response.incomplete" if done["incomplete_details"] else "response.completed"
    begun = [(name, {"response": _shell(plan, seen)}) for name in ("created", "in_progress")]
    told = [(f"response.{name}", event) for name, event in begun]
    for name, event in [*told, *_items(plan, seen), (final, {"response": done})]:
        yield name, {"type": name, "sequence_number": next(numbers), **event}


def _shell(plan: Plan, seen: Seen) -> dict[str, Any]:
    body = seen.body
    return {
        "id": f"resp_{seen.number:08d}",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": plan.served or seen.model,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
    }


def _usage(plan: Plan) -> dict[str, Any]:
    used = plan.usage
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cache_read},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.input + used.output,
    }


def _id(place: int, part: Think | Say | Call, seen: Seen) -> str:
    prefix = "rs" if isinstance(part, Think) else "msg" if isinstance(part, Say) else "fc"
    return f"{prefix}_{seen.number:08d}{place:02d}"


def _item(place: int, part: Think | Say | Call, seen: Seen) -> dict[str, Any]:
    name = _id(place, part, seen)
    match part:
        case Think(text, sealed):
            shown = [] if sealed else [{"type": "summary_text", "text": text}]
            item: dict[str, Any] = {"id": name, "type": "reasoning", "summary": shown}
            if "reasoning.encrypted_content" in (seen.body.get("include") or ()):
                item["encrypted_content"] = seal.seal("responses", text)
            return item
        case Say():
            return _spoken(name, part.text, "completed")
        case Call():
            return _called(name, part, "completed")


def _spoken(name: str, text: str | None, status: str) -> dict[str, Any]:
    content = [] if text is None else [_text(text)]
    return {
        "id": name,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _called(name: str, call: Call, status: str) -> dict[str, Any]:
    return {
        "id": name,
        "type": "function_call",
        "status": status,
        "call_id": f"call_{call.id}",
        "name": call.name,
        "arguments": call.arguments,
    }


def _items(plan: Plan, seen: Seen) -> Iterator[Told]:
    told = [
        list(_one(place, part, plan, seen)) if not isinstance(part, Call) else []
        for place, part in enumerate(plan.parts)
    ]
    yield from (event for one in told for event in one)
    calls = [
        list(_growing(place, part, plan, seen))
        for place, part in enumerate(plan.parts)
        if isinstance(part, Call)
    ]
    turns = zip_longest(*calls) if plan.interleave else [[e for one in calls for e in one]]
    for turn in turns:
        yield from (event for event in turn if event is not None)


def _one(place: int, part: Think | Say, plan: Plan, seen: Seen) -> Iterator[Told]:
    name = _id(place, part, seen)
    whole_item = _item(place, part, seen)
    at = {"item_id": name, "output_index": place}
    if isinstance(part, Say):
        opened = _spoken(name, None, "in_progress")
    else:
        opened = whole_item | {"summary": []}
    yield "response.output_item.added", {"output_index": place, "item": opened}
    if isinstance(part, Say):
        yield from _saying(at, part.text, plan)
    elif not part.sealed:
        yield from _thinking(at, part.text, plan)
    yield "response.output_item.done", {"output_index": place, "item": whole_item}


def _saying(at: dict[str, Any], text: str, plan: Plan) -> Iterator[Told]:
    inside = at | {"content_index": 0}
    yield "response.content_part.added", inside | {"part": _text("")}
    for piece in plan.pieces(text):
        yield "response.output_text.delta", inside | {"delta": piece, "logprobs": []}
    yield "response.output_text.done", inside | {"text": text, "logprobs": []}
    yield "response.content_part.done", inside | {"part": _text(text)}


def _thinking(at: dict[str, Any], text: str, plan: Plan) -> Iterator[Told]:
    inside = at | {"summary_index": 0}
    name = "response.reasoning_summary"
    yield f"{name}_part.added", inside | {"part": {"type": "summary_text", "text": ""}}
    for piece in plan.pieces(text):
        yield f"{name}_text.delta", inside | {"delta": piece}
    yield f"{name}_text.done", inside | {"text": text}
    yield f"{name}_part.done", inside | {"part": {"type": "summary_text", "text": text}}


def _growing(place: int, call: Call, plan: Plan, seen: Seen) -> Iterator[Told]:
    name = _id(place, call, seen)
    at = {"item_id": name, "output_index": place}
    opened = _called(name, Call(call.name, "", call.id), "in_progress")
    yield "response.output_item.added", {"output_index": place, "item": opened}
    for piece in plan.fragments(call):
        yield "response.function_call_arguments.delta", at | {"delta": piece}
    whole_call = at | {"name": call.name, "arguments": call.arguments}
    yield "response.function_call_arguments.done", whole_call
    yield "response.output_item.done", {"output_index": place, "item": _item(place, call, seen)}
