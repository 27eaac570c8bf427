"""The models of the catalogue as each dialect lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import NotFound
from routing.conversation import Dialect
from routing.models import Catalogue, Tier

# Lists want a date; a catalogue has none, and a made-up one would be taken for the truth.
_NO_DATE = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Listed:
    """One name by which a model can be asked for: a model's own, or a tier's."""

    name: str
    owner: str
    context: int = 0
    max_output: int = 0
    tier: Tier | None = None


def listing(catalogue: Catalogue, dialect: Dialect, model: str = "") -> dict[str, Any]:
    """Give all models, or the one that is named.

    Raises:
        NotFound: no model has that name.
    """
    shape = _SHAPES[dialect]
    known = list(_listed(catalogue))
    if not model:
        return _page(dialect, [shape(one) for one in known])
    for one in known:
        if one.name == model:
            return shape(one)
    raise NotFound(f"No model is called {model!r}.", remedy="See what there is: helio model list")


def _listed(catalogue: Catalogue) -> Iterator[Listed]:
    seen = set()
    for one in catalogue.deployments:
        if one.model not in seen:
            seen.add(one.model)
            yield Listed(one.model, one.family, one.context, one.max_output, one.tier)
    for tier in Tier:
        if catalogue.tiers.get(tier) and tier not in seen:
            yield Listed(str(tier), "heliograph", tier=tier)


def _page(dialect: Dialect, items: list[dict[str, Any]]) -> dict[str, Any]:
    match dialect:
        case Dialect.ANTHROPIC:
            first = items[0]["id"] if items else None
            last = items[-1]["id"] if items else None
            return {"data": items, "has_more": False, "first_id": first, "last_id": last}
        case Dialect.GEMINI:
            return {"models": items}
        case Dialect.CHAT | Dialect.RESPONSES:
            return {"object": "list", "data": items}


def _as_anthropic(one: Listed) -> dict[str, Any]:
    return {"type": "model", "id": one.name, "display_name": one.name, "created_at": _NO_DATE}


def _as_openai(one: Listed) -> dict[str, Any]:
    return {"id": one.name, "object": "model", "created": 0, "owned_by": one.owner}


def _as_gemini(one: Listed) -> dict[str, Any]:
    embeds = one.tier is Tier.EMBED
    told: Mapping[str, Any] = {
        "name": f"models/{one.name}",
        "displayName": one.name,
        "supportedGenerationMethods": []
        if embeds
        else ["generateContent", "streamGenerateContent", "countTokens"],
    }
    limits = {"inputTokenLimit": one.context, "outputTokenLimit": one.max_output}
    return {**told, **{name: limit for name, limit in limits.items() if limit}}


_SHAPES = {
    Dialect.ANTHROPIC: _as_anthropic,
    Dialect.CHAT: _as_openai,
    Dialect.RESPONSES: _as_openai,
    Dialect.GEMINI: _as_gemini,
}
