"""A provider's stream in Anthropic's dialect, understood event by event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.conversation import (
    Begun,
    Closed,
    Dialect,
    Ended,
    Event,
    Grew,
    Opened,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from routing.translate import wire
from routing.translate.anthropic.answers import is_answer_tool, read_stop, read_usage
from routing.translate.anthropic.blocks_in import read_block
from routing.translate.anthropic.errors import read_error
from routing.translate.dialect import Frame, Malformed
from routing.translate.failures import cut, told_in_stream
from routing.translate.signatures import origin_of

# Where the words of a delta stand.
_WORDS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class Reader:
    """Understands a stream. Blocks of Anthropic's own servers are passed over whole."""

    def __init__(self, family: str) -> None:
        self._origin = origin_of(Dialect.ANTHROPIC, family)
        self._open: set[int] = set()
        self._inputs: dict[int, str] = {}  # arguments that stood in the start of a call
        self._calls = False
        self._begun = False
        self._ended = False
        self._stopped = False
        self._delta: Mapping[str, Any] = {}
        self._usage: dict[str, Any] = {}

    def read(self, frame: Frame) -> list[Event]:
        """Give what the frame means; unknown frames mean nothing.

        Raises:
            Malformed: it is not what the dialect promises.
            Fault: it tells of a failure.
        """
        raw = wire.mapping(wire.loads(frame.data), "the event") if frame.data else {}
        match raw.get("type", frame.event):
            case "content_block_delta":
                return self._grow(raw)
            case "content_block_start":
                return self._start(raw)
            case "content_block_stop":
                return self._stop(_index(raw))
            case "message_start":
                return self._begin(wire.part(raw, "message"))
            case "message_delta":
                self._delta = wire.part(raw, "delta")
                self._stopped = self._stopped or bool(self._delta.get("stop_reason"))
                self._count(raw.get("usage"))
            case "message_stop":
                return self._end()
            case "error":
                raise told_in_stream(*read_error(raw), raw)
            case _:
                pass
        return []

    def finish(self) -> list[Event]:
        """Give what was held back.

        Raises:
            Fault: of kind CUT, if the answer was not whole.
        """
        if self._ended:
            return []
        if not self._stopped:
            raise cut()
        return self._end()

    def _begin(self, message: Mapping[str, Any]) -> list[Event]:
        if self._begun:
            return []  # some providers say it twice
        self._begun = True
        self._count(message.get("usage"))
        ident, model = wire.text(message.get("id"), "id"), wire.text(message.get("model"), "model")
        return [Begun(ident, model, self._known_usage())]

    def _start(self, raw: Mapping[str, Any]) -> list[Event]:
        index = _index(raw)
        block = read_block(wire.part(raw, "content_block"), "content_block", self._origin)
        if not isinstance(block, Text | Thinking | ToolCall):
            return []
        self._open.add(index)
        if isinstance(block, ToolCall):
            if block.arguments != "{}":
                self._inputs[index] = block.arguments
            if is_answer_tool(block):
                return [Opened(index, Text(""))]
            self._calls = True
            block = ToolCall(block.id, block.name)
        return [Opened(index, block)]

    def _grow(self, raw: Mapping[str, Any]) -> list[Event]:
        index = raw.get("index")
        delta = raw.get("delta")
        if not isinstance(index, int) or index not in self._open or not isinstance(delta, dict):
            return []
        kind = str(delta.get("type"))
        if kind == "signature_delta":
            return [Grew(index, "", wire.text(delta.get("signature"), "signature"))]
        words = delta.get(_WORDS.get(kind, ""))
        if not words:
            return []
        if self._inputs:
            self._inputs.pop(index, None)
        return [Grew(index, wire.text(words, "delta"))]

    def _stop(self, index: int) -> list[Event]:
        if index not in self._open:
            return []
        self._open.discard(index)
        whole = self._inputs.pop(index, "")
        return [Grew(index, whole), Closed(index)] if whole else [Closed(index)]

    def _end(self) -> list[Event]:
        if self._ended:
            return []
        self._ended = True
        told = [event for index in sorted(self._open) for event in self._stop(index)]
        stop = read_stop(self._delta.get("stop_reason"), self._calls)
        sequence = wire.text(self._delta.get("stop_sequence"), "stop_sequence")
        return [*told, Ended(stop, sequence, self._known_usage())]

    def _count(self, usage: Any) -> None:
        """Take counts; each is a total that replaces the one before, null says nothing."""
        if isinstance(usage, Mapping):
            self._usage.update({name: value for name, value in usage.items() if value is not None})

    def _known_usage(self) -> Usage | None:
        return read_usage(self._usage) if self._usage else None


def _index(raw: Mapping[str, Any]) -> int:
    index = wire.whole(raw.get("index"), "index")
    if index is None:
        raise Malformed("a block's event has no index.")
    return index
