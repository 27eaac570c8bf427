"""A session's claim on its directory: a flock that the kernel drops when its holders are gone.

The session's keepers hold it too. So a successor gets it when the last process tree of its
predecessor has ended, however that one died, and never a moment earlier.
"""

from __future__ import annotations

import fcntl
import os
from hashlib import sha256
from pathlib import Path

_PRIVATE = 0o600
_DIGEST_CHARS = 16


class Lease:
    """Who may work in a directory of this home. `take` it, and `release` it at the end."""

    def __init__(self, folder: Path, directory: str, session: str) -> None:
        kind, identity = ("directory", directory) if directory else ("session", session)
        digest = sha256(f"{kind}\0{identity}".encode()).hexdigest()[:_DIGEST_CHARS]
        self.path = folder / f"{digest}.lease"
        self._note = f"{os.getpid()} {session}\n"
        self.fd = -1

    def take(self) -> bool:
        """Take it if nobody else holds it; to take what one has is no error.

        Raises:
            OSError: the file cannot be opened.
        """
        if self.fd >= 0:
            return True
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        os.ftruncate(fd, 0)
        os.pwrite(fd, self._note.encode(), 0)
        self.fd = fd
        return True

    def release(self) -> None:
        """Let go; keepers that still run keep their hold."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
