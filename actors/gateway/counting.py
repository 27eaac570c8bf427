"""How many tokens a request has: estimated here, no provider is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actors.gateway.intake import Intake
from routing.conversation import Dialect
from routing.tokens import estimate


def count(intake: Intake) -> dict[str, Any]:
    """Give the count in the client's dialect.

    Raises:
        BadInput: the request is not what its dialect promises.
    """
    if intake.dialect is not Dialect.GEMINI:
        return {"input_tokens": estimate(intake.ask)}
    inner = intake.body.get("generateContentRequest")
    if isinstance(inner, dict):
        intake = replace(intake, body=inner)
    return {"totalTokens": estimate(intake.ask)}
