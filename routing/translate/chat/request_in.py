"""A client's request in the chat dialect, understood.

Instructions before the first turn are the system's; later ones keep their place. Fields that
only this dialect knows are kept for providers who speak it, but who asks is told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.conversation import (
    Ask,
    Block,
    Dialect,
    Message,
    Reasoning,
    Role,
    Shape,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
)
from routing.translate import outcomes, wire
from routing.translate.chat.calls import read_calls
from routing.translate.chat.parts import Part, read_content
from routing.translate.chat.reasoning import read_reasoning
from routing.translate.chat.tools import read_tool
from routing.translate.dialect import Body, Malformed
from routing.translate.turns import named

_UNDERSTOOD = frozenset({
    "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "max_tokens",
    "max_completion_tokens", "temperature", "top_p", "top_k", "stop", "seed", "reasoning_effort",
    "reasoning", "response_format", "stream", "n",
})  # fmt: skip
_IDENTITIES = frozenset({"user", "metadata", "safety_identifier"})


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
    if wire.whole(body.get("n"), "n") not in (None, 1):
        raise Malformed("n must be 1: several answers to one request are not given; ask again.")
    system, messages = _conversation(body["messages"])
    choice, tools = _tool_choice(body, _tools(body))
    max_tokens = body.get("max_completion_tokens") or body.get("max_tokens")
    return Ask(
        model=model,
        messages=messages,
        system=system,
        tools=tools,
        tool_choice=choice,
        max_tokens=wire.whole(max_tokens, "max_tokens"),
        temperature=wire.number(body.get("temperature"), "temperature"),
        top_p=wire.number(body.get("top_p"), "top_p"),
        top_k=wire.whole(body.get("top_k"), "top_k"),
        stop=_stop(body.get("stop")),
        seed=wire.whole(body.get("seed"), "seed"),
        reasoning=_reasoning(body),
        shape=_shape(body.get("response_format")),
        stream=body.get("stream") is True,
        origin=Dialect.CHAT,
        extras=_extras(body),
    )


def _extras(body: Body) -> dict[str, Any]:
    return {
        name: value
        for name, value in body.items()
        if name not in _UNDERSTOOD and name not in _IDENTITIES
    }


def _conversation(raw: Any) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    system: list[Text] = []
    messages: list[Message] = []
    for place, said in wire.objects(raw, "messages"):
        message = _message(said, place)
        if message.role is Role.SYSTEM and not messages:
            system += [block for block in message.blocks if isinstance(block, Text)]
        else:
            messages.append(message)
    return tuple(system), named(messages)


def _message(raw: Mapping[str, Any], place: str) -> Message:
    content = read_content(raw.get("content"), f"{place}.content")
    match raw.get("role"):
        case "system" | "developer":
            return Message(Role.SYSTEM, content)
        case "user":
            return Message(Role.USER, content)
        case "assistant":
            return Message(Role.ASSISTANT, _assistant(raw, content, place))
        case "tool":
            ident = wire.text(raw.get("tool_call_id"), f"{place}.tool_call_id")
            return Message(Role.USER, (_result(ident, content),))
        case _:
            raise Malformed(f"{place}.role must be system, developer, user, assistant or tool.")


def _result(ident: str, content: tuple[Part, ...]) -> ToolResult:
    """Read a tool's result; that it failed may stand in its words."""
    if not content or not isinstance(content[0], Text):
        return ToolResult(ident, content)
    words, failed = outcomes.understand(content[0].text)
    first = (Text(words),) if words else ()
    return ToolResult(ident, (*first, *content[1:]), failed)


def _assistant(raw: Mapping[str, Any], content: tuple[Block, ...], place: str) -> tuple[Block, ...]:
    refusal = wire.text(raw.get("refusal"), f"{place}.refusal")
    return (
        *read_reasoning(raw),
        *content,
        *((Text(refusal),) if refusal else ()),
        *read_calls(raw.get("tool_calls"), f"{place}.tool_calls"),
    )


def _tools(body: Body) -> tuple[Tool, ...]:
    return tuple(read_tool(raw, place) for place, raw in wire.objects(body.get("tools"), "tools"))


def _tool_choice(body: Body, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """Give the choice and the tools it leaves."""
    raw, parallel = body.get("tool_choice"), body.get("parallel_tool_calls")
    parallel = parallel if isinstance(parallel, bool) else None
    if raw is None:
        return (None if parallel is None else ToolChoice(parallel=parallel)), tools
    if isinstance(raw, str):
        if raw not in ("auto", "none", "required"):
            raise Malformed("tool_choice must be auto, none, required or an object.")
        return ToolChoice("any" if raw == "required" else raw, parallel=parallel), tools
    choice = wire.mapping(raw, "tool_choice")
    if choice.get("type") == "allowed_tools":
        return _allowed(wire.part(choice, "allowed_tools"), tools, parallel)
    name = (wire.part(choice, "function") or wire.part(choice, "custom")).get("name")
    return ToolChoice("tool", wire.text(name, "tool_choice.function.name"), parallel), tools


def _allowed(
    raw: Mapping[str, Any], tools: tuple[Tool, ...], parallel: bool | None
) -> tuple[ToolChoice, tuple[Tool, ...]]:
    names = {
        str((wire.part(tool, "function") or wire.part(tool, "custom")).get("name"))
        for _, tool in wire.objects(raw.get("tools"), "tool_choice.allowed_tools.tools")
    }
    mode = "any" if raw.get("mode") == "required" else "auto"
    return ToolChoice(mode, "", parallel), tuple(tool for tool in tools if tool.name in names)


def _stop(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        return (raw,)
    return tuple(wire.text(item, "stop") for item in wire.items(raw, "stop"))


def _reasoning(body: Body) -> Reasoning | None:
    """Read the effort; OpenRouter's `reasoning` object says the same and can name a budget."""
    told = wire.part(body, "reasoning")
    effort = wire.text(body.get("reasoning_effort") or told.get("effort"), "reasoning_effort")
    budget = wire.whole(told.get("max_tokens"), "reasoning.max_tokens")
    if effort == "none" or told.get("enabled") is False:
        return Reasoning(budget_tokens=0)
    return Reasoning(effort, budget) if effort or budget else None


def _shape(raw: Any) -> Shape | None:
    told = wire.mapping(raw or {}, "response_format")
    match told.get("type"):
        case "json_object":
            return Shape()
        case "json_schema":
            inner = wire.mapping(told.get("json_schema"), "response_format.json_schema")
            schema, strict = inner.get("schema"), inner.get("strict")
            return Shape(
                None if schema is None else wire.mapping(schema, "json_schema.schema"),
                wire.text(inner.get("name"), "json_schema.name"),
                strict if isinstance(strict, bool) else None,
            )
        case _:
            return None
