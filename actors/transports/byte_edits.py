"""The smallest changes to the bytes of a JSON object: another model, one more member.

A relayed request keeps its spacing, its order of members and its spelling of numbers; it is not
parsed and written again. Only members of the outermost object are touched: what a tool's schema
or a prompt calls "model" stays as it is. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

# A whole string, or a bracket. Everything between them is numbers, words, commas and space.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
_MODEL = b'"model"'
_ESCAPED = b"\\u00"  # how a letter of "model" could be hidden
_USAGE = b'"stream_options":{"include_usage":true}'


class EditFailed(ValueError):
    """The bytes do not have what was to be replaced."""


def with_model(raw: bytes, model: str) -> bytes:
    """Give the object with another `model`; the same bytes, if it names that one already.

    Raises:
        EditFailed: the object names no model as a string.
    """
    named = json.dumps(model).encode()
    spans = list(_models(raw))
    if not spans:
        raise EditFailed("the request names no model")
    for begin, end in reversed(spans):
        if raw[begin:end] != named:
            raw = raw[:begin] + named + raw[end:]
    return raw


def ask_for_usage(raw: bytes) -> tuple[bytes, bool]:
    """Let a chat request also ask for usage; tells whether it did not by itself.

    One that has stream_options of its own keeps them.
    """
    begin = raw.find(b"{")
    if begin < 0 or any(key == "stream_options" for key, _ in _members(raw)):
        return raw, False
    follows = raw[begin + 1 :].lstrip()
    comma = b"" if follows.startswith(b"}") else b","
    return raw[: begin + 1] + _USAGE + comma + raw[begin + 1 :], True


def _models(raw: bytes) -> Iterator[tuple[int, int]]:
    """Give the spans of the model's name; a doubled member has several."""
    for key, at in _members(raw):
        if key != "model":
            continue
        value = _TOKEN.match(raw, at)
        if value is None or raw[at : at + 1] != b'"':
            raise EditFailed("model is not a string")
        yield value.span()
        if raw.find(_MODEL, value.end()) < 0 and raw.find(_ESCAPED, value.end()) < 0:
            return  # the rest, which may be long, has no second one


def _members(raw: bytes) -> Iterator[tuple[str, int]]:
    """Give the names of the outermost members, and where their values begin."""
    depth = 0
    for token in _TOKEN.finditer(raw):
        match raw[token.start()]:
            case 0x7B | 0x5B:  # { and [
                depth += 1
            case 0x7D | 0x5D:
                depth -= 1
            case _ if depth == 1:
                colon = _COLON.match(raw, token.end())
                if colon is not None:
                    yield _plain(token.group()), colon.end()


def _plain(token: bytes) -> str:
    return str(json.loads(token)) if b"\\" in token else token[1:-1].decode()
