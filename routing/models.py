"""The catalogue: providers, their keys, the models they serve, prices and what each can do.

Plain values; `routing.catalogue` reads them from TOML. A *model* is a name that jobs ask for; a
*deployment* is that model at one provider, under the id that the provider knows; a *candidate*
is a deployment with one of the provider's keys. Prices are US dollars per million tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from routing.conversation import Dialect, Usage

PER = 1_000_000  # tokens that a price is for


class Tier(StrEnum):
    """Classes of models, by what they are good for. `RANK` orders the first three."""

    ULTRA = "ultra"
    MID = "mid"
    CHEAP = "cheap"
    REASONING = "reasoning"
    EMBED = "embed"
    AUDIO = "audio"


# A higher rank may stand in for a lower one; reasoning models count as ultra when they do.
RANK: Mapping[Tier, int] = {Tier.CHEAP: 0, Tier.MID: 1, Tier.ULTRA: 2, Tier.REASONING: 2}


class Transport(StrEnum):
    """How a provider is spoken to."""

    LITELLM = "litellm"  # through litellm.acompletion in a child process
    RELAY = "relay"  # same dialect: byte for byte; another dialect: as direct
    DIRECT = "direct"  # encoded by routing.translate, over plain HTTP


class ProviderKind(StrEnum):
    """How a provider is paid."""

    API_KEY = "api_key"
    SUBSCRIPTION = "subscription"  # a CLI's own login, relayed unread; turns are counted


class Ability(StrEnum):
    """What a model can do beyond text."""

    TOOLS = "tools"
    VISION = "vision"
    THINKING = "thinking"
    JSON = "json"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens; None is unknown, and fails closed.

    Some models cost more in long calls: with more than `long_from` tokens of prompt, `long` is
    the price of the whole call.
    """

    input: float
    output: float
    cache_read: float | None = None  # None: as input
    cache_write: float | None = None
    long: Price | None = None
    long_from: int = 0

    def of(self, usage: Usage) -> float:
        """Give the cost of a usage in US dollars."""
        if self.long is not None and usage.input > self.long_from:
            return self.long.of(usage)
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        fresh = max(usage.input - usage.cache_read - usage.cache_write, 0)
        parts = fresh * self.input + usage.cache_read * read + usage.cache_write * write
        return (parts + usage.output * self.output) / PER


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the user knows of a provider's limits; 0 is unknown. Learned ones add to these."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    concurrency: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One credential of a provider: a label that may be shown, and where its value is.

    `source` is ``secret:NAME`` or ``env:NAME``; empty for providers that want none.
    """

    label: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One place that serves models.

    `url` is the base without a trailing slash, with or without a version at its end.
    `why_disabled` is a sentence for people. `options` are further arguments of
    ``litellm.acompletion``.
    """

    name: str
    dialect: Dialect
    url: str
    keys: tuple[Key, ...] = ()
    transport: Transport = Transport.LITELLM
    kind: ProviderKind = ProviderKind.API_KEY
    litellm_prefix: str = ""  # what litellm calls this kind of provider: "deepseek/"
    limits: Limits = Limits()
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    why_disabled: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One model at one provider."""

    model: str  # the name that jobs ask for
    provider: str
    id: str  # what the provider calls it
    family: str  # claude, gpt, gemini, deepseek, qwen, ...: who trained it
    tier: Tier
    price: Price | None = None  # None: unknown, refused unless allowed
    context: int = 0  # tokens of prompt and answer together; 0 is unknown
    max_output: int = 0
    abilities: frozenset[Ability] = frozenset({Ability.TOOLS})
    dimensions: int = 0  # of an embedding


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything that can be called, in the order of the waterfall.

    `deployments` are in the order of preference. `tiers` lists model names, best first.
    `aliases` maps other names (also with a trailing ``*``) to a model or a tier.
    `falls_to` says which models may stand in for a model, in order; a model that is not in it
    falls to the others of its tier; an empty tuple pins it.
    """

    providers: Mapping[str, Provider] = field(default_factory=dict)
    deployments: tuple[Deployment, ...] = ()
    tiers: Mapping[Tier, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    falls_to: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: str = ""  # digest of what it was read from


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """What rate-limit state is kept by: one model of one provider under one key."""

    provider: str
    key: str  # the key's label
    model: str  # the provider's id of it

    def __str__(self) -> str:
        return f"{self.provider}/{self.key}/{self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A deployment with one key: what one attempt is made at."""

    deployment: Deployment
    key: Key

    @property
    def slot(self) -> Slot:
        """By what its state is kept."""
        return Slot(self.deployment.provider, self.key.label, self.deployment.id)
