"""Server-Sent Events, read from lines of text. It knows nothing about sockets.

Only what our own stream uses: `id`, `event`, `data`; comments (`: beat`) are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it came: `seq` is 0 for transient ones, which no cursor can name."""

    kind: str
    data: dict[str, Any]
    seq: int = 0


@dataclass(slots=True)
class _Draft:
    """The lines of one frame so far."""

    kind: str = "message"
    seq: int = 0
    data: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "id" if value.isdigit():
                self.seq = int(value)
            case "event":
                self.kind = value
            case "data":
                self.data.append(value)
            case _:
                pass  # comments (an empty name) and fields that we do not use


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """Give each complete frame; a frame cut off by the end of the stream is dropped."""
    draft = _Draft()
    for line in lines:
        if line:
            draft.take(line)
            continue
        if draft.data:
            yield Frame(draft.kind, json.loads("\n".join(draft.data)), draft.seq)
        draft = _Draft()
