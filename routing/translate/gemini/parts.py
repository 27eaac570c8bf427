"""The parts of a Gemini content, read and written: what requests and answers share.

Gemini takes fields in camel case and in snake case alike, so reading does too. Nothing here
knows a request's settings or a stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from routing.conversation import Block, Dialect, Document, Image, Text, Thinking, ToolCall
from routing.translate import signatures, wire

_URLSAFE = str.maketrans("-_", "+/")
_UNKNOWN = signatures.origin_of(Dialect.GEMINI, "")
_OWN = ("", _UNKNOWN, signatures.origin_of(Dialect.GEMINI, "gemini"))
_MEDIA_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "pdf": "application/pdf",
}


def pick(body: Mapping[str, Any], name: str) -> Any:
    """Give a field by its camel-case name, or by the same name in snake case; None if absent."""
    if name in body:
        return body[name]
    return body.get(_snake(name))


@cache
def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)


def inner(body: Mapping[str, Any], name: str, where: str = "") -> Mapping[str, Any]:
    """Give an object inside an object; an absent one is empty.

    Raises:
        Malformed: it is something else.
    """
    value = pick(body, name)
    return {} if value is None else wire.mapping(value, f"{where}{name}")


def listed(value: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the objects of a list with their places; Gemini takes one object for a list of one.

    Raises:
        Malformed: it is no list of objects.
    """
    return wire.objects([value] if isinstance(value, Mapping) else value, where)


# -- signatures -----------------------------------------------------------------------------------
def signed(part: Mapping[str, Any], family: str | None, where: str) -> tuple[str, str]:
    """Give a part's signature and its origin: a provider's of this family, or a client's (None).

    Raises:
        Malformed: the signature is no text.
    """
    text = wire.text(pick(part, "thoughtSignature"), f"{where}.thoughtSignature")
    if family is not None:
        return text, signatures.origin_of(Dialect.GEMINI, family)
    # Google's clients send the same bytes back in the other alphabet of base64.
    plain, origin = signatures.unwrap_base64(text.translate(_URLSAFE), Dialect.GEMINI)
    return (text if origin == _UNKNOWN else plain), origin


def mark(signature: str, origin: str) -> str:
    """Word a signature for a client, so that it comes back with its origin.

    Thinking of others is marked even where it has no signature: else it would come back as
    Gemini's own.
    """
    if not signature and origin in _OWN:
        return ""
    return signatures.wrap_base64(signature, origin)


# -- pictures and files ---------------------------------------------------------------------------
def read_medium(part: Mapping[str, Any], where: str) -> Image | Document | None:
    """Understand inlineData or fileData; None where the part has neither."""
    if (inline := pick(part, "inlineData")) is not None:
        blob = wire.mapping(inline, f"{where}.inlineData")
        media_type = wire.text(pick(blob, "mimeType"), f"{where}.inlineData.mimeType")
        data = wire.text(blob.get("data"), f"{where}.inlineData.data")
        return _medium(media_type, data=data)
    if (remote := pick(part, "fileData")) is not None:
        file = wire.mapping(remote, f"{where}.fileData")
        url = wire.text(pick(file, "fileUri"), f"{where}.fileData.fileUri")
        media_type = wire.text(pick(file, "mimeType"), f"{where}.fileData.mimeType")
        return _medium(media_type or media_type_of(url), url=url)
    return None


def _medium(media_type: str, *, data: str = "", url: str = "") -> Image | Document:
    if media_type.startswith("image/"):
        return Image(media_type, data, url)
    return Document(media_type, data, url)


def write_medium(block: Image | Document) -> dict[str, Any]:
    """Word a picture or a file. Its name is left out: the Gemini API refuses it."""
    if block.url:
        media_type = block.media_type or media_type_of(block.url)
        told = {"fileUri": block.url}
        return {"fileData": told | ({"mimeType": media_type} if media_type else {})}
    usual = "image/png" if isinstance(block, Image) else "application/octet-stream"
    return {"inlineData": {"mimeType": block.media_type or usual, "data": block.data}}


def media_type_of(url: str) -> str:
    """Guess the media type of a link by its ending; empty if it says nothing."""
    path = url.partition("?")[0].partition("#")[0]
    return _MEDIA_TYPES.get(path.rpartition(".")[2].lower(), "")


# -- what a model says ----------------------------------------------------------------------------
def code_text(part: Mapping[str, Any]) -> str:
    """Give code that the model ran, or what came of it, as text that all dialects can carry."""
    if isinstance(code := pick(part, "executableCode"), Mapping):
        language = str(code.get("language", "")).lower()
        return f"```{language}\n{code.get('code', '')}\n```\n"
    if isinstance(result := pick(part, "codeExecutionResult"), Mapping):
        return f"```\n{result.get('output', '')}\n```\n"
    return ""


def add(blocks: list[Block], block: Block, *, thought: bool) -> None:
    """Add what a part said; streams send texts and thoughts in pieces, which belong together.

    `thought`: it came in a part that is marked so. A thought that is only the signature of a
    text is none, and stays apart.
    """
    before = blocks[-1] if blocks else None
    match before, block:
        case Text(), Text():
            blocks[-1] = Text(before.text + block.text)
        case Thinking(signature="", sealed=False), Thinking(sealed=False) if thought:
            text = before.text + block.text
            blocks[-1] = Thinking(text, block.signature, block.origin or before.origin)
        case _:
            blocks.append(block)


def write_call(call: ToolCall, name: str) -> dict[str, Any]:
    """Word a call, unsigned."""
    told = {"name": name, "args": wire.arguments_object(call.arguments)}
    return {"functionCall": {"id": call.id, **told} if call.id else told}
