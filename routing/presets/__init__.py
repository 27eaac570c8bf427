"""The kinds of providers that Heliograph knows, and the models they serve today.

Read once from the two files beside this one: providers.toml is written by hand, models.toml is
drawn by docs/prices.py. What a user makes of them, `routing.catalogue` knows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from routing.cataloguing.file import ModelEntry
from routing.conversation import Dialect
from routing.models import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One kind of provider. `key` is its secret's usual name; empty where none is needed."""

    name: str
    about: str = ""
    dialect: Dialect | None = None
    url: str = ""
    transport: Transport = Transport.LITELLM
    litellm_prefix: str = ""
    key: str = ""
    free: bool = False  # its models cost nothing unless the user says otherwise
    aliases: Mapping[str, str] = field(default_factory=dict)
    models: tuple[ModelEntry, ...] = ()


@cache
def presets() -> Mapping[str, Preset]:
    """Give the presets by name, in the order of the file."""
    models = _tree("models.toml")
    return {
        name: _preset(name, said, models.get(name, ()))
        for name, said in _tree("providers.toml").items()
    }


@cache
def known_models() -> Mapping[str, ModelEntry]:
    """Give every model that a preset brings, by name: its maker's facts and list price."""
    return {model.name: model for preset in presets().values() for model in preset.models}


def _preset(name: str, said: Mapping[str, Any], models: Any) -> Preset:
    plain = {key: value for key, value in said.items() if key not in ("dialect", "transport")}
    return Preset(
        name=name,
        dialect=Dialect(said["dialect"]),
        transport=Transport(said["transport"]),
        models=tuple(ModelEntry.model_validate(model) for model in models),
        **plain,
    )


def _tree(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__name__).joinpath(name).read_text())
