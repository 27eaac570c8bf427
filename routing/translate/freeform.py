"""Tools that take plain text instead of JSON (`custom` tools), for dialects that have none.

Such a tool becomes a function with one argument, and a call of it is read back as plain text.
Codex's apply_patch is one. Knows no wire format but theirs: the object with the one argument.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from routing.translate import wire

ARGUMENT = "input"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {ARGUMENT: {"type": "string", "description": "The tool's input, as it is."}},
    "required": [ARGUMENT],
    "additionalProperties": False,
}
# A call in pieces: what stands before and after the text, whose pieces are escaped one by one.
HEAD = '{"' + ARGUMENT + '":"'
TAIL = '"}'


def described(description: str, form: Mapping[str, Any]) -> str:
    """Add to a description what form the text must have, for models that are not held to it."""
    definition = form.get("definition")
    if form.get("type") != "grammar" or not definition:
        return description
    syntax = form.get("syntax", "")
    return f"{description}\n\nThe input must follow this {syntax} grammar:\n{definition}".lstrip()


def pack(text: str) -> str:
    """Give the arguments of a call with this text."""
    return HEAD + escape(text) + TAIL


def escape(piece: str) -> str:
    """Give a piece of the text as it stands inside the arguments."""
    return json.dumps(piece, ensure_ascii=False)[1:-1]


def unpack(arguments: str) -> str:
    """Give the text of a call; what is not of the one argument is given as it is."""
    told = wire.arguments_object(arguments)
    text = told.get(ARGUMENT)
    return text if isinstance(text, str) and len(told) == 1 else arguments
