"""Is it a picture? Providers look into what they are sent, and so does the fake."""

from __future__ import annotations

import base64
import binascii

from tests.fake_provider.refused import Refused, need

_MAGIC = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}


def base64_bytes(data: object, where: str) -> bytes:
    """Give the bytes of a base64 text."""
    if not isinstance(data, str) or not data:
        raise Refused(f"{where}: Field required")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Refused(f"{where}: invalid base64 data") from None


def picture(media_type: object, data: object, where: str) -> None:
    """Refuse bytes that are not the picture they are said to be."""
    need(
        media_type in _MAGIC,
        f"{where}.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or "
        "'image/webp'",
    )
    begin = base64_bytes(data, f"{where}.data")[:12]
    need(begin.startswith(_MAGIC[str(media_type)]), f"{where}: Could not process image")


def url(given: object, where: str) -> None:
    """Refuse a picture's address that is neither https nor a good data URL."""
    text = given if isinstance(given, str) else ""
    if text.startswith("data:"):
        head, _, data = text[5:].partition(",")
        need(head.endswith(";base64"), f"{where}: Invalid base64 image_url.")
        picture(head.removesuffix(";base64"), data, where)
        return
    need(text.startswith(("https://", "http://")), f"{where}: Invalid image URL {text[:40]!r}.")
