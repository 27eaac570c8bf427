"""Content blocks of Anthropic's dialect, read: in requests, in answers and at a stream's opening.

Blocks that belong to a provider's own tools (server_tool_use and their results) cannot be said
in any other dialect and are passed over; so is what is not known yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from routing.conversation import (
    Block,
    Dialect,
    Document,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from routing.translate import wire
from routing.translate.idents import unspell
from routing.translate.signatures import unwrap, unwrap_call


def read_blocks(content: Any, where: str, origin: str = "") -> tuple[Block, ...]:
    """Read the content of a message: a text, or a list of blocks.

    With an `origin` it comes from the provider who made it, and signatures are his; without one
    from a client, and they carry their origin.

    Raises:
        Malformed: it is neither.
    """
    if isinstance(content, str):
        return (Text(content),) if content else ()
    blocks: list[Block] = []
    signed: tuple[str, str] | None = None  # the signature of the call that comes next
    for place, raw in wire.objects(content, where):
        mark = unwrap_call(wire.text(raw.get("data"), place)) if _is_sealed(raw) else None
        if mark:
            signed = mark
            continue
        block = read_block(raw, place, origin)
        if isinstance(block, ToolCall) and signed:
            block, signed = replace(block, signature=signed[0], origin=signed[1]), None
        if block is not None:
            blocks.append(block)
    return tuple(blocks)


def read_block(raw: Mapping[str, Any], where: str, origin: str = "") -> Block | None:
    """Read one block; None is one that only Anthropic's own servers understand.

    Raises:
        Malformed: it lacks what its type promises.
    """
    match raw.get("type"):
        case "text":
            return Text(wire.text(raw.get("text"), f"{where}.text"), cache_of(raw))
        case "thinking" | "redacted_thinking":
            return _thinking(raw, where, origin)
        case "tool_use":
            return ToolCall(
                unspell(wire.text(raw.get("id"), f"{where}.id")),
                wire.text(raw.get("name"), f"{where}.name"),
                wire.arguments_text(raw.get("input")),
            )
        case "tool_result":
            return ToolResult(
                unspell(wire.text(raw.get("tool_use_id"), f"{where}.tool_use_id")),
                _result_blocks(raw.get("content"), f"{where}.content"),
                is_error=raw.get("is_error") is True,
                cache=cache_of(raw),
            )
        case _:
            return _media(raw, where)


def cache_of(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the cache mark of a block or a tool, if it has one."""
    cache = raw.get("cache_control")
    return cache if isinstance(cache, Mapping) else None


def _is_sealed(raw: Mapping[str, Any]) -> bool:
    return raw.get("type") == "redacted_thinking"


def _thinking(raw: Mapping[str, Any], where: str, origin: str) -> Thinking:
    sealed = _is_sealed(raw)
    signature = wire.text(raw.get("data" if sealed else "signature"), where)
    if not origin:
        signature, origin = unwrap(signature, Dialect.ANTHROPIC)
    words = "" if sealed else wire.text(raw.get("thinking"), f"{where}.thinking")
    return Thinking(words, signature, origin, sealed)


def _result_blocks(content: Any, where: str) -> tuple[Text | Image | Document, ...]:
    return tuple(
        block for block in read_blocks(content, where) if isinstance(block, Text | Image | Document)
    )


def _media(raw: Mapping[str, Any], where: str) -> Block | None:
    match raw.get("type"):
        case "image":
            return _image(raw, where)
        case "document":
            return _document(raw, where)
        case "search_result":
            parts = (raw.get("title"), raw.get("source"), _words(raw.get("content"), where))
            return Text("\n".join(str(part) for part in parts if part), cache_of(raw))
        case "tool_reference":
            return Text(f"The tool {raw.get('tool_name', '')} can be used.")
        case _:
            return None


def _image(raw: Mapping[str, Any], where: str) -> Image | Text:
    source = wire.mapping(raw.get("source"), f"{where}.source")
    match source.get("type"):
        case "base64":
            return Image(
                wire.text(source.get("media_type"), where),
                wire.text(source.get("data"), where),
                cache=cache_of(raw),
            )
        case "url":
            return Image(url=wire.text(source.get("url"), where), cache=cache_of(raw))
        case _:
            return _elsewhere("image", source)


def _document(raw: Mapping[str, Any], where: str) -> Document | Text:
    source = wire.mapping(raw.get("source"), f"{where}.source")
    name = wire.text(raw.get("title"), f"{where}.title")
    media_type = wire.text(source.get("media_type"), where)
    cache = cache_of(raw)
    match source.get("type"):
        case "base64":
            return Document(media_type, wire.text(source.get("data"), where), "", name, cache)
        case "text":
            plain = wire.to_base64(wire.text(source.get("data"), where))
            return Document(media_type or "text/plain", plain, "", name, cache)
        case "url":
            url = wire.text(source.get("url"), where)
            return Document("application/pdf", "", url, name, cache)
        case "content":
            return Text(_words(source.get("content"), where), cache)
        case _:
            return _elsewhere("document", source)


def _words(content: Any, where: str) -> str:
    blocks = read_blocks(content, where)
    return "\n".join(block.text for block in blocks if isinstance(block, Text))


def _elsewhere(kind: str, source: Mapping[str, Any]) -> Text:
    return Text(f"[The {kind} {source.get('file_id', '')} lies with another provider.]")
