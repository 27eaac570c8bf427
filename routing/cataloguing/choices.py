"""Tiers, aliases and stand-ins: which names lead to which models. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from routing.cataloguing.file import CatalogueFile
from routing.cataloguing.findings import Findings
from routing.cataloguing.providers import Serving
from routing.models import RANK, Deployment, Tier


def tiers(
    file: CatalogueFile, served: Sequence[Deployment], findings: Findings
) -> dict[Tier, tuple[str, ...]]:
    """Give the models of each tier, best first: the file's list, else all in the file's order."""
    known = _tiers_of(served)
    for tier, names in file.tiers.items():
        for name in names:
            _judge_member(tier, name, known.get(name), findings)
    own = {
        tier: tuple(dict.fromkeys(one.model for one in served if one.tier == tier)) for tier in Tier
    }
    return own | file.tiers


def aliases(
    file: CatalogueFile,
    serving: Sequence[Serving],
    served: Sequence[Deployment],
    findings: Findings,
) -> dict[str, str]:
    """Give other names, of presets and of the file, each with the model or tier it stands for."""
    models = {one.model for one in served}
    found = {
        alias: target
        for one in serving
        for alias, target in one.preset.aliases.items()
        if target in models and alias not in models
    }
    for alias, target in file.aliases.items():
        where = f"aliases.{alias}"
        if target not in models and target not in set(Tier):
            findings.wrong(where, f"leads to {target!r}, which is neither a model nor a tier")
        if alias in models:
            findings.wrong(where, "is the name of a model already")
        if not alias or "*" in alias[:-1]:
            findings.wrong(where, "must be a name, with a * at its end at most")
    return found | file.aliases


def falls_to(
    file: CatalogueFile, served: Sequence[Deployment], findings: Findings
) -> dict[str, tuple[str, ...]]:
    """Give the stand-ins of the models for which the file names some."""
    known = _tiers_of(served)
    for model, others in file.falls_to.items():
        where = f"falls_to.{model}"
        for name in (model, *others):
            if name not in known:
                findings.wrong(where, f"names {name}, which is no model here")
        if others and Tier.EMBED in known.get(model, ()):
            findings.wrong(where, "must be empty: vectors of two models cannot be compared")
    return dict(file.falls_to)


def _tiers_of(served: Sequence[Deployment]) -> dict[str, set[Tier]]:
    found: dict[str, set[Tier]] = {}
    for one in served:
        found.setdefault(one.model, set()).add(one.tier)
    return found


def _judge_member(tier: Tier, name: str, its: set[Tier] | None, findings: Findings) -> None:
    """A better model may serve a lower tier; a lesser one, or one of another kind, may not."""
    where = f"tiers.{tier}"
    if its is None:
        findings.wrong(where, f"names {name}, which is no model here")
        return
    for one in its - {tier}:
        if tier not in RANK or one not in RANK or RANK[one] < RANK[tier]:
            findings.wrong(
                where, f'names {name}, which is {one}; set its tier = "{tier}" under [[models]]'
            )
