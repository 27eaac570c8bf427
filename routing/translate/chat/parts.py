"""Parts of a message's content in the chat dialect: text, images, files, sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routing.conversation import Block, Document, Image, Text
from routing.translate import wire

Part = Text | Image | Document

_SOUND = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
_SOUND_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}


def read_content(content: Any, where: str) -> tuple[Part, ...]:
    """Read the content of a message: a text, or a list of parts.

    Raises:
        Malformed: it is neither.
    """
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),) if content else ()
    read = (_part(raw, place) for place, raw in wire.objects(content, where))
    return tuple(part for part in read if part is not None)


def _part(raw: Mapping[str, Any], where: str) -> Part | None:
    match raw.get("type"):
        case "text":
            return Text(wire.text(raw.get("text"), f"{where}.text"))
        case "refusal":
            return Text(wire.text(raw.get("refusal"), f"{where}.refusal"))
        case "image_url":
            return _image(raw.get("image_url"), where)
        case "input_audio":
            sound = wire.mapping(raw.get("input_audio"), f"{where}.input_audio")
            kind = wire.text(sound.get("format"), where)
            data = wire.text(sound.get("data"), where)
            return Document(_SOUND_TYPES.get(kind, f"audio/{kind}"), data)
        case "file":
            return _file(wire.mapping(raw.get("file"), f"{where}.file"), where)
        case _:
            return None


def _image(raw: Any, where: str) -> Image:
    told = {"url": raw} if isinstance(raw, str) else wire.mapping(raw, f"{where}.image_url")
    url = wire.text(told.get("url"), f"{where}.image_url.url")
    detail = wire.text(told.get("detail"), f"{where}.image_url.detail")
    inline = wire.of_data_url(url)
    if inline is None:
        return Image(url=url, detail=detail)
    return Image(inline[0], inline[1], detail=detail)


def _file(raw: Mapping[str, Any], where: str) -> Document | Text:
    name = wire.text(raw.get("filename"), f"{where}.filename")
    data = wire.text(raw.get("file_data"), f"{where}.file_data")
    if not data:
        return Text(f"[The file {raw.get('file_id', '')} lies with another provider.]")
    inline = wire.of_data_url(data)
    if inline is not None:
        return Document(inline[0], inline[1], name=name)
    if data.startswith(("http://", "https://")):
        return Document("application/pdf", url=data, name=name)
    return Document("application/pdf", data, name=name)


def write_content(parts: Iterable[Part]) -> str | list[dict[str, Any]]:
    """Write the content of a message; a single text stands alone, as all servers take it."""
    said = [part for part in parts if not isinstance(part, Text) or part.text]
    if len(said) == 1 and isinstance(said[0], Text):
        return said[0].text
    return [_write(part) for part in said]


def _write(part: Part) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image():
            url = part.url or wire.data_url(part.media_type, part.data)
            told = {"url": url, "detail": part.detail} if part.detail else {"url": url}
            return {"type": "image_url", "image_url": told}
        case Document():
            return _write_document(part)


def _write_document(document: Document) -> dict[str, Any]:
    name, media_type = document.name, document.media_type
    if document.url:
        return {"type": "text", "text": f"[Document {name or 'without a name'}: {document.url}]"}
    if media_type in _SOUND:
        sound = {"data": document.data, "format": _SOUND[media_type]}
        return {"type": "input_audio", "input_audio": sound}
    if media_type.startswith("text/") or media_type == "application/json":
        words = wire.from_base64(document.data)
        return {"type": "text", "text": f"{name}\n\n{words}" if name else words}
    data = wire.data_url(media_type, document.data)
    return {"type": "file", "file": {"filename": name or "document.pdf", "file_data": data}}


def words_of(blocks: Iterable[Block], between: str) -> str:
    """Give all text of some blocks as one."""
    return between.join(block.text for block in blocks if isinstance(block, Text) and block.text)
