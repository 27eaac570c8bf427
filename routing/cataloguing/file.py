"""The shape of models.toml: what may stand in it, and where in the text something stands.

Each class is a table of the file; `docs/models.md` explains every key. What the values mean
together, `routing.catalogue` judges.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import ErrorDetails

from engine.demands import demand_of
from routing.conversation import Dialect
from routing.models import Ability, ProviderKind, Tier, Transport

FILE = "models.toml"
Count = Annotated[int, Field(ge=0)]
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# A name may not hold what separates the parts of a slot or of an answer's headers.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@+-]*$")]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@+/-]*$")]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]\s]+)\s*\]")
_KEY = re.compile(r"\s*([\w.\"*/:@+-]+)\s*=")
_LIKENESS = 0.6
_MUST = {
    "string_pattern_mismatch": (
        "it must begin with a letter or a digit and hold no blanks and none of , ; ="
    ),
}


class Entry(BaseModel):
    """A table of the file; it refuses unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyEntry(Entry):
    """One credential: where its value is, and a label that may be shown."""

    source: str = Field("", alias="from", pattern=r"^(secret|env):[A-Za-z_][A-Za-z0-9_]*$")
    label: Name = ""


def _key(given: Any) -> Any:
    return {"from": given} if isinstance(given, str) else given


class ProviderEntry(Entry):
    """[providers.NAME]."""

    preset: str = ""
    dialect: Dialect | None = None
    url: str | None = Field(None, pattern=r"^https?://[^\s/?#]+[^\s?#]*$")
    keys: tuple[Annotated[KeyEntry, BeforeValidator(_key)], ...] = ()
    transport: Transport | None = None
    kind: ProviderKind = ProviderKind.API_KEY
    litellm_prefix: str | None = None
    requests_per_minute: Count = 0
    tokens_per_minute: Count = 0
    concurrency: Count = 0
    headers: dict[str, str] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    models: tuple[ModelName, ...] | None = None
    enabled: bool = True


class LongEntry(Entry):
    """long = {...}: the price of calls with more than `above` tokens of prompt."""

    above: Annotated[int, Field(ge=1)]
    input_usd: Usd
    output_usd: Usd
    cache_read_usd: Usd | None = None
    cache_write_usd: Usd | None = None


class ModelEntry(Entry):
    """[[models]]: one model at one provider, or a change to a model that a preset brings."""

    name: ModelName
    provider: str = ""
    id: str = ""
    family: Name = ""
    tier: Tier | None = None
    list_price: bool = False
    input_usd: Usd | None = None
    output_usd: Usd | None = None
    cache_read_usd: Usd | None = None
    cache_write_usd: Usd | None = None
    long: LongEntry | None = None
    context: Count | None = None
    max_output: Count | None = None
    abilities: frozenset[Ability] | None = None
    dimensions: Count | None = None


class CatalogueFile(Entry):
    """The whole file."""

    providers: dict[Name, ProviderEntry] = Field(default_factory=dict)
    models: tuple[ModelEntry, ...] = ()
    tiers: dict[Tier, tuple[ModelName, ...]] = Field(default_factory=dict)
    aliases: dict[str, str] = Field(default_factory=dict)
    falls_to: dict[str, tuple[ModelName, ...]] = Field(default_factory=dict)


class Places:
    """Finds the line of a table or a key, to name it behind a sentence."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        section, entries = "", -1
        for at, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                entries += header[1] == "[["
                section = f"{header[2]}.{entries}" if header[1] == "[[" else header[2]
                self._lines.setdefault(section.replace('"', ""), at)
            elif key := _KEY.match(line):
                name = f"{section}.{key[1]}".lstrip(".")
                self._lines.setdefault(name.replace('"', ""), at)

    def behind(self, name: str) -> str:
        """Give " (models.toml line 7)" for a dotted name, or for the nearest table around it."""
        while name:
            if at := self._lines.get(name):
                return f" ({FILE} line {at})"
            name = name.rpartition(".")[0]
        return ""


def sentence_of(error: ErrorDetails, places: Places) -> str:
    """Say one error of the shape in a sentence that ends with its place."""
    # pydantic marks a wrong key of a table by "[key]"; `from` is no name in Python
    parts = [str(part) for part in error["loc"] if part != "[key]"]
    name, at = ".".join(parts), places.behind(".".join(parts))
    if error["type"] == "extra_forbidden":
        return f"{name} is not a key of this file{_nearest(parts)}{at}."
    if error["type"] == "missing":
        return f"{name} is missing{at}."
    match parts[-1]:
        case "from":  # what stands there may be a key, so it is not shown
            return f"{name} must be secret:NAME or env:NAME, never the key itself{at}."
        case "url":
            demand = "it must be an address such as https://host/path, without a query"
        case _:
            demand = _MUST.get(error["type"]) or demand_of(error)
    return f"{name} is {error['input']!r}; {demand}{at}."


_TABLES: Mapping[str, type[Entry]] = {"providers": ProviderEntry, "models": ModelEntry}


def _nearest(parts: list[str]) -> str:
    table = _TABLES.get(parts[0], CatalogueFile) if len(parts) > 1 else CatalogueFile
    known = list(table.model_fields)
    near = difflib.get_close_matches(parts[-1], known, n=1, cutoff=_LIKENESS)
    return f"; the nearest is {near[0]}" if near else f"; it knows {', '.join(known)}"
