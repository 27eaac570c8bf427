"""What a caller means by the name it gives: a model, one deployment of it, a tier, or no name.

Pure look-up in the catalogue. Who can answer, and in which order, `routing.ranking` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from engine.jobs import Lane
from routing.models import Catalogue, Deployment, Tier
from routing.requests import Purpose, Refusal, RefusalKind, Wanted

AUTO = "auto"  # says that no model is named, in dialects that demand a name
_ALIAS_STEPS = 5  # an alias may name an alias; a circle ends here
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Meant:
    """What was asked for: `model` is empty where only a tier was.

    `first` is the provider and id of a deployment that was named with its provider.
    """

    tier: Tier
    model: str = ""
    first: tuple[str, str] | None = None


def resolve(wanted: Wanted, catalogue: Catalogue) -> Meant | Refusal:
    """Find what a request means."""
    if wanted.only is not None:
        return _only(wanted, catalogue)
    if not wanted.asked or (wanted.asked == AUTO and AUTO not in catalogue.aliases):
        return _of_tier(tier_of(wanted), catalogue)
    name = wanted.asked
    for _ in range(_ALIAS_STEPS):
        found = _known(name, catalogue)
        if found is not None:
            return found
        target = _alias(name, catalogue)
        if target is None:
            break
        name = target
    return _unknown(wanted.asked, catalogue)


def tier_of(wanted: Wanted) -> Tier:
    """Give the tier of a request that names no model: by what it is for, who asks, and its lane."""
    match wanted.purpose:
        case Purpose.EMBED:
            return Tier.EMBED
        case Purpose.TRANSCRIBE:
            return Tier.AUDIO
        case _:
            by_lane = Tier.ULTRA if wanted.who.lane <= Lane.P1 else Tier.MID
            return wanted.who.tier or by_lane


def nothing_configured() -> Refusal:
    """Say what to do before the first model call."""
    return Refusal(
        kind=RefusalKind.NOTHING_CONFIGURED,
        message="No provider of models is configured, so no model can be asked.",
        remedy=(
            "Run `helio model init`: it writes models.toml. Name a provider in it, then store "
            "its key, for example: helio secret set ANTHROPIC_API_KEY"
        ),
    )


def _only(wanted: Wanted, catalogue: Catalogue) -> Meant | Refusal:
    slot = wanted.only
    for one in catalogue.deployments:
        if slot is not None and (one.provider, one.id) == (slot.provider, slot.model):
            return Meant(one.tier, one.model, (one.provider, one.id))
    return _unknown(str(slot), catalogue)


def _known(name: str, catalogue: Catalogue) -> Meant | None:
    for one in catalogue.deployments:
        if one.model == name:
            return Meant(one.tier, one.model)
    for one in catalogue.deployments:
        if f"{one.provider}/{one.id}" == name:
            return Meant(one.tier, one.model, (one.provider, one.id))
    if name in Tier.__members__.values():
        return _of_tier(Tier(name), catalogue)
    for one in catalogue.deployments:
        if one.id == name:
            return Meant(one.tier, one.model)
    return None


def _of_tier(tier: Tier, catalogue: Catalogue) -> Meant:
    """Take a tier at its word; of embeddings it means the first model, for their space."""
    if tier is not Tier.EMBED:
        return Meant(tier)
    listed = catalogue.tiers.get(tier, ())
    others = (one.model for one in catalogue.deployments if one.tier is tier)
    return Meant(tier, next(iter((*listed, *others)), ""))


def _alias(name: str, catalogue: Catalogue) -> str | None:
    exact = catalogue.aliases.get(name)
    if exact is not None:
        return exact
    stems = [key for key in catalogue.aliases if key.endswith("*") and name.startswith(key[:-1])]
    return catalogue.aliases[max(stems, key=len)] if stems else None


def _unknown(name: str, catalogue: Catalogue) -> Refusal:
    if not catalogue.providers:
        return nothing_configured()
    names = dict.fromkeys(_names(catalogue))
    near = get_close_matches(name, names, n=_NEAR, cutoff=0.5)
    if near:
        remedy = f"Did you mean {' or '.join(near)}? All names: helio model list"
    else:
        remedy = "See what there is with: helio model list"
    return Refusal(
        kind=RefusalKind.UNKNOWN_MODEL, message=f"No model is called {name!r}.", remedy=remedy
    )


def _names(catalogue: Catalogue) -> Iterator[str]:
    for one in catalogue.deployments:
        yield one.model
        yield f"{one.provider}/{one.id}"
    yield from catalogue.tiers
    yield from (alias for alias in catalogue.aliases if not alias.endswith("*"))


def deployments_of(model: str, catalogue: Catalogue) -> list[Deployment]:
    """Give a model's deployments in the order of preference."""
    return [one for one in catalogue.deployments if one.model == model]
