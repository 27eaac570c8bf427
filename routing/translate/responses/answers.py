"""Whole answers of the Responses dialect, both ways, and the parts that streams share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from routing.conversation import (
    Answer,
    Ask,
    Block,
    Stop,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from routing.translate import failures, names, wire
from routing.translate.dialect import Body
from routing.translate.idents import made
from routing.translate.responses.items_in import read_call, read_reasoning
from routing.translate.responses.items_out import summary
from routing.translate.responses.toolbox import natives, write_call
from routing.translate.signatures import wrap, wrap_call

Raw = dict[str, Any]

_CALLS = frozenset({"function_call", "custom_tool_call", "tool_search_call"})
_INCOMPLETE: Mapping[Stop, str] = {
    Stop.MAX_TOKENS: "max_output_tokens",
    Stop.REFUSAL: "content_filter",
}


# -- reading --------------------------------------------------------------------------------------
def read_answer(body: Body, family: str) -> Answer:
    """Understand a provider's whole answer.

    Raises:
        Malformed: it is not what the dialect promises.
        Fault: its status says that it failed.
    """
    refuse_failed(body)
    blocks: list[Block] = []
    refused = False
    for where, item in wire.objects(body.get("output"), "output"):
        if item.get("type") == "message":
            told = [part for _, part in wire.objects(item.get("content"), f"{where}.content")]
            blocks += [Text(said_in(part)) for part in told]
            refused = refused or any(part.get("type") == "refusal" for part in told)
        elif (block := read_item(item, where, family)) is not None:
            blocks.append(block)
    calls = any(isinstance(block, ToolCall) for block in blocks)
    return Answer(
        id=wire.text(body.get("id"), "id"),
        model=wire.text(body.get("model"), "model"),
        blocks=tuple(blocks),
        stop=stop_of(body, calls=calls, refused=refused),
        usage=read_usage(body),
    )


def refuse_failed(body: Body) -> None:
    """Look whether the answer failed.

    Raises:
        Fault: it did.
    """
    if body.get("status") in ("failed", "cancelled"):
        error = wire.part(body, "error")
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
        raise failures.told_in_stream(code, message, {"error": dict(error)})


def said_in(part: Mapping[str, Any]) -> str:
    """Give the words of a part of a message; a refusal's too."""
    return wire.text(part.get("text") or part.get("refusal"), "output.content")


def read_item(item: Mapping[str, Any], where: str, family: str) -> Thinking | ToolCall | None:
    """Understand an item that is no message; None is one of the provider's own.

    Raises:
        Malformed: it is not what the dialect promises.
    """
    kind = item.get("type")
    if kind == "reasoning":
        return read_reasoning(item, where, family)
    return read_call(item, where) if kind in _CALLS else None


def stop_of(body: Body, *, calls: bool, refused: bool) -> Stop:
    """Give why the model stopped."""
    if body.get("status") == "incomplete":
        reason = wire.part(body, "incomplete_details").get("reason")
        return Stop.REFUSAL if reason == "content_filter" else Stop.MAX_TOKENS
    if refused:
        return Stop.REFUSAL
    return Stop.TOOL_USE if calls else Stop.END


def read_usage(body: Body) -> Usage | None:
    """Understand the usage of an answer; cached parts stand inside the input already."""
    told = wire.part(body, "usage")
    if not told:
        return None
    inputs = wire.part(told, "input_tokens_details")
    return Usage(
        input=wire.count(told.get("input_tokens")),
        output=wire.count(told.get("output_tokens")),
        cache_read=wire.count(inputs.get("cached_tokens")),
        cache_write=wire.count(inputs.get("cache_write_tokens")),
        reasoning=wire.count(wire.part(told, "output_tokens_details").get("reasoning_tokens")),
    )


# -- wording --------------------------------------------------------------------------------------
class Wording:
    """Words the items of one answer for the client who asked this."""

    def __init__(self, ask: Ask) -> None:
        self._names = names.originals(ask)
        self._natives = natives(ask.tools)

    def items(self, block: Block, ident: str, place: int) -> list[Raw]:
        """Give the items that tell a block of the answer with this id, from this place on."""
        identify = partial(item_id, ident, place)
        match block:
            case Text(text):
                part = {"type": "output_text", "text": text, "annotations": []}
                return [{**message(identify("msg_")), "status": "completed", "content": [part]}]
            case Thinking():
                return [reasoning(block, identify("rs_"))]
            case ToolCall():
                before = carrier(block, identify)
                return [*before, self.call(block, partial(item_id, ident, place + len(before)))]
            case _:
                return []

    def call(self, call: ToolCall, ident: Callable[[str], str]) -> Raw:
        """Word a call as its tool asks for."""
        name = self._names.get(call.name, call.name)
        item = write_call(call.id, name, call.arguments, self._natives.get(name))
        prefix = {"custom_tool_call": "ctc_", "tool_search_call": "tsc_"}.get(item["type"], "fc_")
        return {"id": ident(prefix), **item, "status": "completed"}


def message(ident: str) -> Raw:
    """Word a message that has no content yet."""
    return {
        "id": ident,
        "type": "message",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }


def reasoning(block: Thinking, ident: str) -> Raw:
    """Word thinking as a reasoning item that the client can bring back."""
    item: Raw = {"id": block.id or ident, "type": "reasoning", "summary": summary(block)}
    if sealed := wrap(block.signature, block.origin):
        item["encrypted_content"] = sealed
    return item


def carrier(call: ToolCall, ident: Callable[[str], str]) -> list[Raw]:
    """Give the reasoning item that carries a call's signature, where it has one."""
    if not call.signature:
        return []
    sealed = wrap_call(call.signature, call.origin)
    return [{"id": ident("rs_"), "type": "reasoning", "summary": [], "encrypted_content": sealed}]


def write_answer(answer: Answer, ask: Ask) -> Raw:
    """Word a whole answer for a client."""
    wording = Wording(ask)
    ident = answer.id or made("", answer)
    items: list[Raw] = []
    for block in answer.blocks:
        items += wording.items(block, ident, len(items))
    return envelope(ident, answer.model or ask.model, ask) | ending(
        items, answer.stop, answer.usage
    )


def item_id(ident: str, place: int, prefix: str) -> str:
    """Make the id of an item from the answer's and its place there."""
    return made(prefix, ident, prefix, place)


def envelope(ident: str, model: str, ask: Ask) -> Raw:
    """Word an answer that has just begun, with what was asked as far as clients look for it.

    There is no clock here, and clients do nothing with the time: it is the epoch's.
    """
    choice = ask.tool_choice
    return {
        "id": ident if ident.startswith("resp_") else f"resp_{ident}",
        "object": "response",
        "created_at": 0,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": ask.max_tokens,
        "model": model,
        "output": [],
        "parallel_tool_calls": choice is None or choice.parallel is not False,
        "previous_response_id": None,
        "store": False,
        "temperature": ask.temperature,
        "tool_choice": "auto",
        "tools": [],
        "top_p": ask.top_p,
        "usage": None,
        "metadata": {},
    }


def ending(items: list[Raw], stop: Stop, usage: Usage | None) -> Raw:
    """Word what an answer has when it is over."""
    reason = _INCOMPLETE.get(stop)
    return {
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": items,
        "usage": write_usage(usage) if usage else None,
    }


def write_usage(usage: Usage) -> Raw:
    """Word the usage of an answer."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
