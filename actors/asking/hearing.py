"""What the gateway's stream says: text as it comes, and how the answer ended.

The stream is Anthropic's dialect. Only what a job wants of it is understood: words, counts and
the end; thinking and everything unknown is passed over. It knows no socket.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from routing.translate.dialect import Frame
from routing.translate.sse import FrameParser


class Hearing:
    """One streamed answer.

    `stop` is empty until the model said why it stopped, `over` true when the stream said that
    it is whole; `fault` holds the (type, message) of a failure told inside the stream.
    """

    def __init__(self) -> None:
        self._frames = FrameParser()
        self._parts: list[str] = []
        self.model = ""
        self.stop = ""
        self.usage: dict[str, int] = {}
        self.fault: tuple[str, str] | None = None
        self.over = False

    def feed(self, chunk: bytes) -> str:
        """Take bytes and give the text that came with them."""
        return self._take(self._frames.feed(chunk))

    def finish(self) -> str:
        """The connection has ended: give the text of what was not yet whole."""
        return self._take(self._frames.finish())

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._parts)

    def _take(self, frames: Iterable[Frame]) -> str:
        said = "".join(self._event(body) for frame in frames if (body := _object(frame.data)))
        self._parts.append(said)
        return said

    def _event(self, body: Mapping[str, Any]) -> str:
        match body:
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(new)}}:
                return new
            case {
                "type": "content_block_start",
                "content_block": {"type": "text", "text": str(new)},
            }:
                return new
            case {"type": "message_start", "message": {"model": str(model)} as message}:
                self.model = model
                self._count(message.get("usage"))
            case {"type": "message_delta", "delta": {"stop_reason": str(stop)}}:
                self.stop = stop
                self._count(body.get("usage"))
            case {"type": "message_stop"}:
                self.over = True
            case {"type": "error", "error": {"message": str(message)} as error}:
                self.fault = (str(error.get("type") or ""), message)
            case _:
                pass
        return ""

    def _count(self, usage: Any) -> None:
        if isinstance(usage, Mapping):
            self.usage |= {k: n for k, n in usage.items() if isinstance(n, int)}


def _object(data: str) -> Mapping[str, Any]:
    """Read a frame's JSON object; what is none tells nothing."""
    try:
        body = json.loads(data)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
