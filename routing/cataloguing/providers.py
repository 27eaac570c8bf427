"""From an entry and its preset to a provider: what each says, and what cannot be. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from routing.cataloguing.file import ProviderEntry
from routing.cataloguing.findings import Findings
from routing.conversation import Dialect
from routing.models import Key, Limits, Provider, ProviderKind, Transport
from routing.presets import Preset, presets

_NO_PRESET = Preset(name="")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LOGIN, KEYLESS = "login", "keyless"  # labels of what is no key


@dataclass(frozen=True, slots=True)
class Serving:
    """A provider with its preset, and which of the preset's models it shall serve (None: all)."""

    provider: Provider
    preset: Preset
    only: tuple[str, ...] | None = None


def serving(name: str, entry: ProviderEntry, findings: Findings) -> Serving:
    """Make a provider; without a preset of its own, its name may be that of one."""
    preset = presets().get(entry.preset or name, _NO_PRESET)
    where = f"providers.{name}"
    if entry.preset and not preset.name:
        known = ", ".join(presets())
        findings.wrong(f"{where}.preset", f"is {entry.preset!r}; there are {known}")
    reason = _why_disabled(entry, preset)
    provider = Provider(
        name=name,
        dialect=entry.dialect or preset.dialect or Dialect.CHAT,
        url=_base(entry, preset),
        keys=_keys(entry),
        transport=entry.transport or preset.transport,
        kind=entry.kind,
        litellm_prefix=_prefix(entry, preset),
        limits=Limits(
            requests_per_minute=entry.requests_per_minute,
            tokens_per_minute=entry.tokens_per_minute,
            concurrency=entry.concurrency,
        ),
        headers=entry.headers,
        options=entry.options,
        enabled=not reason,
        why_disabled=reason,
    )
    for key, said in _wrong(provider, entry, preset):
        findings.wrong(f"{where}{key}", said)
    if entry.keys and _in_the_open(provider.url):
        findings.odd(f"{where}.url", "is plain http to another machine: keys can be read there")
    return Serving(provider, preset, entry.models)


def _base(entry: ProviderEntry, preset: Preset) -> str:
    """Give the base address; LiteLLM knows those of the presets itself."""
    own = "" if entry.transport == Transport.LITELLM else preset.url
    return (entry.url or own).rstrip("/")


def _prefix(entry: ProviderEntry, preset: Preset) -> str:
    prefix = preset.litellm_prefix if entry.litellm_prefix is None else entry.litellm_prefix
    return f"{prefix.rstrip('/')}/" if prefix else ""


def _keys(entry: ProviderEntry) -> tuple[Key, ...]:
    if entry.kind == ProviderKind.SUBSCRIPTION:
        return (Key(label=LOGIN),)
    if not entry.keys:
        return (Key(label=KEYLESS),)
    return tuple(
        Key(label=key.label or key.source.partition(":")[2], source=key.source)
        for key in entry.keys
    )


def _why_disabled(entry: ProviderEntry, preset: Preset) -> str:
    if not entry.enabled:
        return "It is switched off in models.toml: enabled = false."
    if preset.key and not entry.keys and entry.kind == ProviderKind.API_KEY:
        return (
            f'It has no key. Give it one in models.toml, keys = ["secret:{preset.key}"],'
            f" and its value: helio secret set {preset.key}"
        )
    return ""


def _wrong(provider: Provider, entry: ProviderEntry, preset: Preset) -> Iterator[tuple[str, str]]:
    """Give (key, what is wrong with it) for what contradicts itself or is missing."""
    labels = [key.label for key in provider.keys]
    if len(set(labels)) < len(labels):
        yield ".keys", "has two keys of one label; give each its own label"
    if any(value.startswith(("secret:", "env:")) for value in entry.headers.values()):
        yield ".headers", "names a secret; only keys are filled in, headers go as they are"
    if provider.kind == ProviderKind.SUBSCRIPTION and entry.keys:
        yield ".keys", "must be empty: a CLI's own login comes with each request"
    if provider.kind == ProviderKind.SUBSCRIPTION and provider.transport != Transport.RELAY:
        yield ".transport", 'must be "relay": a subscription is relayed unread'
    if provider.transport != Transport.LITELLM:
        yield from _wrong_by_wire(provider, entry, preset)
    elif not provider.litellm_prefix:
        yield "", f"{_nothing(preset)}needs litellm_prefix, such as mistral/"


def _wrong_by_wire(
    provider: Provider, entry: ProviderEntry, preset: Preset
) -> Iterator[tuple[str, str]]:
    """Judge what only matters where we speak HTTP ourselves."""
    if entry.options:
        yield ".options", 'is for transport = "litellm" only'
    if not provider.url:
        yield "", "needs a url"
    if not (entry.dialect or preset.dialect):
        yield "", f"needs a dialect: {', '.join(Dialect)}"


def _nothing(preset: Preset) -> str:
    """Say why LiteLLM speaks here, where the file does not."""
    return "" if preset.name else "has no preset, so LiteLLM speaks to it: it "


def _in_the_open(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _LOOPBACK
