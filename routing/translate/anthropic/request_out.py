"""A request in Anthropic's dialect, worded for a provider.

What the client said in this dialect goes out as it came; what came from another is bent until
the API takes it: results before words, instructions in their place, a maximum of tokens always.
"""

from __future__ import annotations

from typing import Any

from routing.conversation import Ask, Dialect, Message, Role, Text, Tool, ToolChoice
from routing.translate import schemas, wire
from routing.translate.anthropic.blocks_out import write_blocks
from routing.translate.anthropic.rules import Rules, rules_of
from routing.translate.anthropic.shape import Shaped, shaped
from routing.translate.anthropic.thinking import write_effort, write_thinking
from routing.translate.names import fit
from routing.translate.turns import (
    merged,
    own_thinking,
    results_first,
    system_said_by_user,
)

# The API wants a maximum. Whoever knows the model's own puts it into `Ask.max_tokens`.
DEFAULT_MAX_TOKENS = 8192
_OPENING = Message(Role.USER, (Text("Begin."),))


def write_request(ask: Ask, family: str) -> dict[str, Any]:
    """Word a request for a provider of this dialect."""
    rules = rules_of(ask.model, family)
    form = shaped(ask, rules)
    ask = form.ask
    messages = _turns(ask, rules, family)
    max_tokens = ask.max_tokens or DEFAULT_MAX_TOKENS
    body: dict[str, Any] = {"model": ask.model, "max_tokens": max_tokens}
    if system := write_blocks(ask.system):
        body["system"] = system
    body["messages"] = _messages(messages)
    _add_tools(body, ask, rules)
    thinking = write_thinking(ask, rules, messages, max_tokens)
    if thinking is not None:
        body["thinking"] = thinking
    _add_sampling(body, ask, rules)
    if stops := [stop for stop in ask.stop if stop.strip()]:
        body["stop_sequences"] = stops
    if output := _output(form, rules):
        body["output_config"] = output
    if ask.stream:
        body["stream"] = True
    _add_extras(body, ask)
    return body


def _turns(ask: Ask, rules: Rules, family: str) -> list[Message]:
    messages = own_thinking(ask.messages, Dialect.ANTHROPIC, family)
    if not rules.system_turns:
        messages = system_said_by_user(messages)
    messages = results_first(merged(_instructions_in_place(messages)))
    if not messages or messages[0].role is not Role.USER:
        messages.insert(0, _OPENING)
    return messages


def _instructions_in_place(messages: list[Message]) -> list[Message]:
    """Keep the role ``system`` only between a turn of the user and the next of the model.

    Elsewhere the API refuses it, and the user says it.
    """
    done: list[Message] = []
    for at, message in enumerate(messages):
        before = done[-1].role if done else Role.ASSISTANT
        after = messages[at + 1].role if at + 1 < len(messages) else Role.ASSISTANT
        if message.role is Role.SYSTEM and (before is Role.ASSISTANT or after is Role.USER):
            done += system_said_by_user([message])
        else:
            done.append(message)
    return done


def _messages(messages: list[Message]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = [
        {"role": str(message.role), "content": content}
        for message in messages
        if (content := write_blocks(message.blocks))
    ]
    if written and written[-1]["role"] == "assistant":
        _trim_opening_words(written[-1]["content"])
    return written


def _trim_opening_words(content: list[dict[str, Any]]) -> None:
    """An answer that is begun for the model must not end in white space."""
    if content[-1]["type"] == "text":
        content[-1]["text"] = content[-1]["text"].rstrip()


def _add_tools(body: dict[str, Any], ask: Ask, rules: Rules) -> None:
    tools = [tool for tool in ask.tools if not tool.builtin or tool.origin == Dialect.ANTHROPIC]
    if not tools:
        return
    body["tools"] = [_tool(tool, rules) for tool in tools]
    if ask.tool_choice is not None:
        body["tool_choice"] = _tool_choice(ask.tool_choice)


def _tool(tool: Tool, rules: Rules) -> dict[str, Any]:
    if tool.builtin:
        return dict(tool.builtin)
    schema = schemas.without_combinations(schemas.of_object(tool.schema))
    raw: dict[str, Any] = {"name": fit(tool.name), "input_schema": schema}
    if tool.description:
        raw["description"] = tool.description
    if tool.strict is not None and rules.strict_tools:
        raw["strict"] = tool.strict
    if tool.cache is not None:
        raw["cache_control"] = tool.cache
    return raw


def _tool_choice(choice: ToolChoice) -> dict[str, Any]:
    raw: dict[str, Any] = {"type": choice.mode}
    if choice.mode == "tool":
        raw["name"] = fit(choice.name)
    if choice.parallel is not None and choice.mode != "none":
        raw["disable_parallel_tool_use"] = not choice.parallel
    return raw


def _add_sampling(body: dict[str, Any], ask: Ask, rules: Rules) -> None:
    thinks = body.get("thinking", {}).get("type") not in (None, "disabled")
    if not rules.sampling or thinks:
        return  # the API refuses them then
    if ask.temperature is not None:
        body["temperature"] = min(ask.temperature, 1)  # others go to 2
    if ask.top_p is not None and not (rules.one_sampling and "temperature" in body):
        body["top_p"] = ask.top_p
    if ask.top_k is not None:
        body["top_k"] = ask.top_k


def _output(form: Shaped, rules: Rules) -> dict[str, Any]:
    output: dict[str, Any] = {}
    if effort := write_effort(form.ask, rules):
        output["effort"] = effort
    if form.format is not None:
        output["format"] = form.format
    return output


def _add_extras(body: dict[str, Any], ask: Ask) -> None:
    if ask.origin != Dialect.ANTHROPIC:
        return
    extras = dict(ask.extras)
    for raw in body.get("tools", ()):
        raw.update({**extras.get("tools", {}).get(str(raw.get("name")), {}), **raw})
    extras.pop("tools", None)
    beside = extras.pop("thinking", None)
    if beside and body.get("thinking", {}).get("type") in ("adaptive", "enabled"):
        body["thinking"] = {**body["thinking"], **beside}
    wire.merge(body, extras)
