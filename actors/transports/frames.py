"""Cutting a stream of server-sent events at its seams, without changing a byte. Pure."""

from __future__ import annotations

import json
import re

# A \r at the very end may be half of a pair, so it waits.
_SEAM = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n|\Z))")
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class FrameCutter:
    """Gathers bytes into whole frames, each with the empty line that ends it."""

    def __init__(self) -> None:
        self._rest = b""

    def cut(self, chunk: bytes) -> list[bytes]:
        """Take more bytes and give the frames that are whole now."""
        text = self._rest + chunk
        frames = []
        begin = 0
        for seam in _SEAM.finditer(text, max(len(self._rest) - 3, 0)):
            frames.append(text[begin : seam.end()])
            begin = seam.end()
        self._rest = text[begin:]
        return frames

    @property
    def held(self) -> int:
        """How many bytes wait for the end of their frame."""
        return len(self._rest)

    def rest(self) -> bytes:
        """Give what no empty line ended."""
        rest, self._rest = self._rest, b""
        return rest


def is_usage_alone(frame: bytes) -> bool:
    """Say whether a chat frame tells the usage and nothing else."""
    if b'"usage"' not in frame or not _NO_CHOICES.search(frame):
        return False
    data = frame[frame.find(b"{") :].strip()
    try:
        body = json.loads(data)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("choices") == [] and bool(body.get("usage"))
