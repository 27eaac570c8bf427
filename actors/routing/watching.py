"""The catalogue in use: models.toml as it was last read well, without the keys that are missing.

The file is read again when its time or size changed, and the keys are looked for again each
time. A file that cannot be used leaves the last good catalogue in force and is a problem to be
shown. What the catalogue means, `routing.catalogue` knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import HelioError, HouseFault
from routing.catalogue import read_catalogue
from routing.models import Catalogue, Provider

Stamp = tuple[int, int, int]
_NO_FILE: Stamp = (0, 0, 0)


class CatalogueWatch:
    """Looks at one models.toml. `has` tells whether a key's reference can be resolved."""

    def __init__(self, path: Path, has: Callable[[str], bool]) -> None:
        self._path = path
        self._has = has
        self._stamp: Stamp | None = None
        self.whole = Catalogue()  # with the keys that are missing
        self.catalogue = Catalogue()
        self.problem: dict[str, Any] | None = None

    def look(self, *, again: bool = False) -> bool:
        """Look at the file and the keys; True when another catalogue is in force now."""
        stamp = self._look_at_file()
        if again or stamp != self._stamp:
            self._stamp = stamp
            self._read_file()
        usable = with_keys(self.whole, self._has)
        changed = usable != self.catalogue
        self.catalogue = usable
        return changed

    def _look_at_file(self) -> Stamp:
        try:
            about = self._path.stat()
        except OSError:
            return _NO_FILE
        return about.st_mtime_ns, about.st_size, about.st_ino

    def _read_file(self) -> None:
        try:
            self.whole = read_catalogue(self._text())
            self.problem = None
        except HelioError as fault:
            self.problem = fault.as_problem()

    def _text(self) -> str:
        try:
            return self._path.read_text()
        except FileNotFoundError:
            return ""  # nothing is configured, which is no problem
        except (OSError, UnicodeDecodeError) as fault:
            raise HouseFault(
                f"models.toml cannot be read: {fault}.",
                remedy="See to it that it is yours and holds text.",
            ) from fault


def with_keys(catalogue: Catalogue, has: Callable[[str], bool]) -> Catalogue:
    """Give the catalogue without the keys whose values are not there."""
    kept = {name: _kept(provider, has) for name, provider in catalogue.providers.items()}
    if all(kept[name] is provider for name, provider in catalogue.providers.items()):
        return catalogue
    return replace(catalogue, providers=kept)


def _kept(provider: Provider, has: Callable[[str], bool]) -> Provider:
    keys = tuple(key for key in provider.keys if has(key.source))
    return provider if len(keys) == len(provider.keys) else replace(provider, keys=keys)
