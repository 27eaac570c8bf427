"""JSON as it stands on the wire: read with care, written fast.

Reading a client's or a provider's body asks for a field and its kind in one step, and what is
not so is `Malformed` with the place named. Arguments of tool calls are the one text that a model
may get wrong: nothing here raises on them and nothing of them is lost.

Knows JSON, data URLs and no dialect.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, NoReturn

from routing.translate.dialect import Malformed

MALFORMED_KEY = "malformed_arguments"

# A JSON string in ASCII: bytes of the wire need no thought for surrogates, and it is C code.
quote = encode_basestring_ascii
_encoder = json.JSONEncoder(separators=(",", ":"))


def dumps(value: Any) -> str:
    """Write a value as compact JSON in ASCII."""
    return _encoder.encode(value)


def loads(text: str) -> Any:
    """Read the JSON of a frame or a body.

    Raises:
        Malformed: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def arguments_object(text: str) -> dict[str, Any]:
    """Give the arguments of a tool call as an object; what is none is kept as text in one."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return {MALFORMED_KEY: text}
    return value if isinstance(value, dict) else {MALFORMED_KEY: text}


def arguments_text(value: Any) -> str:
    """Give the arguments of a tool call as text, whatever form they came in."""
    match value:
        case None:
            return ""
        case str():
            return value
        case {**keys} if list(keys) == [MALFORMED_KEY] and isinstance(keys[MALFORMED_KEY], str):
            return str(keys[MALFORMED_KEY])
    return dumps(value)


def is_whole_object(text: str) -> bool:
    """Tell whether arguments are a complete JSON object."""
    return MALFORMED_KEY not in arguments_object(text) and bool(text.strip())


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Give a value that must be an object.

    Raises:
        Malformed: it is none.
    """
    if isinstance(value, Mapping):
        return value
    raise Malformed(f"{where} must be an object.")


def items(value: Any, where: str) -> Sequence[Any]:
    """Give a value that must be a list; null is an empty one.

    Raises:
        Malformed: it is none.
    """
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return value
    raise Malformed(f"{where} must be a list.")


def objects(value: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the objects of a list with the place of each.

    Raises:
        Malformed: it is no list, or holds something else.
    """
    for at, item in enumerate(items(value, where)):
        yield f"{where}[{at}]", mapping(item, f"{where}[{at}]")


def text(value: Any, where: str) -> str:
    """Give a value that must be text; null is empty.

    Raises:
        Malformed: it is none.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise Malformed(f"{where} must be text.")


def whole(value: Any, where: str) -> int | None:
    """Give a value that must be a whole number or null.

    Raises:
        Malformed: it is none.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise Malformed(f"{where} must be a whole number.")


def number(value: Any, where: str) -> float | None:
    """Give a value that must be a number or null.

    Raises:
        Malformed: it is none.
    """
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise Malformed(f"{where} must be a number.")


def count(value: Any) -> int:
    """Give a token count of a provider; what is no number counts nothing."""
    if isinstance(value, int | float) and 0 < value < math.inf:
        return int(value)
    return 0


def part(body: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Give an object inside objects; whatever is missing or null on the way is empty."""
    for name in names:
        inner = body.get(name)
        body = inner if isinstance(inner, Mapping) else {}
    return body


def data_url(media_type: str, data: str) -> str:
    """Write base64 data as a URL."""
    return f"data:{media_type};base64,{data}"


def of_data_url(url: str) -> tuple[str, str] | None:
    """Give (media type, base64 data) of a data URL; None for any other."""
    head, comma, data = url.partition(",")
    if not head.startswith("data:") or not comma:
        return None
    media_type, _, coding = head.removeprefix("data:").partition(";")
    if coding.endswith("base64"):
        return media_type, data
    return media_type or "text/plain", to_base64(data)


def to_base64(plain: str) -> str:
    """Write text as base64 of its UTF-8."""
    return base64.b64encode(plain.encode(errors="surrogatepass")).decode()


def from_base64(data: str) -> str:
    """Read text from base64; what is no text comes with marks where it is not."""
    try:
        return base64.b64decode(data).decode(errors="replace")
    except binascii.Error:
        return data


def merge(body: dict[str, Any], extras: Mapping[str, Any]) -> None:
    """Add fields that only this dialect knows; what is written already wins."""
    for name, value in extras.items():
        if isinstance(value, Mapping) and isinstance(body.get(name), Mapping):
            body[name] = {**value, **body[name]}
        else:
            body.setdefault(name, value)
