"""A request, worded for a provider of the Responses dialect.

We keep no state and ask for none: nothing is stored, and thinking comes back sealed so that the
client can carry it. Instructions go as one text, which every server of this dialect takes.
"""

from __future__ import annotations

from typing import Any

from routing.conversation import Ask, Dialect, Reasoning, Shape
from routing.translate import efforts, schemas, wire
from routing.translate.chat.rules import Rules, rules_of
from routing.translate.responses.items_out import write_items
from routing.translate.responses.request_in import NATIVES
from routing.translate.responses.toolbox import write_choice, write_tools
from routing.translate.turns import own_thinking

Raw = dict[str, Any]

_SEALED = "reasoning.encrypted_content"
_LEAST_TOKENS = 16  # OpenAI refuses less


def write_request(ask: Ask, family: str) -> Raw:
    """Word a request for a provider of this dialect."""
    own = ask.origin == Dialect.RESPONSES
    rules = rules_of(ask.model, family)
    extras = dict(ask.extras) if own else {}
    messages = own_thinking(ask.messages, Dialect.RESPONSES, family)
    body: Raw = {
        "model": ask.model,
        "input": write_items(messages, ask.tools, extras.pop(NATIVES, ())),
        "store": False,
    }
    if ask.system:
        body["instructions"] = "\n\n".join(text.text for text in ask.system)
    _add_tools(body, ask)
    _add_settings(body, ask, rules)
    include = list(extras.pop("include", ()))
    if _thinks(ask, rules) and _SEALED not in include:
        include.append(_SEALED)
    if include:
        body["include"] = include
    wire.merge(body, extras)
    return body


def _add_tools(body: Raw, ask: Ask) -> None:
    tools = write_tools(ask.tools, ask.origin)
    if not tools:
        return
    body["tools"] = tools
    if ask.tool_choice:
        body["tool_choice"] = write_choice(ask.tool_choice, ask.tools)
        if ask.tool_choice.parallel is not None:
            body["parallel_tool_calls"] = ask.tool_choice.parallel


def _add_settings(body: Raw, ask: Ask, rules: Rules) -> None:
    settings = {
        "max_output_tokens": _limit(ask.max_tokens, rules),
        "temperature": ask.temperature if rules.sampling else None,
        "top_p": ask.top_p if rules.sampling else None,
        "stream": ask.stream or None,
        "reasoning": _reasoning(ask.reasoning, rules) or None,
        "text": {"format": _format(ask.shape)} if ask.shape else None,
    }
    body |= {name: value for name, value in settings.items() if value is not None}


def _limit(max_tokens: int | None, rules: Rules) -> int | None:
    return max(max_tokens, _LEAST_TOKENS) if max_tokens and rules.openai else max_tokens


def _thinks(ask: Ask, rules: Rules) -> bool:
    asked = ask.reasoning is not None and ask.reasoning.budget_tokens != 0
    return asked and rules.thinks


def _reasoning(reasoning: Reasoning | None, rules: Rules) -> Raw:
    if reasoning is None or not rules.thinks:
        return {}
    effort = reasoning.effort
    if reasoning.budget_tokens == 0:
        effort = rules.no_thinking
    elif not effort and reasoning.budget_tokens is not None:
        effort = efforts.effort_of(reasoning.budget_tokens)
    told = {"effort": effort, "summary": reasoning.summary}
    return {name: value for name, value in told.items() if value}


def _format(shape: Shape) -> Raw:
    if shape.schema is None:
        return {"type": "json_object"}
    strict = schemas.is_exact(shape.schema) if shape.strict is None else shape.strict
    name = shape.name or "answer"
    return {"type": "json_schema", "name": name, "schema": shape.schema, "strict": strict}
