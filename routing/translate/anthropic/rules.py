"""What differs between the models that are spoken to in Anthropic's dialect.

The API refuses what a model does not know (a thinking mode, a temperature), and what it knows
changed with its version, which stands in its id. A Claude of unknown version is taken for a new
one; other families copy the dialect as it was before these changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NEWEST = (99, 0)
# claude-opus-4-7, claude-3-5-sonnet-20241022, claude-sonnet-4-20250514, anthropic/claude-4.7-opus
_VERSION = re.compile(r"claude-(?:[a-z]+-)*(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a model takes.

    Attributes:
        adaptive: Thinking by its own measure, with an effort beside it.
        budgets: Thinking up to a budget in tokens, and thinking that is switched off by name.
        sampling: Temperature, top_p and top_k.
        one_sampling: Temperature or top_p, not both.
        system_turns: Messages of the role ``system`` after a turn of the user.
        formats: An output format with a JSON schema.
        strict_tools: Tools whose arguments are held to their schema.
    """

    adaptive: bool = False
    budgets: bool = True
    sampling: bool = True
    one_sampling: bool = False
    system_turns: bool = False
    formats: bool = False
    strict_tools: bool = False


def rules_of(model: str, family: str) -> Rules:
    """Give the rules of a model by the provider's id of it and its family."""
    if family != "claude":
        return Rules()
    version = version_of(model)
    return Rules(
        adaptive=version >= (4, 6),
        budgets=version < (4, 7),
        sampling=version < (4, 7),
        one_sampling=version >= (4, 1),
        system_turns=version >= (4, 8),
        formats=version >= (4, 5),
        strict_tools=version >= (4, 5),
    )


def version_of(model: str) -> tuple[int, int]:
    """Read the version of a Claude from its id."""
    found = _VERSION.search(model.lower())
    if not found:
        return _NEWEST
    return int(found[1]), int(found[2] or 0)
