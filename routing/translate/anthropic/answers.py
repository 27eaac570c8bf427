"""Whole answers in Anthropic's dialect, and the words that streams share with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

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
from routing.translate import wire
from routing.translate.anthropic.blocks_in import read_blocks
from routing.translate.anthropic.blocks_out import call_block, towards_client
from routing.translate.anthropic.shape import ANSWER_TOOL
from routing.translate.dialect import Body, Malformed
from routing.translate.idents import made
from routing.translate.names import originals
from routing.translate.signatures import origin_of, wrap_call

_STOP_NAMES: Mapping[Stop, str] = {
    Stop.END: "end_turn",
    Stop.MAX_TOKENS: "max_tokens",
    Stop.SEQUENCE: "stop_sequence",
    Stop.TOOL_USE: "tool_use",
    Stop.REFUSAL: "refusal",
    Stop.PAUSE: "pause_turn",
}
_STOPS = {name: stop for stop, name in _STOP_NAMES.items()} | {
    "model_context_window_exceeded": Stop.MAX_TOKENS
}


def read_answer(body: Body, family: str) -> Answer:
    """Understand a provider's whole answer.

    Raises:
        Malformed: it is not what the dialect promises.
    """
    if "content" not in body:
        raise Malformed("the answer has no content.")
    origin = origin_of(Dialect.ANTHROPIC, family)
    blocks = tuple(
        Text(block.arguments) if is_answer_tool(block) else block
        for block in read_blocks(body["content"] or [], "content", origin)
    )
    calls = any(isinstance(block, ToolCall) for block in blocks)
    usage = body.get("usage")
    return Answer(
        id=wire.text(body.get("id"), "id"),
        model=wire.text(body.get("model"), "model"),
        blocks=blocks,
        stop=read_stop(body.get("stop_reason"), calls),
        stop_sequence=wire.text(body.get("stop_sequence"), "stop_sequence"),
        usage=read_usage(usage) if isinstance(usage, Mapping) else None,
    )


def write_answer(answer: Answer, ask: Ask) -> dict[str, Any]:
    """Word a whole answer for a client."""
    names = originals(ask)
    shows = shows_thinking(ask)
    content = [
        raw for block in answer.blocks for raw in _content(block, names) if shows or _is_plain(raw)
    ]
    return {
        **head(answer.id, answer.model),
        "content": content,
        "stop_reason": write_stop(answer.stop),
        "stop_sequence": answer.stop_sequence or None,
        "usage": write_usage(answer.usage),
    }


def head(ident: str, model: str) -> dict[str, Any]:
    """Give the fields that a message begins with."""
    return {
        "id": ident or made("msg_", model),
        "type": "message",
        "role": "assistant",
        "model": model,
    }


def is_answer_tool(block: Block) -> TypeGuard[ToolCall]:
    """Tell whether a call is of our own tool that carries a shaped answer."""
    return isinstance(block, ToolCall) and block.name == ANSWER_TOOL


def shows_thinking(ask: Ask) -> bool:
    """Tell whether a client gets thinking blocks.

    One that asked for neither thinking nor tools gets none, as from Anthropic itself: it takes
    the first block for the answer. One that uses tools must send it back, so it gets it.
    """
    asked = ask.reasoning is not None and ask.reasoning.budget_tokens != 0
    return asked or bool(ask.tools)


def _is_plain(raw: Mapping[str, Any]) -> bool:
    return raw["type"] not in ("thinking", "redacted_thinking")


def _content(block: Block, names: Mapping[str, str]) -> list[dict[str, Any]]:
    match block:
        case Text(text):
            return [{"type": "text", "text": text}]
        case Thinking():
            return [towards_client(block)]
        case ToolCall(ident, name, arguments, signature, origin):
            called = call_block(ident, names.get(name, name), wire.arguments_object(arguments))
            return [*call_signature(signature, origin), called]
        case _:
            return []


def call_signature(signature: str, origin: str) -> list[dict[str, Any]]:
    """Give the block that carries the signature of the call after it, if it has one."""
    if not signature:
        return []
    return [{"type": "redacted_thinking", "data": wrap_call(signature, origin)}]


def read_stop(reason: Any, calls: bool) -> Stop:
    """Understand a stop reason; what is not known is an end."""
    stop = _STOPS.get(str(reason), Stop.END)
    return Stop.END if stop is Stop.TOOL_USE and not calls else stop


def write_stop(stop: Stop) -> str:
    """Name a stop reason."""
    return _STOP_NAMES[stop]


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """Count as we do: Anthropic leaves cached tokens out of its input tokens."""
    read = wire.count(raw.get("cache_read_input_tokens"))
    written = wire.count(raw.get("cache_creation_input_tokens"))
    return Usage(
        input=wire.count(raw.get("input_tokens")) + read + written,
        output=wire.count(raw.get("output_tokens")),
        cache_read=read,
        cache_write=written,
        reasoning=wire.count(wire.part(raw, "output_tokens_details").get("thinking_tokens")),
    )


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """Count as Anthropic does; a usage that is not known is zero, for the field must be there."""
    usage = usage or Usage()
    raw: dict[str, Any] = {
        "input_tokens": max(usage.input - usage.cache_read - usage.cache_write, 0),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        raw["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return raw
