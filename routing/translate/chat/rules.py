"""What differs between the models that are spoken to in the chat dialect.

OpenAI's own endpoint refuses fields that it does not know; others refuse what only OpenAI knows.
Both are told apart by the family, and OpenAI's reasoning models by their id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REASONS = re.compile(r"(?:^|/)(?:o\d|gpt-(?:[5-9]|\d\d))")
_OLD_REASONER = re.compile(r"(?:^|/)o\d")
_FIRST_GPT_5 = re.compile(r"(?:^|/)gpt-5(?![.\d])")
# Their thinking mode refuses a history in which a turn of the model shows no reasoning; an
# empty one is taken. (deepseek: BerriAI/litellm#26395, Astro-Han/pawwork#261)
_WANT_REASONING = frozenset({"deepseek", "kimi"})
# They know JSON but no schema.
_WITHOUT_SCHEMAS = frozenset({"deepseek"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What a model takes.

    Attributes:
        openai: One of OpenAI's own: strict about unknown fields, free about roles.
        sampling: Temperature, top_p and stop sequences.
        no_thinking: The word that switches its thinking off.
        wants_reasoning: Every turn of the model must carry reasoning, if only an empty one.
        schemas: A response format with a JSON schema.
    """

    openai: bool = False
    sampling: bool = True
    no_thinking: str = "none"
    wants_reasoning: bool = False
    schemas: bool = True

    @property
    def thinks(self) -> bool:
        """It may be asked to think; OpenAI's models that do not reason refuse the question."""
        return not (self.openai and self.sampling)


def rules_of(model: str, family: str) -> Rules:
    """Give the rules of a model by the provider's id of it and its family."""
    if family != "gpt":
        return Rules(
            wants_reasoning=family in _WANT_REASONING, schemas=family not in _WITHOUT_SCHEMAS
        )
    name = model.lower()
    least = "none"
    if _OLD_REASONER.search(name):
        least = "low"
    elif _FIRST_GPT_5.search(name):
        least = "minimal"
    return Rules(openai=True, sampling=not _REASONS.search(name), no_thinking=least)
