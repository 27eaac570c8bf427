"""Tools of the chat dialect: functions, and tools that take plain text (`custom`).

To other dialects a tool of plain text is a function with one argument; `Tool.native` remembers
what it was, for a provider of this dialect and for the client who brought it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routing.conversation import Dialect, Tool, ToolChoice
from routing.translate import freeform, schemas, wire
from routing.translate.names import fit


def read_tool(raw: Mapping[str, Any], place: str) -> Tool:
    """Read a tool; what is neither a function nor one of plain text is a provider's own.

    Raises:
        Malformed: it is not what the dialect promises.
    """
    match raw.get("type"):
        case "function":
            return _function(wire.mapping(raw.get("function"), f"{place}.function"), place)
        case "custom":
            told = wire.mapping(raw.get("custom"), f"{place}.custom")
            form = wire.part(told, "format")
            return Tool(
                wire.text(told.get("name"), f"{place}.custom.name"),
                freeform.described(
                    wire.text(told.get("description"), f"{place}.custom.description"),
                    {**form, **wire.part(form, "grammar")},
                ),
                freeform.SCHEMA,
                origin=Dialect.CHAT,
                native=raw,
            )
        case kind:
            return Tool(wire.text(kind, f"{place}.type"), builtin=raw, origin=Dialect.CHAT)


def _function(told: Mapping[str, Any], place: str) -> Tool:
    strict = told.get("strict")
    return Tool(
        wire.text(told.get("name"), f"{place}.function.name"),
        wire.text(told.get("description"), f"{place}.function.description"),
        wire.mapping(told.get("parameters") or {}, f"{place}.function.parameters"),
        strict if isinstance(strict, bool) else None,
    )


def texts(tools: Iterable[Tool]) -> frozenset[str]:
    """Give the names of the tools that take plain text here."""
    return frozenset(
        tool.name for tool in tools if tool.native is not None and tool.origin == Dialect.CHAT
    )


def write_tool(tool: Tool) -> dict[str, Any]:
    """Word a tool for a provider."""
    if tool.origin == Dialect.CHAT and (own := tool.builtin or tool.native):
        return dict(own)
    told: dict[str, Any] = {"name": fit(tool.name), "parameters": schemas.of_object(tool.schema)}
    if tool.description:
        told["description"] = tool.description
    # OpenAI refuses to be strict about a schema that leaves anything open.
    if tool.strict is False or (tool.strict and schemas.is_exact(told["parameters"])):
        told["strict"] = tool.strict
    return {"type": "function", "function": told}


def write_choice(choice: ToolChoice, tools: Iterable[Tool]) -> Any:
    """Word which tool the model shall take."""
    if choice.mode != "tool":
        return "required" if choice.mode == "any" else choice.mode
    if choice.name in texts(tools):
        return {"type": "custom", "custom": {"name": choice.name}}
    return {"type": "function", "function": {"name": fit(choice.name)}}
