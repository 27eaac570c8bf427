"""Whole answers in the chat dialect, and the words that streams share with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.conversation import (
    Answer,
    Ask,
    Block,
    Dialect,
    Stop,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from routing.translate import freeform, wire
from routing.translate.chat.calls import read_calls, write_call, write_text_call
from routing.translate.chat.errors import read_error
from routing.translate.chat.parts import read_content, words_of
from routing.translate.chat.reasoning import read_reasoning, write_reasoning
from routing.translate.chat.tools import texts
from routing.translate.dialect import Body, Malformed
from routing.translate.idents import made
from routing.translate.names import originals
from routing.translate.signatures import origin_of, wrap

CREATED = 0  # no clock here; the SDKs want a number and read nothing from it

_STOP_NAMES: Mapping[Stop, str] = {
    Stop.END: "stop",
    Stop.MAX_TOKENS: "length",
    Stop.SEQUENCE: "stop",
    Stop.TOOL_USE: "tool_calls",
    Stop.REFUSAL: "content_filter",
    Stop.PAUSE: "stop",
}
_STOPS: Mapping[str, Stop] = {
    "length": Stop.MAX_TOKENS,
    "tool_calls": Stop.TOOL_USE,
    "function_call": Stop.TOOL_USE,
    "content_filter": Stop.REFUSAL,
}


def read_answer(body: Body, family: str) -> Answer:
    """Understand a provider's whole answer.

    Raises:
        Malformed: it is not what the dialect promises.
    """
    choices = wire.items(body.get("choices"), "choices")
    if not choices:
        _, said = read_error(body)
        raise Malformed(f"the answer has no choices. {said}".strip())
    choice = wire.mapping(choices[0], "choices[0]")
    message = wire.mapping(choice.get("message"), "choices[0].message")
    blocks = _blocks(message, origin_of(Dialect.CHAT, family))
    calls = any(isinstance(block, ToolCall) for block in blocks)
    stop, sequence = read_stop(choice, calls=calls, refused=bool(message.get("refusal")))
    usage = body.get("usage")
    return Answer(
        id=wire.text(body.get("id"), "id"),
        model=wire.text(body.get("model"), "model"),
        blocks=blocks,
        stop=stop,
        stop_sequence=sequence,
        usage=read_usage(usage) if isinstance(usage, Mapping) else None,
    )


def _blocks(message: Mapping[str, Any], origin: str) -> tuple[Block, ...]:
    content = message.get("content")
    # Some servers tell reasoning as a part of the content.
    parts = content if isinstance(content, list) else []
    inside = [part for part in parts if is_thinking_part(part)]
    plain = [part for part in parts if not is_thinking_part(part)] if inside else content
    refusal = wire.text(message.get("refusal"), "refusal")
    return (
        *read_reasoning(message, origin),
        *(Thinking(thinking_words(part), origin=origin) for part in inside),
        *read_content(plain, "content"),
        *((Text(refusal),) if refusal else ()),
        *read_calls(message.get("tool_calls"), "tool_calls", origin),
    )


def is_thinking_part(part: Any) -> bool:
    """Tell whether a part of the content is reasoning (Mistral's way)."""
    return isinstance(part, Mapping) and part.get("type") == "thinking"


def thinking_words(part: Mapping[str, Any]) -> str:
    """Give the words of such a part."""
    told = part.get("thinking")
    if isinstance(told, str):
        return told
    return words_of(read_content(told, "thinking"), "")


def write_answer(answer: Answer, ask: Ask) -> dict[str, Any]:
    """Word a whole answer for a client. Text, reasoning and calls stand apart in this dialect."""
    names = originals(ask)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": words_of(answer.blocks, "") or None,
        "refusal": None,
    }
    thinking = [block for block in answer.blocks if isinstance(block, Thinking)]
    message.update(write_reasoning(thinking, to_client=True))
    plain = texts(ask.tools)
    calls = [
        told_call(block, names.get(block.name, block.name), plain)
        for block in answer.blocks
        if isinstance(block, ToolCall)
    ]
    if calls:
        message["tool_calls"] = calls
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": write_stop(answer.stop),
    }
    told: dict[str, Any] = {
        "id": answer.id or made("chatcmpl-", answer.model),
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.usage is not None:
        told["usage"] = write_usage(answer.usage)
    return told


def told_call(call: ToolCall, name: str, plain: frozenset[str]) -> dict[str, Any]:
    """Write a whole call for a client, by the name that he knows."""
    if name in plain:
        return write_text_call(call.id, name, freeform.unpack(call.arguments))
    arguments = call.arguments if call.arguments.strip() else "{}"
    return write_call(call.id, name, arguments, wrap(call.signature, call.origin))


def read_stop(choice: Mapping[str, Any], *, calls: bool, refused: bool) -> tuple[Stop, str]:
    """Understand why the model stopped; gives the stop sequence where the server names it.

    Some servers say `stop` after calls, and some `tool_calls` after none.
    """
    stop = _STOPS.get(str(choice.get("finish_reason")), Stop.END)
    matched = choice.get("stop_reason")  # vLLM's field
    if refused and stop is Stop.END:
        return Stop.REFUSAL, ""
    if stop in (Stop.END, Stop.TOOL_USE):
        stop = Stop.TOOL_USE if calls else Stop.END
    if stop is Stop.END and isinstance(matched, str) and matched:
        return Stop.SEQUENCE, matched
    return stop, ""


def write_stop(stop: Stop) -> str:
    """Name why the model stopped."""
    return _STOP_NAMES[stop]


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """Count as we do. Servers that leave reasoning out of the completion show it in the total."""
    prompt, output = wire.count(raw.get("prompt_tokens")), wire.count(raw.get("completion_tokens"))
    details = wire.part(raw, "prompt_tokens_details")
    reasoning = wire.count(wire.part(raw, "completion_tokens_details").get("reasoning_tokens"))
    if reasoning and wire.count(raw.get("total_tokens")) == prompt + output + reasoning:
        output += reasoning
    cached = details.get("cached_tokens")
    if cached is None:
        cached = raw.get("prompt_cache_hit_tokens")  # DeepSeek's field
    return Usage(
        input=prompt,
        output=output,
        cache_read=wire.count(cached),
        cache_write=wire.count(details.get("cache_write_tokens")),
        reasoning=reasoning,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """Count as the chat dialect does."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
