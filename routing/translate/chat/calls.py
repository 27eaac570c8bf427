"""Tool calls in the chat dialect.

A signature that Gemini wants back with a call stands where Gemini's own chat endpoint has it:
`extra_content.google.thought_signature`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routing.conversation import Dialect, ToolCall
from routing.translate import freeform, wire
from routing.translate.idents import made
from routing.translate.signatures import unwrap


def read_calls(raw: Any, where: str, origin: str = "") -> Iterator[ToolCall]:
    """Read the calls of a whole message; without an origin they came from a client.

    Raises:
        Malformed: it is no list of calls.
    """
    for place, call in wire.objects(raw, where):
        told = wire.part(call, "custom") or wire.part(call, "function")
        given = told.get("input") if call.get("type") == "custom" else told.get("arguments")
        name = wire.text(told.get("name"), f"{place}.function.name")
        arguments = wire.arguments_text(given)
        if call.get("type") == "custom":
            arguments = freeform.pack(arguments)
        elif not origin:
            arguments = _as_the_model_wrote(arguments)
        ident = wire.text(call.get("id"), f"{place}.id") or made("call_", place, name, arguments)
        signature, owner = read_signature(call, origin)
        yield ToolCall(ident, name, arguments, signature, owner)


def read_signature(call: Mapping[str, Any], origin: str = "") -> tuple[str, str]:
    """Give (signature, origin) of a call; both are empty where it has none."""
    signature = wire.part(call, "extra_content", "google").get("thought_signature")
    if not isinstance(signature, str) or not signature:
        return "", ""
    return (signature, origin) if origin else unwrap(signature, Dialect.CHAT)


def write_call(ident: str, name: str, arguments: str, signature: str = "") -> dict[str, Any]:
    """Write a call of a tool."""
    told = {"name": name, "arguments": arguments}
    raw: dict[str, Any] = {"id": ident, "type": "function", "function": told}
    if signature:
        raw["extra_content"] = {"google": {"thought_signature": signature}}
    return raw


def write_text_call(ident: str, name: str, text: str) -> dict[str, Any]:
    """Write a call of a tool that takes plain text."""
    return {"id": ident, "type": "custom", "custom": {"name": name, "input": text}}


def _as_the_model_wrote(arguments: str) -> str:
    """Take out of its wrapping what `request_out` wrapped because it was no JSON."""
    if wire.MALFORMED_KEY not in arguments:
        return arguments
    told = wire.arguments_object(arguments)
    plain = wire.arguments_text(told)
    return plain if list(told) == [wire.MALFORMED_KEY] else arguments
