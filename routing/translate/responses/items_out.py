"""Messages, worded as the items of a Responses request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from routing.conversation import (
    Block,
    Document,
    Image,
    Message,
    Role,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from routing.translate import outcomes, wire
from routing.translate.idents import shorten
from routing.translate.names import fit
from routing.translate.responses.toolbox import natives, write_call

Raw = dict[str, Any]

_LONGEST_ID = 64  # characters; OpenAI refuses longer ids of calls
_ROLES = {Role.USER: "user", Role.ASSISTANT: "assistant", Role.SYSTEM: "developer"}
_OUTPUTS = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "tool_search_call": "tool_search_output",
}


def write_items(
    messages: Sequence[Message],
    tools: Iterable[Tool],
    kept: Iterable[tuple[int, Mapping[str, Any]]],
) -> list[Raw]:
    """Word a conversation; `kept` are items of this dialect that stand before the nth message."""
    writer = _Items(natives(tools))
    items: list[Raw] = []
    native = list(kept)
    for at, message in enumerate(messages):
        items += [dict(item) for place, item in native if place == at]
        items += writer.write(message)
    return [*items, *(dict(item) for place, item in native if place >= len(messages))]


class _Items:
    """Words messages one after the other and remembers what kind of call each was."""

    def __init__(self, own: Mapping[str, Mapping[str, Any]]) -> None:
        self._own = own
        self._kinds: dict[str, str] = {}

    def write(self, message: Message) -> Iterator[Raw]:
        """Give the items of a message; parts of one message stay together."""
        parts: list[Raw] = []
        for block in message.blocks:
            if (part := _part(block, message.role)) is not None:
                parts.append(part)
                continue
            if parts:
                yield _message(message.role, parts)
                parts = []
            item = self._item(block)
            if item is not None:
                yield item
        if parts:
            yield _message(message.role, parts)

    def _item(self, block: Block) -> Raw | None:
        match block:
            case Thinking(signature=signature) if signature:
                return _reasoning(block)
            case ToolCall(ident, name, arguments):
                native = self._own.get(name)
                told = arguments if native else _as_json(arguments)
                item = write_call(shorten(ident, _LONGEST_ID), fit(name), told, native)
                self._kinds[ident] = str(item["type"])
                return item
            case ToolResult():
                return self._result(block)
            case _:
                return None

    def _result(self, result: ToolResult) -> Raw:
        kind = _OUTPUTS[self._kinds.get(result.call_id, "function_call")]
        ident = shorten(result.call_id, _LONGEST_ID)
        if kind == "tool_search_output":
            told = wire.loads(words(result) or "[]")
            item = {"type": kind, "call_id": ident, "execution": "client", "status": "completed"}
            return item | {"tools": told}
        return {"type": kind, "call_id": ident, "output": _output(result)}


def _message(role: Role, parts: list[Raw]) -> Raw:
    return {"type": "message", "role": _ROLES[role], "content": parts}


def _part(block: Block, role: Role) -> Raw | None:
    """Word a block that is a part of a message; None if it is an item of its own."""
    match block:
        case Text(text) if role is Role.ASSISTANT:
            return {"type": "output_text", "text": text, "annotations": []} if text else None
        case Text(text):
            return {"type": "input_text", "text": text} if text else None
        case Image() | Document() if role is not Role.ASSISTANT:
            return write_medium(block)
        case _:
            return None


def write_medium(block: Image | Document) -> Raw:
    """Word a picture or a file."""
    if isinstance(block, Image):
        url = block.url or wire.data_url(block.media_type or "image/png", block.data)
        told: Raw = {"type": "input_image", "image_url": url}
        return told | ({"detail": block.detail} if block.detail else {})
    if block.url:
        return {"type": "input_file", "file_url": block.url}
    if block.media_type.startswith("audio/"):
        sound = {"data": block.data, "format": block.media_type.removeprefix("audio/")}
        return {"type": "input_audio", "input_audio": sound}
    return {
        "type": "input_file",
        "filename": block.name or "document.pdf",
        "file_data": wire.data_url(block.media_type or "application/pdf", block.data),
    }


def _reasoning(block: Thinking) -> Raw:
    item: Raw = {"type": "reasoning", "summary": summary(block)}
    if block.id:
        item["id"] = block.id
    return {**item, "encrypted_content": block.signature}


def summary(block: Thinking) -> list[Raw]:
    """Give the summary of a reasoning item; sealed thinking has none."""
    return [] if block.sealed else [{"type": "summary_text", "text": block.text}]


def _as_json(arguments: str) -> str:
    """Give arguments as JSON whatever the model wrote: providers refuse a broken history."""
    if wire.is_whole_object(arguments):
        return arguments
    return wire.dumps(wire.arguments_object(arguments))


def words(result: ToolResult) -> str:
    """Give all text of a tool's result."""
    return "\n".join(block.text for block in result.blocks if isinstance(block, Text))


def _output(result: ToolResult) -> str | list[Raw]:
    if all(isinstance(block, Text) for block in result.blocks):
        return outcomes.tell(words(result), is_error=result.is_error)
    parts: list[Raw] = [
        {"type": "input_text", "text": block.text}
        if isinstance(block, Text)
        else write_medium(block)
        for block in result.blocks
        if not isinstance(block, Text) or block.text
    ]
    if result.is_error:
        return [{"type": "input_text", "text": outcomes.tell("", is_error=True)}, *parts]
    return parts
