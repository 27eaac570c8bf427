"""The tools of the Responses dialect, both ways.

Besides functions a client brings tools that take plain text (`custom`), tools in namespaces and
a search for more tools that he runs himself. To other dialects each is a function; `Tool.native`
remembers what it was. What the provider runs himself (web search) only he can be told of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from routing.conversation import Dialect, Tool, ToolChoice
from routing.translate import freeform, schemas, wire
from routing.translate.dialect import Malformed
from routing.translate.names import fit

Raw = dict[str, Any]

_MODES = {"auto": "auto", "none": "none", "required": "any"}
_WORDS = {"auto": "auto", "none": "none", "any": "required"}


def full_name(space: str, name: str) -> str:
    """Give the name of a tool in a namespace, as others know it."""
    if not space:
        return name
    return f"{space}{name}" if space.endswith("__") else f"{space}__{name}"


# -- understanding --------------------------------------------------------------------------------
def read_tools(value: Any) -> tuple[Tool, ...]:
    """Understand the tools of a request; those in a namespace stand for themselves.

    Raises:
        Malformed: one is not what the dialect promises.
    """
    told = [tool for where, raw in wire.objects(value, "tools") for tool in _read(raw, where)]
    # A search may find a tool again that is there already.
    return tuple({tool.name: tool for tool in told if not tool.builtin}.values()) + tuple(
        tool for tool in told if tool.builtin
    )


def _read(raw: Mapping[str, Any], where: str) -> Iterator[Tool]:
    match raw.get("type"):
        case "function":
            yield _function(raw, where)
        case "custom":
            description = wire.text(raw.get("description"), f"{where}.description")
            form = wire.part(raw, "format")
            yield Tool(
                _name(raw, where),
                freeform.described(description, form),
                freeform.SCHEMA,
                origin=Dialect.RESPONSES,
                native=raw,
            )
        case "namespace":
            yield from _namespace(raw, where)
        case "tool_search" if raw.get("execution") == "client":
            description = wire.text(raw.get("description"), f"{where}.description")
            schema = wire.part(raw, "parameters")
            yield Tool("tool_search", description, schema, origin=Dialect.RESPONSES, native=raw)
        case _:
            yield Tool(str(raw.get("type")), builtin=raw, origin=Dialect.RESPONSES)


def _namespace(raw: Mapping[str, Any], where: str) -> Iterator[Tool]:
    space = _name(raw, where)
    for place, inner in wire.objects(raw.get("tools"), f"{where}.tools"):
        for tool in _read(inner, place):
            native = {**raw, "tools": [inner]}
            name = full_name(space, tool.name)
            yield replace(tool, name=name, origin=Dialect.RESPONSES, native=native)


def _function(raw: Mapping[str, Any], where: str) -> Tool:
    strict = raw.get("strict")
    return Tool(
        _name(raw, where),
        wire.text(raw.get("description"), f"{where}.description"),
        wire.mapping(raw.get("parameters") or {}, f"{where}.parameters"),
        strict if isinstance(strict, bool) else None,
    )


def _name(raw: Mapping[str, Any], where: str) -> str:
    name = wire.text(raw.get("name"), f"{where}.name")
    if not name:
        raise Malformed(f"{where}.name is missing.")
    return name


def read_choice(value: Any, parallel: Any) -> tuple[ToolChoice | None, frozenset[str]]:
    """Give the choice, and the names of the only tools allowed (empty: all are).

    Raises:
        Malformed: it is not what the dialect promises.
    """
    alone = parallel if isinstance(parallel, bool) else None
    if isinstance(value, str):
        if value not in _MODES:
            raise Malformed("tool_choice must be auto, none, required or an object.")
        return ToolChoice(_MODES[value], parallel=alone), frozenset()
    if value is None:
        return (None if alone is None else ToolChoice(parallel=alone)), frozenset()
    choice = wire.mapping(value, "tool_choice")
    match choice.get("type"):
        case "function" | "custom":
            name = wire.text(choice.get("name"), "tool_choice.name")
            return ToolChoice("tool", name, alone), frozenset()
        case "allowed_tools":
            names = {
                str(tool.get("name") or tool.get("type"))
                for _, tool in wire.objects(choice.get("tools"), "tool_choice.tools")
            }
            mode = _MODES.get(str(choice.get("mode")), "auto")
            return ToolChoice(mode, parallel=alone), frozenset(names)
        case _:
            return ToolChoice("tool", str(choice.get("type")), alone), frozenset()


# -- wording --------------------------------------------------------------------------------------
def write_tools(tools: Iterable[Tool], origin: str) -> list[Raw]:
    """Word the tools for a provider; `origin` is the dialect of the request."""
    told: list[Raw] = []
    spaces: dict[str, Raw] = {}
    for tool in tools:
        if tool.builtin is not None:
            if tool.origin == Dialect.RESPONSES:
                told.append(dict(tool.builtin))
        elif tool.native is None or tool.origin != Dialect.RESPONSES:
            told.append(_write_function(tool, origin))
        elif tool.native.get("type") != "namespace":
            told.append(dict(tool.native))
        elif (space := str(tool.native["name"])) in spaces:
            spaces[space]["tools"] += tool.native["tools"]
        else:
            spaces[space] = {**tool.native, "tools": list(tool.native["tools"])}
            told.append(spaces[space])
    return told


def _write_function(tool: Tool, origin: str) -> Raw:
    told: Raw = {
        "type": "function",
        "name": fit(tool.name),
        "parameters": schemas.of_object(tool.schema),
    }
    if tool.description:
        told["description"] = tool.description
    if tool.strict is not None:
        told["strict"] = tool.strict
    elif origin != Dialect.RESPONSES:
        told["strict"] = False  # left unsaid it would be held strictly here, as nowhere else
    return told


def write_choice(choice: ToolChoice, tools: Iterable[Tool]) -> str | Raw:
    """Word which tool the model shall take."""
    if choice.mode != "tool":
        return _WORDS[choice.mode]
    for tool in tools:
        if tool.name == choice.name and tool.origin == Dialect.RESPONSES:
            if tool.builtin is not None:
                return {"type": tool.name}
            if tool.native is not None and tool.native.get("type") == "custom":
                return {"type": "custom", "name": choice.name}
    return {"type": "function", "name": fit(choice.name)}


def natives(tools: Iterable[Tool]) -> dict[str, Mapping[str, Any]]:
    """Map the names of tools that are no plain functions to what they are in this dialect."""
    return {
        tool.name: tool.native
        for tool in tools
        if tool.native is not None and tool.origin == Dialect.RESPONSES
    }


def write_call(ident: str, name: str, arguments: str, native: Mapping[str, Any] | None) -> Raw:
    """Word a call as the item that its tool asks for."""
    match (native or {}).get("type"):
        case "custom":
            text = freeform.unpack(arguments)
            return {"type": "custom_tool_call", "call_id": ident, "name": name, "input": text}
        case "tool_search":
            told = wire.arguments_object(arguments)
            return {
                "type": "tool_search_call",
                "call_id": ident,
                "execution": "client",
                "arguments": told,
            }
        case "namespace":
            assert native is not None
            inner = native["tools"][0]
            space = str(native["name"])
            item = write_call(ident, str(inner["name"]), arguments, inner)
            return {**item, "namespace": space}
        case _:
            pass
    item = {"type": "function_call", "call_id": ident, "name": name}
    return {**item, "arguments": arguments or "{}"}
