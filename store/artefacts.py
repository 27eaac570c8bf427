"""Content-addressed files under the home: what jobs leave behind. Knows no job and no table.

A file is kept once, under the sha256 of its content; `engine.records.Artefact` rows refer to it,
and when the last row is gone, so is the file (`store.prune`). An upload comes in pieces at
stated offsets, so that a client can go on after either side was restarted.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.errors import BadInput, Conflict, NotFound, PayloadTooLarge, StoreFull
from engine.settings import StoreSettings
from store.durable import PRIVATE_FILE, make_private_directory, publish, sync_directory

_UPLOAD = re.compile(r"[a-z0-9]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_INCOMING = "incoming"
_FRESH = 1024


class Artefacts:
    """The files of one home. One process writes them, the one that writes the store."""

    def __init__(self, directory: Path, settings: StoreSettings) -> None:
        self._directory = directory
        self._settings = settings
        # A file that was just added may have no row yet: retention must not take it away.
        self._lock = threading.Lock()
        self._fresh: deque[str] = deque(maxlen=_FRESH)
        self._used_bytes = 0  # looked up when an upload begins, kept up while it goes on

    def append(self, upload: str, offset: int, chunk: bytes) -> int:
        """Add a chunk to an upload, begun by its first one; give the bytes there are now.

        A chunk that came before is taken again without harm, if it ends where the upload does.

        Raises:
            Conflict: the chunk does not join what is there; `size_bytes` tells where to go on.
            PayloadTooLarge: one file would be larger than the settings allow.
            StoreFull: the quota, or the disk, takes no more.
        """
        path = self._incoming(upload)
        make_private_directory(path.parent)
        have = self.uploaded(upload)
        if offset + len(chunk) == have and offset < have:
            return have
        if offset != have:
            raise Conflict(
                f"Upload {upload} has {have} bytes; a chunk at {offset} does not join them.",
                remedy="Go on at size_bytes.",
                size_bytes=have,
            )
        if have == 0 or self._used_bytes == 0:
            self._used_bytes = self.used_bytes()
        self._refuse_too_much(have + len(chunk), len(chunk))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE), "r+b") as file:
            file.seek(offset)
            file.write(chunk)
        self._used_bytes += len(chunk)
        return have + len(chunk)

    def uploaded(self, upload: str) -> int:
        """How many bytes of an upload there are; 0 for one that is not begun."""
        path = self._incoming(upload)
        return path.stat().st_size if path.exists() else 0

    def finish(self, upload: str, sha256: str) -> Path:
        """Make a whole upload durable under its name.

        Raises:
            NotFound: there is no such upload.
            BadInput: the content is not what its sha256 says; the upload is dropped.
        """
        path, final = self._incoming(upload), self.path_of(sha256)
        if not path.exists():
            raise NotFound(f"There is no upload {upload}.", remedy="Begin it again at offset 0.")
        found = _sha256_of(path)
        if found != sha256:
            path.unlink()
            raise BadInput(
                f"The uploaded bytes have the sha256 {found}, not {sha256}.",
                remedy="The upload was dropped; send it again.",
            )
        make_private_directory(final.parent)
        self._is_kept(sha256)
        publish(path, final)
        sync_directory(self._directory)
        return final

    def add(self, content: bytes) -> str:
        """Keep some bytes durably; give their sha256."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self._is_kept(sha256):
            self._incoming(sha256).unlink(missing_ok=True)
            self.append(sha256, 0, content)
            self.finish(sha256, sha256)
        return sha256

    def path_of(self, sha256: str) -> Path:
        """Where a file of this content is, or would be.

        Raises:
            BadInput: that is no sha256.
        """
        if not _SHA256.fullmatch(sha256):
            raise BadInput(f"{sha256!r} is no sha256.", remedy="Give 64 hexadecimal digits.")
        return self._directory / sha256[:2] / sha256

    def remove(self, hashes: Iterable[str]) -> None:
        """Delete files, but not the newest: `store.leftovers` finds those if they stay alone."""
        for sha256 in hashes:
            with self._lock:
                if sha256 not in self._fresh:
                    self.path_of(sha256).unlink(missing_ok=True)

    def kept(self) -> Iterator[Path]:
        """Give every finished file."""
        return (path for path in self._directory.glob("??/*") if _SHA256.fullmatch(path.name))

    def abandoned(self, before: int) -> list[Path]:
        """Give uploads that nobody has touched since `before` (microseconds)."""
        uploads = (self._directory / _INCOMING).glob("*")
        return [path for path in uploads if path.stat().st_mtime_ns // 1000 < before]

    def used_bytes(self) -> int:
        """How much finished files and uploads take."""
        return sum(path.stat().st_size for path in self._directory.glob("*/*"))

    def _is_kept(self, sha256: str) -> bool:
        """Whether the file is there; from now on it counts as fresh."""
        with self._lock:
            self._fresh.append(sha256)
            return self.path_of(sha256).exists()

    def _incoming(self, upload: str) -> Path:
        if not _UPLOAD.fullmatch(upload):
            raise BadInput(
                f"{upload!r} cannot name an upload.",
                remedy="Use up to 64 small letters and digits.",
            )
        return self._directory / _INCOMING / upload

    def _refuse_too_much(self, size_bytes: int, more_bytes: int) -> None:
        if size_bytes > self._settings.artefact_bytes:
            raise PayloadTooLarge(
                f"A file may have {self._settings.artefact_bytes} bytes at most.",
                remedy="Raise store.artefact_bytes, or leave the file where it is and name it.",
            )
        if self._used_bytes + more_bytes > self._settings.artefact_quota_bytes:
            raise StoreFull(
                "The files of jobs have used up their quota.",
                remedy="Raise store.artefact_quota_bytes, or shorten store.done_days.",
            )


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
