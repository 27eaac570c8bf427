"""Registered secrets: one private file each. Values go in and to a process; never into a message.

A job names a secret as ``secret:NAME``; the session reads it when it starts the process. The
errors of this module tell names only.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from engine.errors import BadInput, HouseFault, NotFound
from engine.redaction import MIN_CHARS
from store.durable import make_private_directory, sync_directory, write_durably

REFERENCE = "secret:"

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_MOST_BYTES = 65_536
_OTHERS = 0o077


class Secrets:
    """The secrets of one home. Any process of the owner may hold one of these."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def set(self, name: str, value: str) -> None:
        """Register a secret, or replace its value.

        Raises:
            BadInput: the name or the value cannot be used.
        """
        path = self._path(name)
        _refuse_unusable(name, value)
        make_private_directory(self._directory)
        write_durably(path, value.encode())

    def rotate(self, name: str, value: str) -> None:
        """Replace the value of a secret that is there.

        Raises:
            NotFound: it is not there; a misspelt name must not become a second secret.
        """
        if not self._path(name).exists():
            raise self._missing(name)
        self.set(name, value)

    def names(self) -> list[str]:
        """Give the registered names in alphabetical order."""
        if not self._directory.is_dir():
            return []
        return sorted(file.name for file in self._directory.iterdir() if _NAME.fullmatch(file.name))

    def changed_at(self, name: str) -> int:
        """When a secret got its value: microseconds since the epoch.

        Raises:
            NotFound: there is no such secret.
        """
        try:
            return self._path(name).stat().st_mtime_ns // 1000
        except FileNotFoundError:
            raise self._missing(name) from None

    def read(self, name: str) -> str:
        """Give a secret's value to a process that needs it.

        Raises:
            NotFound: there is no such secret.
            HouseFault: others can read the file, so it is no secret any more.
        """
        try:
            handle = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self._missing(name) from None
        with os.fdopen(handle, "rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
                raise HouseFault(
                    f"The file of secret {name} can be read by others.",
                    remedy=f"Give the secret a new value: helio secret rotate {name}",
                )
            return file.read().decode()

    def values(self) -> Mapping[str, str]:
        """Give every name with its value: what redaction has to look for."""
        return {name: self.read(name) for name in self.names()}

    def remove(self, name: str) -> None:
        """Forget a secret.

        Raises:
            NotFound: there is no such secret.
        """
        try:
            self._path(name).unlink()
        except FileNotFoundError:
            raise self._missing(name) from None
        sync_directory(self._directory)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BadInput(
                f"{name!r} cannot name a secret.",
                remedy="Use capital letters, digits and underscores, as in DEPLOY_TOKEN.",
            )
        return self._directory / name

    @staticmethod
    def _missing(name: str) -> NotFound:
        return NotFound(
            f"There is no secret {name}.", remedy=f"Register it: helio secret set {name}"
        )


def _refuse_unusable(name: str, value: str) -> None:
    if len(value) < MIN_CHARS:
        raise BadInput(
            f"The value of {name} is too short to be a secret.",
            remedy=f"Give {MIN_CHARS} characters or more: shorter text cannot be redacted.",
        )
    if "\0" in value or len(value.encode(errors="surrogateescape")) > _MOST_BYTES:
        raise BadInput(
            f"The value of {name} cannot be handed to a process.",
            remedy=f"Give text without zero bytes, {_MOST_BYTES} bytes at most.",
        )
