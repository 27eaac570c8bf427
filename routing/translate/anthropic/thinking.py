"""How much a model shall think, worded for Anthropic's dialect.

Three ways exist, and which of them a model takes depends on its version: a budget in tokens, a
measure of its own, and an effort beside either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routing.conversation import Ask, Dialect, Message, Reasoning, Thinking, ToolCall, ToolResult
from routing.translate.anthropic.rules import Rules
from routing.translate.efforts import LEAST_BUDGET, budget_of, effort_of

_KNOWN_EFFORTS = ("low", "medium", "high", "xhigh", "max")


def write_thinking(ask: Ask, rules: Rules, messages: Sequence[Message], max_tokens: int) -> Any:
    """Give the `thinking` field of a request, or None to leave it out."""
    wanted = ask.reasoning
    if wanted is None or _is_effort_alone(ask, wanted):
        return None
    if wanted.budget_tokens == 0:
        return {"type": "disabled"} if rules.budgets else None
    if forces_a_call(ask):
        return None  # the API refuses thinking before a call that must be made
    if rules.adaptive and (wanted.budget_tokens is None or not rules.budgets):
        return {"type": "adaptive"}
    budget = wanted.budget_tokens or budget_of(wanted.effort)
    if budget >= max_tokens:
        budget = max_tokens // 2
    if budget < LEAST_BUDGET or _loop_began_without_thinking(messages):
        return None
    return {"type": "enabled", "budget_tokens": budget}


def write_effort(ask: Ask, rules: Rules) -> str | None:
    """Give the effort that stands beside the thinking, or None to leave it out."""
    wanted = ask.reasoning
    if wanted is None or not (rules.adaptive or ask.origin == Dialect.ANTHROPIC):
        return None
    effort = wanted.effort
    if not effort and wanted.budget_tokens and not rules.budgets:
        effort = effort_of(wanted.budget_tokens)
    if not effort:
        return None
    if effort == "xhigh" and rules.budgets and ask.origin != Dialect.ANTHROPIC:
        return "high"  # models that still take budgets do not know it
    return effort if effort in _KNOWN_EFFORTS else "low"


def forces_a_call(ask: Ask) -> bool:
    """Tell whether the model has no choice but to call a tool."""
    return ask.tool_choice is not None and ask.tool_choice.mode in ("any", "tool")


def _is_effort_alone(ask: Ask, wanted: Reasoning) -> bool:
    """Anthropic's clients may name an effort without thinking; for others effort means thinking."""
    bare = wanted.budget_tokens is None and not wanted.adaptive
    return bare and (ask.origin == Dialect.ANTHROPIC or not wanted.effort)


def _loop_began_without_thinking(messages: Sequence[Message]) -> bool:
    """Tell whether a tool's result is awaited by a turn that shows no thinking.

    The API refuses a thinking budget then: the turn was another model's, or its thinking is
    gone. The next turn of the user thinks again.
    """
    if len(messages) < 2 or not _has(messages[-1], ToolResult):
        return False
    turn = messages[-2]
    return _has(turn, ToolCall) and not isinstance(turn.blocks[0], Thinking)


def _has(message: Message, kind: type[ToolCall | ToolResult]) -> bool:
    return any(isinstance(block, kind) for block in message.blocks)
