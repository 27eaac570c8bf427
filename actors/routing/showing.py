"""Candidates as people see them: what the catalogue says of each, beside how it stands.

The core's view knows only those that can be asked. One whose provider is disabled or whose key is
missing is shown as well, with the reason, so that nobody has to guess why it is not called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from routing.models import Candidate, Catalogue, Deployment, Key, Provider

UNASKABLE = frozenset({"disabled", "no_key"})
_NOBODY = Key(label="")


def candidates(view: Mapping[str, Any], whole: Catalogue) -> list[dict[str, Any]]:
    """Give every candidate of the whole catalogue, in its order, with the core's view of it."""
    known = {one["slot"]: one for one in view["candidates"]}
    shown = []
    for deployment in whole.deployments:
        provider = whole.providers[deployment.provider]
        for key in provider.keys or _without_keys(deployment, known):
            slot = str(Candidate(deployment=deployment, key=key).slot)
            said = _said(deployment, provider, key)
            stands = known.get(slot) or {"state": "no_key", "until": 0, "why": _missing(key)}
            if not provider.enabled:
                stands = {**stands, "state": "disabled", "why": provider.why_disabled}
            shown.append({"slot": slot, **said, **stands})
    return shown


def _without_keys(deployment: Deployment, known: Mapping[str, Any]) -> list[Key]:
    """Give the keys that the core made up for a provider that names none."""
    labels = [
        one["key"]
        for one in known.values()
        if (one["provider"], one["model"]) == (deployment.provider, deployment.model)
    ]
    return [Key(label=label) for label in labels] or [_NOBODY]


def _missing(key: Key) -> str:
    return f"{key.source} is not there" if key.source else "it has no key"


def _said(deployment: Deployment, provider: Provider, key: Key) -> dict[str, Any]:
    return {
        "model": deployment.model,
        "provider": deployment.provider,
        "key": key.label,
        "id": deployment.id,
        "family": deployment.family,
        "tier": str(deployment.tier),
        "transport": str(provider.transport),
        "kind": str(provider.kind),
        "price": asdict(deployment.price) if deployment.price else None,
        "context": deployment.context,
        "max_output": deployment.max_output,
        "abilities": sorted(map(str, deployment.abilities)),
        "dimensions": deployment.dimensions,
    }
