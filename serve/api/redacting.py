"""What the API hides: the home's registered secrets and its two tokens, as they are on disk now.

Almost no answer holds a secret, so an answer is first searched for all their forms at once; only
one that has a hit is taken apart, hidden value by value, and put together again. The files are
looked at for each answer, so a secret registered a moment ago is hidden in the next one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.redaction import Needles, hide, hide_json, needles
from store.home import Home

_KEY_MARK = "PRIVATE KEY-----"
_DATA = "data: "

Stamp = tuple[tuple[str, int, int, int], ...]


class HomeRedactor:
    """Hides what is registered in one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stamp: Stamp | None = None
        self._hidden = Needles()

    def __call__(self, text: str) -> str:
        """Give plain text without secrets."""
        return hide(text, self._hidden) if self._suspects(text) else text

    def json(self, text: str) -> str:
        """Give a JSON text without secrets; it stays JSON."""
        if not self._suspects(text):
            return text
        try:
            value = json.loads(text)
        except ValueError:
            return hide(text, self._hidden)
        return json.dumps(hide_json(value, self._hidden), separators=(",", ":"))

    def frame(self, text: str) -> str:
        """Give a whole frame of an event stream without secrets."""
        if not self._suspects(text):
            return text
        return "".join(self._line(line) for line in text.splitlines(keepends=True))

    def of(self, media_type: str) -> Callable[[str], str] | None:
        """Give what hides secrets in a body of this type, None for files of our own."""
        match media_type.partition(";")[0].strip():
            case "application/json" | "application/problem+json":
                return self.json
            case "text/event-stream":
                return self.frame
            case "text/plain":
                return self
            case _:
                return None

    def _line(self, line: str) -> str:
        if not line.startswith(_DATA):
            return self(line)
        body, end = line.rstrip("\n"), "\n" if line.endswith("\n") else ""
        return _DATA + self.json(body.removeprefix(_DATA)) + end

    def _suspects(self, text: str) -> bool:
        self._look()
        return _KEY_MARK in text or any(form in text for form in self._hidden.forms)

    def _look(self) -> None:
        """Read the files again when one of them changed."""
        files = dict(self._files())
        stamp = tuple(
            (name, found.st_ino, found.st_mtime_ns, found.st_size)
            for name, found in sorted(files.items())
        )
        if stamp != self._stamp:
            self._hidden = needles(filter(None, map(_read, files)))
            self._stamp = stamp

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        for path in (self._home.token, self._home.ray_token):
            try:
                yield str(path), path.stat()
            except OSError:
                continue
        try:
            with os.scandir(self._home.secrets) as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False):
                        yield entry.path, entry.stat()
        except OSError:
            return


def _read(path: str) -> str:
    """Read a value; a file that is gone by now, or not ours to read, hides nothing."""
    try:
        return Path(path).read_text(errors="surrogateescape").strip("\r\n")
    except OSError:
        return ""
