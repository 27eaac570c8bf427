"""A Gemini stream, understood chunk by chunk.

Each chunk is an answer in itself that goes on where the one before ended. Texts and thoughts
come in pieces, calls come whole. Usage is told in every chunk, each time the sum so far; the
last word counts, so the end is told when the connection ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.conversation import (
    Begun,
    Block,
    Closed,
    Ended,
    Event,
    Grew,
    Opened,
    Stop,
    Text,
    Thinking,
    ToolCall,
)
from routing.translate import failures, wire
from routing.translate.dialect import Frame
from routing.translate.gemini.answers import (
    blocked,
    first_candidate,
    read_call,
    read_usage,
    stop_of,
)
from routing.translate.gemini.parts import inner, listed, pick
from routing.translate.gemini.request_in import said


class GeminiReader:
    """One stream of a provider whose model is of this family."""

    def __init__(self, family: str) -> None:
        self._family = family
        self._begun = False
        self._ident = ""
        self._open: type[Text | Thinking] | None = None
        self._index = -1  # of the block that is open, or was last
        self._calls = False
        self._stop: Stop | None = None
        self._counted: Mapping[str, Any] = {}  # the last chunk that told a usage

    def read(self, frame: Frame) -> list[Event]:
        """Give what a chunk means.

        Raises:
            Malformed: it is not what the dialect promises.
            Fault: it is an error, or the prompt was blocked.
        """
        chunk = wire.mapping(wire.loads(frame.data), "the chunk")
        if "usageMetadata" in chunk or "usage_metadata" in chunk:
            self._counted = chunk
        if (error := chunk.get("error")) is not None:
            raise _told(error if isinstance(error, Mapping) else {"message": str(error)}, chunk)
        if self._open is Text and (text := _only_text(chunk)) is not None:
            return [Grew(self._index, text)] if text else []
        blocked(chunk)
        events: list[Event] = []
        if not self._begun:
            self._begun = True
            self._ident = wire.text(pick(chunk, "responseId"), "responseId")
            model = wire.text(pick(chunk, "modelVersion"), "modelVersion")
            events.append(Begun(self._ident, model, read_usage(chunk)))
        candidate = first_candidate(chunk)
        if candidate is not None:
            parts = inner(candidate, "content", "candidates[0].").get("parts")
            for where, part in listed(parts, "candidates[0].content.parts"):
                events += self._part(part, where)
            self._stop = stop_of(candidate, calls=self._calls) or self._stop
        return events

    def finish(self) -> list[Event]:
        """Tell the end, if the model had come to one.

        Raises:
            Fault: of kind CUT, if it had not.
        """
        if self._stop is None:
            raise failures.cut()
        return [*self._close(), Ended(self._stop, usage=read_usage(self._counted))]

    def _part(self, part: Mapping[str, Any], where: str) -> list[Event]:
        if pick(part, "functionCall") is not None:
            self._calls = True
            call = read_call(part, self._family, (self._ident, self._index), where)
            return [*self._close(), *self._whole(call)]
        events: list[Event] = []
        blocks = said(part, self._family, where)
        if not part.get("thought"):
            # The signature of a text stands behind it here: the text may have begun long ago.
            blocks.sort(key=lambda block: isinstance(block, Thinking))
        for block in blocks:
            events += self._block(block, thought=bool(part.get("thought")))
        return events

    def _block(self, block: Block, *, thought: bool) -> list[Event]:
        match block:
            case Text(text):
                return self._grow(block, text, "")
            case Thinking(text, signature, sealed=False) if thought:
                grown = self._grow(block, text, signature)
                return [*grown, *self._close()] if signature else grown
            case Thinking():
                return [*self._close(), *self._whole(block)]
            case _:
                return []  # a picture: the one form has no streams with pictures

    def _grow(self, block: Text | Thinking, text: str, signature: str) -> list[Event]:
        if self._open is type(block):
            return [Grew(self._index, text, signature)]
        closed = self._close()
        self._open = type(block)
        self._index += 1
        return [*closed, Opened(self._index, block)]

    def _whole(self, block: Thinking | ToolCall) -> list[Event]:
        self._index += 1
        return [Opened(self._index, block), Closed(self._index)]

    def _close(self) -> list[Event]:
        if self._open is None:
            return []
        self._open = None
        return [Closed(self._index)]


def _only_text(chunk: Mapping[str, Any]) -> str | None:
    """Give the text of a chunk that tells nothing else, as nearly all do: the short way."""
    match chunk:
        case {"candidates": [{"content": {"parts": [{"text": str(text), **marks}]}, **about}]} if (
            not marks and "finishReason" not in about and "finish_reason" not in about
        ):
            return text
        case _:
            return None


def _told(error: Mapping[str, Any], chunk: Mapping[str, Any]) -> Exception:
    code = error.get("code") or error.get("status") or ""
    return failures.told_in_stream(str(code), str(error.get("message") or ""), chunk)
