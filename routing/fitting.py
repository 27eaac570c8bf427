"""Fit a request to the model that will answer it: its id, its longest answer, what it can do.

What a model cannot do at all (tools, pictures) is never left out: the waterfall asks another. To
think is different: a client may wish for it by habit, and a model that cannot would refuse.
"""

from __future__ import annotations

from dataclasses import replace

from routing.conversation import Ask, Dialect
from routing.models import Ability, Deployment


def fitted(ask: Ask, deployment: Deployment, dialect: Dialect, *, stream: bool) -> Ask:
    """Give the request as it goes to a provider of this dialect for this deployment."""
    thinks = Ability.THINKING in deployment.abilities
    return replace(
        ask,
        model=deployment.id,
        stream=stream,
        max_tokens=_limit(ask.max_tokens, deployment.max_output, dialect),
        reasoning=ask.reasoning if thinks else None,
    )


def _limit(asked: int | None, most: int, dialect: Dialect) -> int | None:
    """Give the most tokens to ask for: no more than the model makes. Anthropic wants a number."""
    if asked is None:
        return most or None if dialect is Dialect.ANTHROPIC else None
    return min(asked, most) if most else asked
