"""What the home's files say of models, for those commands that need no running house."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, tzinfo

from routing.catalogue import Judged, judge
from routing.cataloguing.findings import Flaw
from routing.models import Catalogue
from store.config import read_settings, variable
from store.home import Home
from store.secrets import REFERENCE, Secrets


def judged(home: Home) -> Judged:
    """Read models.toml and everything that is wrong with it; no file is an empty catalogue."""
    try:
        return judge(home.models.read_text())
    except FileNotFoundError:
        return Judged(Catalogue())
    except (OSError, UnicodeDecodeError) as fault:
        return Judged(None, (Flaw(f"{home.models} cannot be read: {fault}."),))


def missing_keys(home: Home, catalogue: Catalogue) -> Iterator[str]:
    """Give the keys (secret:NAME, env:NAME) of enabled providers that nobody has set."""
    set_ones = set(Secrets(home.secrets).names())
    for source in _sources(catalogue):
        name = source.partition(":")[2]
        there = name in set_ones if source.startswith(REFERENCE) else bool(variable(name))
        if not there:
            yield source


def unready(catalogue: Catalogue) -> tuple[str, str] | None:
    """Give what keeps every model from being called, and the remedy; None where one can be."""
    providers = catalogue.providers.values()
    if any(one.enabled for one in providers):
        return None
    if not providers:
        return "no provider is configured", "Begin: helio model init anthropic"
    names = ", ".join(one.name for one in providers)
    return f"every provider is disabled: {names}", next(one.why_disabled for one in providers)


def zone_of(home: Home) -> tzinfo:
    """Give the owner's time zone; UTC where the settings cannot be used."""
    settings = read_settings(home).settings
    return zoneinfo.ZoneInfo(settings.house.time_zone) if settings else UTC


def _sources(catalogue: Catalogue) -> list[str]:
    enabled = (one for one in catalogue.providers.values() if one.enabled)
    return list(dict.fromkeys(key.source for one in enabled for key in one.keys if key.source))
