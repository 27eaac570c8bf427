"""A request in the chat dialect, worded for a provider."""

from __future__ import annotations

from typing import Any

from routing.conversation import Ask, Dialect, Shape
from routing.translate import schemas, wire
from routing.translate.chat.messages_out import write_messages
from routing.translate.chat.rules import Rules, rules_of
from routing.translate.chat.tools import write_choice, write_tool
from routing.translate.efforts import effort_of

_OPENAI_STOPS = 4  # so many stop sequences OpenAI takes


def write_request(ask: Ask, family: str) -> dict[str, Any]:
    """Word a request for a provider of this dialect."""
    rules = rules_of(ask.model, family)
    body: dict[str, Any] = {"model": ask.model, "messages": write_messages(ask, family, rules)}
    if ask.max_tokens is not None:
        body["max_completion_tokens" if rules.openai else "max_tokens"] = ask.max_tokens
    _add_sampling(body, ask, rules)
    _add_tools(body, ask)
    if effort := _effort(ask, rules):
        body["reasoning_effort"] = effort
    _add_shape(body, ask, rules)
    if ask.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}  # without it nobody knows the cost
    if ask.origin == Dialect.CHAT:
        extras = dict(ask.extras)
        if not ask.stream:
            extras.pop("stream_options", None)
        wire.merge(body, extras)
    return body


def _add_sampling(body: dict[str, Any], ask: Ask, rules: Rules) -> None:
    if ask.seed is not None:
        body["seed"] = ask.seed
    if ask.top_k is not None and ask.origin == Dialect.CHAT:
        body["top_k"] = ask.top_k  # OpenAI has no such field; who said it knows his server
    if not rules.sampling:
        return  # OpenAI's reasoning models refuse these
    if ask.temperature is not None:
        body["temperature"] = ask.temperature
    if ask.top_p is not None:
        body["top_p"] = ask.top_p
    if ask.stop:
        body["stop"] = list(ask.stop[:_OPENAI_STOPS] if rules.openai else ask.stop)


def _add_tools(body: dict[str, Any], ask: Ask) -> None:
    tools = [tool for tool in ask.tools if not tool.builtin or tool.origin == Dialect.CHAT]
    if not tools:
        return
    body["tools"] = [write_tool(tool) for tool in tools]
    choice = ask.tool_choice
    if choice is None:
        return
    if choice.mode != "auto" or choice.parallel is None:
        body["tool_choice"] = write_choice(choice, tools)
    if choice.parallel is not None:
        body["parallel_tool_calls"] = choice.parallel


def _effort(ask: Ask, rules: Rules) -> str:
    """Name the effort; the words that few models know only to him who used them here."""
    wanted = ask.reasoning
    if wanted is None or not rules.thinks:
        return ""
    if wanted.budget_tokens == 0:
        return rules.no_thinking
    effort = wanted.effort or (effort_of(wanted.budget_tokens) if wanted.budget_tokens else "")
    if ask.origin == Dialect.CHAT:
        return effort
    if effort in ("xhigh", "max"):
        return "high"
    return "low" if effort == "minimal" and not rules.openai else effort


def _add_shape(body: dict[str, Any], ask: Ask, rules: Rules) -> None:
    shape = ask.shape
    if shape is None:
        return
    if shape.schema is not None and rules.schemas:
        body["response_format"] = {"type": "json_schema", "json_schema": _json_schema(shape)}
        return
    body["response_format"] = {"type": "json_object"}
    if shape.schema is not None or ask.origin != Dialect.CHAT:
        _say_shape(body["messages"], shape)


def _json_schema(shape: Shape) -> dict[str, Any]:
    told: dict[str, Any] = {"name": shape.name or "answer", "schema": shape.schema}
    if shape.strict is not None:
        told["strict"] = shape.strict and schemas.is_exact(shape.schema)
    return told


def _say_shape(messages: list[dict[str, Any]], shape: Shape) -> None:
    """Say it in words too: OpenAI refuses JSON that no message asks for."""
    words = schemas.in_words(shape.schema)
    if messages and messages[0]["role"] == "system":
        messages[0]["content"] += f"\n\n{words}"
    else:
        messages.insert(0, {"role": "system", "content": words})
