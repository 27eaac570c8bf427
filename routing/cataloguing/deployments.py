"""From presets and [[models]] to deployments: which model is served where, and as what. Pure.

The facts of a model come from the file, then from the preset of its provider, then from the model
of the same name that any preset knows; its price is never taken from another provider unless the
file says `list_price = true`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.cataloguing.families import family_of
from routing.cataloguing.file import LongEntry, ModelEntry
from routing.cataloguing.findings import Findings
from routing.cataloguing.providers import Serving
from routing.models import Ability, Deployment, Price, ProviderKind, Tier
from routing.presets import known_models

_PRICE = frozenset({"input_usd", "output_usd", "cache_read_usd", "cache_write_usd", "long"})
_OWN = frozenset({"name", "provider", "id", "list_price"}) | _PRICE  # no fact of the model as such
_FREE = Price(input=0.0, output=0.0)

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Said:
    """One [[models]] table and its place in the file."""

    where: str
    entry: ModelEntry

    @property
    def facts(self) -> Facts:
        """What it says, and nothing that it leaves open."""
        return {name: getattr(self.entry, name) for name in self.entry.model_fields_set}


def deployments(
    serving: Sequence[Serving], entries: Sequence[ModelEntry], findings: Findings
) -> tuple[Deployment, ...]:
    """Give every deployment: by provider as the file has them, presets' models first."""
    said = [_Said(f"models.{at}", entry) for at, entry in enumerate(entries)]
    _judge_providers(serving, said, findings)
    found: list[Deployment] = []
    for one in serving:
        found += _of_provider(one, said, findings)
    return tuple(found)


def _of_provider(one: Serving, said: Sequence[_Said], findings: Findings) -> Iterator[Deployment]:
    name = one.provider.name
    brought = {model.name: model for model in one.preset.models}
    own = {each.entry.name: each for each in said if each.entry.provider == name}
    for model in (*brought, *(each for each in own if each not in brought)):
        if one.only is not None and model in brought and model not in one.only:
            continue
        facts: dict[str, Any] = _inherited(model, brought.get(model))
        for each in said:
            if each.entry.name == model and each.entry.provider in ("", name):
                facts = _above(facts, each.facts)
        where = own[model].where if model in own else f"providers.{name}"
        yield _deployment(one, model, facts, where, findings)
    for wanted in one.only or ():
        if wanted not in brought and wanted not in own:
            known = ", ".join((*brought, *own)) or "none"
            findings.wrong(
                f"providers.{name}.models",
                f"names {wanted}, which it does not serve; it has {known}",
            )


def _inherited(model: str, brought: ModelEntry | None) -> dict[str, Any]:
    """Give what is known of a model: all of it from its own preset, no price from another's."""
    if brought is not None:
        return {name: getattr(brought, name) for name in brought.model_fields_set}
    like = known_models().get(model)
    if like is None:
        return {}
    return {name: getattr(like, name) for name in like.model_fields_set - _OWN}


def _above(below: Facts, said: Facts) -> dict[str, Any]:
    """Lay what the file says above what is known; one price in the file replaces all of it."""
    kept = {
        name: value
        for name, value in below.items()
        if name not in _PRICE or not said.keys() & _PRICE
    }
    return kept | dict(said)


def _deployment(
    one: Serving, model: str, facts: Facts, where: str, findings: Findings
) -> Deployment:
    tier = facts.get("tier") or Tier.MID
    if facts.get("list_price"):
        facts = _at_list_price(model, facts, where, findings)
    price = _price(facts, where, findings) or (_FREE if one.preset.free else None)
    if one.provider.kind == ProviderKind.SUBSCRIPTION:
        price = _FREE  # it costs turns
    if price is None and one.provider.enabled:
        said = f"gives {model} at {one.provider.name} no price, so it is not called"
        findings.odd(where, f"{said} unless models.allow_unpriced is set")
    talks = tier not in (Tier.EMBED, Tier.AUDIO)
    abilities = facts.get("abilities")
    return Deployment(
        model=model,
        provider=one.provider.name,
        id=facts.get("id") or model,
        family=facts.get("family") or family_of(model),
        tier=tier,
        price=price,
        context=facts.get("context") or 0,
        max_output=facts.get("max_output") or 0,
        abilities=frozenset({Ability.TOOLS} if talks else ()) if abilities is None else abilities,
        dimensions=facts.get("dimensions") or 0,
    )


def _at_list_price(model: str, facts: Facts, where: str, findings: Findings) -> Facts:
    like = known_models().get(model)
    if like is None:
        findings.wrong(f"{where}.list_price", f"is set, but no preset knows a model {model}")
        return facts
    listed = {name: getattr(like, name) for name in like.model_fields_set & _PRICE}
    return {**listed, **facts}


def _price(facts: Facts, where: str, findings: Findings) -> Price | None:
    given, made = facts.get("input_usd"), facts.get("output_usd")
    if given is None and made is None:
        if facts.keys() & _PRICE:
            findings.wrong(where, "has prices, but neither input_usd nor output_usd")
        return None
    if given is None or made is None:
        missing = "input_usd" if given is None else "output_usd"
        findings.wrong(where, f"has a price, but no {missing}")
        return None
    long: LongEntry | None = facts.get("long")
    return Price(
        input=given,
        output=made,
        cache_read=facts.get("cache_read_usd"),
        cache_write=facts.get("cache_write_usd"),
        long=_long(long) if long else None,
        long_from=long.above if long else 0,
    )


def _long(entry: LongEntry) -> Price:
    return Price(
        input=entry.input_usd,
        output=entry.output_usd,
        cache_read=entry.cache_read_usd,
        cache_write=entry.cache_write_usd,
    )


def _judge_providers(serving: Sequence[Serving], said: Sequence[_Said], findings: Findings) -> None:
    """Find models of unknown providers, changes to unknown models, and repetitions."""
    names = [one.provider.name for one in serving]
    brought = {model.name for one in serving for model in one.preset.models}
    seen: set[tuple[str, str]] = set()
    for one in said:
        name, provider = one.entry.name, one.entry.provider
        if provider and provider not in names:
            known = ", ".join(names) or "none"
            findings.wrong(f"{one.where}.provider", f"is {provider!r}; the providers are: {known}")
        elif not provider and name not in brought:
            findings.wrong(one.where, f"does not say which provider serves {name}")
        if (name, provider) in seen:
            findings.wrong(one.where, f"repeats {name}; one table says it all")
        seen.add((name, provider))
