"""What a session knows of secrets: it reads one for a process, and hides all from everybody else.

Hidden are the registered secrets and the home's own two tokens, as they are on disk when an
attempt begins, and shapes of well-known keys.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.redaction import Needles, Redactor, needles
from store.home import Home
from store.patterns import KEY_SHAPES
from store.secrets import Secrets

Stamp = tuple[tuple[str, int, int], ...]


class HouseSecrets:
    """The secrets of one home, as `actors.workplace.Secrecy`."""

    def __init__(self, home: Home) -> None:
        self._secrets = Secrets(home.secrets)
        self._folder = home.secrets
        self._tokens = (home.token, home.ray_token)
        self._stamp: Stamp | None = None
        self._hidden = Needles()

    def read(self, name: str) -> str:
        """Give a secret's value.

        Raises:
            NotFound: nobody has set it.
            HouseFault: its file can be read by others.
        """
        return self._secrets.read(name)

    def redactor(self) -> Redactor:
        """Give a redactor for one stream.

        Raises:
            HouseFault: a secret's file can be read by others.
        """
        stamp = self._look()
        if stamp != self._stamp:
            tokens = [path.read_text().strip() for path in self._tokens if path.exists()]
            self._hidden = needles([*self._secrets.values().values(), *tokens])
            self._stamp = stamp
        return Redactor(self._hidden, KEY_SHAPES)

    def _look(self) -> Stamp:
        """Give what changes when a secret or a token does."""
        paths: list[Path] = [*self._tokens]
        if self._folder.is_dir():
            paths += sorted(self._folder.iterdir())
        found = ((path.name, path.stat()) for path in paths if os.path.lexists(path))
        return tuple((name, about.st_mtime_ns, about.st_ino) for name, about in found)
