"""Content blocks of Anthropic's dialect, written: to clients and to providers.

Empty text is left out, because the API refuses it; what the dialect cannot hold at all (sound)
becomes a sentence that says so, for the model to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routing.conversation import (
    Block,
    Document,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from routing.translate import wire
from routing.translate.idents import spell
from routing.translate.names import fit
from routing.translate.signatures import wrap

PDF = "application/pdf"

Raw = dict[str, Any]


def write_blocks(blocks: Iterable[Block]) -> list[Raw]:
    """Write the blocks of a message to a provider."""
    return [raw for block in blocks if (raw := _write(block)) is not None]


def _write(block: Block) -> Raw | None:
    match block:
        case Text(text, cache):
            return _cached({"type": "text", "text": text}, cache) if text.strip() else None
        case Thinking():
            return thinking_block(block, block.signature)
        case ToolCall(ident, name, arguments):
            return call_block(ident, fit(name), wire.arguments_object(arguments))
        case ToolResult():
            return _result(block)
        case Image():
            return _cached({"type": "image", "source": _image_source(block)}, block.cache)
        case Document():
            return _document(block)


def call_block(ident: str, name: str, arguments: Raw) -> Raw:
    """Write a call of a tool."""
    return {"type": "tool_use", "id": spell(ident), "name": name, "input": arguments}


def thinking_block(block: Thinking, signature: str) -> Raw:
    """Write thinking with its signature, as its maker or as a client shall have it."""
    if block.sealed:
        return {"type": "redacted_thinking", "data": signature}
    return {"type": "thinking", "thinking": block.text, "signature": signature}


def towards_client(block: Thinking) -> Raw:
    """Write thinking with a signature that says whose it is."""
    return thinking_block(block, wrap(block.signature, block.origin))


def _cached(raw: Raw, cache: Any) -> Raw:
    if cache is not None:
        raw["cache_control"] = cache
    return raw


def _result(result: ToolResult) -> Raw:
    raw: Raw = {"type": "tool_result", "tool_use_id": spell(result.call_id)}
    content = write_blocks(result.blocks)
    if content:
        raw["content"] = content
    if result.is_error:
        raw["is_error"] = True
    return _cached(raw, result.cache)


def _image_source(image: Image) -> Raw:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _document(document: Document) -> Raw | None:
    source = _document_source(document)
    if source is None:
        kind = document.media_type or "unknown"
        return {"type": "text", "text": f"[A file of the type {kind} that cannot be shown here.]"}
    raw: Raw = {"type": "document", "source": source}
    if document.name:
        raw["title"] = document.name
    return _cached(raw, document.cache)


def _document_source(document: Document) -> Raw | None:
    if document.url:
        return {"type": "url", "url": document.url}
    if document.media_type == PDF:
        return {"type": "base64", "media_type": PDF, "data": document.data}
    if document.media_type.startswith("text/") or document.media_type == "application/json":
        plain = wire.from_base64(document.data)
        return {"type": "text", "media_type": "text/plain", "data": plain}
    return None
