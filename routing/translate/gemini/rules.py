"""What differs between the models that are spoken to in Gemini's dialect.

How much to think is said by a budget up to Gemini 2.5 and by a level since Gemini 3; since
Gemini 3, calls of the current turn are refused without their signature, and pictures may stand
inside a function's response. A Gemini whose id tells no version takes budgets (newer ones still
understand them) and is taken for a new one in all else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from routing.conversation import Reasoning
from routing.translate import efforts

# Google names this text for calls whose signature is gone: the check is passed over for them.
# ai.google.dev/gemini-api/docs/thought-signatures; tried against the API in vercel/ai#15560.
NO_SIGNATURE = "skip_thought_signature_validator"

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_MOST_BUDGET = 24_576  # tokens; every 2.5 model takes so many


@dataclass(frozen=True, slots=True)
class Rules:
    """What a model takes.

    Attributes:
        levels: It is told a level of thinking, of these; empty where it is told a budget.
        signatures: It refuses calls without their signature.
        media_in_results: Pictures may stand inside a function's response.
    """

    levels: tuple[str, ...] = ()
    signatures: bool = False
    media_in_results: bool = False


def rules_of(model: str, family: str) -> Rules:
    """Give the rules of a model by the provider's id of it and its family."""
    if family != "gemini":
        return Rules()
    found = _VERSION.search(model.lower())
    if not found:
        return Rules(signatures=True, media_in_results=True)
    major, minor = int(found[1]), int(found[2] or 0)
    if major < 3:
        return Rules()
    levels: tuple[str, ...] = ("low", "medium", "high")
    if "flash" in model.lower():
        levels = ("minimal", *levels)
    elif (major, minor) == (3, 0):
        levels = ("low", "high")
    return Rules(levels, signatures=True, media_in_results=True)


def thinking_config(reasoning: Reasoning, rules: Rules, *, shown: bool) -> dict[str, object]:
    """Word how much to think; a number of tokens wins over a name where both are known."""
    config: dict[str, object] = {}
    off = reasoning.budget_tokens == 0
    if shown and not off:
        config["includeThoughts"] = True
    if rules.levels and (off or (reasoning.effort and reasoning.budget_tokens is None)):
        config["thinkingLevel"] = _level("minimal" if off else reasoning.effort, rules.levels)
    elif reasoning.budget_tokens is not None:
        config["thinkingBudget"] = reasoning.budget_tokens
    elif reasoning.effort:
        config["thinkingBudget"] = min(efforts.budget_of(reasoning.effort), _MOST_BUDGET)
    elif reasoning.adaptive and not rules.levels:
        config["thinkingBudget"] = -1
    return config


def _level(effort: str, levels: tuple[str, ...]) -> str:
    """Give the level that is nearest to an effort, a higher one before a lower one."""
    order = ("minimal", "low", "medium", "high")
    wanted = order.index(effort) if effort in order else len(order) - 1
    return next(level for level in (*order[wanted:], levels[-1]) if level in levels)
