"""The kernel-held witness of the one writer: a lock that dies with its process, and only then."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.errors import Fenced

_PRIVATE = 0o600


class Witness:
    """An exclusive flock on a file, held until `release` or the end of the process.

    The file holds the holder's pid, for people; the lock alone decides.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 32, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise Fenced(
                f"Process {holder or 'unknown'} writes this store; there is one writer at a time.",
                remedy="Wait until it has ended, or end it: helio down",
                pid=int(holder) if holder.isdecimal() else 0,
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the lock. Doing it twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
