"""How many tokens a request has: estimated here, no provider is asked."""

from __future__ import annotations

from typing import Any

from actors.gateway.intake import Intake
from routing.conversation import Dialect
from routing.tokens import estimate


def count(intake: Intake) -> dict[str, Any]:
    """Give the count in the client's dialect.

    Raises:
        BadInput: the request is not what its dialect promises.
    """
    tokens = estimate(intake.ask)
    if intake.dialect is Dialect.GEMINI:
        return {"totalTokens": tokens}
    return {"input_tokens": tokens}
