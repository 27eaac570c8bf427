"""How long to think: efforts by name and budgets in tokens, each as the other."""

from __future__ import annotations

LEAST_BUDGET = 1024  # tokens; Anthropic takes no smaller one
_BUDGETS = {"minimal": LEAST_BUDGET, "low": 4096, "medium": 10_240, "high": 24_576}
_MOST = 32_768  # for xhigh and max


def budget_of(effort: str) -> int:
    """Give the budget in tokens that an effort stands for."""
    return _BUDGETS.get(effort, _MOST if effort in ("xhigh", "max") else _BUDGETS["medium"])


def effort_of(budget_tokens: int) -> str:
    """Give the effort that a budget stands for: the least that reaches it."""
    return next((name for name, tokens in _BUDGETS.items() if budget_tokens <= tokens), "max")
