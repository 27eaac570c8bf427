"""A client's request in Anthropic's dialect, understood.

Lenient by purpose: it also reads what is relayed as it is, so nothing that the API takes may
fail here, though parts of it can only be dropped by other dialects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.conversation import (
    Ask,
    Dialect,
    Message,
    Reasoning,
    Role,
    Shape,
    Text,
    Tool,
    ToolChoice,
)
from routing.translate import wire
from routing.translate.anthropic.blocks_in import cache_of, read_blocks
from routing.translate.dialect import Body, Malformed
from routing.translate.names import fit
from routing.translate.turns import named

# Fields that are understood, and those that would tell a third party who asks.
_UNDERSTOOD = frozenset({
    "model", "messages", "system", "tools", "tool_choice", "max_tokens", "temperature", "top_p",
    "top_k", "stop_sequences", "thinking", "output_config", "output_format", "stream",
})  # fmt: skip
_IDENTITIES = frozenset({"metadata", "user_profile_id", "workspace_id"})
# Fields of a tool that have a place in `Tool`; the others are kept beside it.
_TOOL_FIELDS = frozenset({"name", "description", "input_schema", "strict", "cache_control", "type"})


def read_request(body: Body) -> Ask:
    """Understand a client's request.

    Raises:
        Malformed: it is not what the dialect promises.
    """
    model = wire.text(body.get("model"), "model")
    if not model:
        raise Malformed("model is missing: name the model that shall answer.")
    if "messages" not in body:
        raise Malformed("messages is missing: give at least one message.")
    output = wire.part(body, "output_config")
    return Ask(
        model=model,
        messages=named(
            _message(raw, place) for place, raw in wire.objects(body["messages"], "messages")
        ),
        system=_system(body.get("system")),
        tools=tuple(_tool(raw, place) for place, raw in wire.objects(body.get("tools"), "tools")),
        tool_choice=_tool_choice(body.get("tool_choice")),
        max_tokens=wire.whole(body.get("max_tokens"), "max_tokens"),
        temperature=wire.number(body.get("temperature"), "temperature"),
        top_p=wire.number(body.get("top_p"), "top_p"),
        top_k=wire.whole(body.get("top_k"), "top_k"),
        stop=tuple(
            wire.text(item, "stop_sequences")
            for item in wire.items(body.get("stop_sequences"), "stop_sequences")
        ),
        reasoning=_reasoning(body.get("thinking"), wire.text(output.get("effort"), "effort")),
        shape=_shape(output.get("format") or body.get("output_format")),
        stream=body.get("stream") is True,
        origin=Dialect.ANTHROPIC,
        extras=_extras(body),
    )


def _message(raw: Mapping[str, Any], place: str) -> Message:
    role = raw.get("role")
    if role not in ("user", "assistant", "system"):
        raise Malformed(f"{place}.role must be user, assistant or system.")
    return Message(Role(role), read_blocks(raw.get("content"), f"{place}.content"))


def _system(raw: Any) -> tuple[Text, ...]:
    return tuple(block for block in read_blocks(raw or "", "system") if isinstance(block, Text))


def _tool(raw: Mapping[str, Any], place: str) -> Tool:
    name = wire.text(raw.get("name"), f"{place}.name")
    if raw.get("type") not in (None, "custom"):
        return Tool(name, builtin=raw, origin=Dialect.ANTHROPIC)
    strict = raw.get("strict")
    return Tool(
        name,
        wire.text(raw.get("description"), f"{place}.description"),
        wire.mapping(raw.get("input_schema") or {}, f"{place}.input_schema"),
        strict if isinstance(strict, bool) else None,
        cache_of(raw),
    )


def _tool_choice(raw: Any) -> ToolChoice | None:
    if raw is None:
        return None
    choice = wire.mapping(raw, "tool_choice")
    mode = choice.get("type")
    if mode not in ("auto", "any", "tool", "none"):
        raise Malformed("tool_choice.type must be auto, any, tool or none.")
    alone = choice.get("disable_parallel_tool_use")
    return ToolChoice(
        mode,
        wire.text(choice.get("name"), "tool_choice.name"),
        None if alone is None else not alone,
    )


def _reasoning(raw: Any, effort: str) -> Reasoning | None:
    thinking = wire.mapping(raw or {}, "thinking")
    match thinking.get("type"):
        case "disabled":
            return Reasoning(effort, budget_tokens=0)
        case "enabled":
            return Reasoning(effort, wire.whole(thinking.get("budget_tokens"), "budget_tokens"))
        case "adaptive" | "between_tools":
            return Reasoning(effort, adaptive=True)
        case _:
            return Reasoning(effort) if effort else None


def _shape(raw: Any) -> Shape | None:
    if not isinstance(raw, Mapping) or raw.get("type") != "json_schema":
        return None
    return Shape(wire.mapping(raw.get("schema"), "output_config.format.schema"))


def _extras(body: Body) -> dict[str, Any]:
    extras = {
        name: value
        for name, value in body.items()
        if name not in _UNDERSTOOD and name not in _IDENTITIES
    }
    if beside := _without(wire.part(body, "thinking"), "budget_tokens", "type"):
        extras["thinking"] = beside
    if wire.part(body, "thinking").get("type") == "between_tools":
        extras["thinking"] = {"type": "between_tools"}
    if beside := _without(wire.part(body, "output_config"), "effort", "format"):
        extras["output_config"] = beside
    if beside := _tool_extras(body):
        extras["tools"] = beside
    return extras


def _without(raw: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name not in names}


def _tool_extras(body: Body) -> dict[str, Any]:
    """Give what is said of the client's own tools beyond `Tool`, by its fitted name."""
    return {
        fit(str(raw.get("name"))): beside
        for _, raw in wire.objects(body.get("tools"), "tools")
        if raw.get("type") in (None, "custom") and (beside := _without(raw, *_TOOL_FIELDS))
    }
