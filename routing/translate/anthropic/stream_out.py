"""A stream told to a client in Anthropic's dialect: one block at a time, numbered from nought."""

from __future__ import annotations

from typing import Any

from routing.conversation import (
    Ask,
    Begun,
    Closed,
    Ended,
    Event,
    Grew,
    Opened,
    Text,
    Thinking,
    ToolCall,
)
from routing.faults import Fault
from routing.translate.anthropic.answers import (
    call_signature,
    head,
    shows_thinking,
    write_stop,
    write_usage,
)
from routing.translate.anthropic.blocks_out import call_block, thinking_block
from routing.translate.anthropic.errors import write_error
from routing.translate.dialect import Frame
from routing.translate.failures import STATUS_OF
from routing.translate.names import originals
from routing.translate.sequence import OneAtATime
from routing.translate.signatures import wrap
from routing.translate.wire import dumps, quote

_DELTA = "content_block_delta"


class Writer:
    """Tells a stream. Growth of the open block takes a short way: it is most of every stream."""

    def __init__(self, ask: Ask) -> None:
        self._names = originals(ask)
        self._shows_thinking = shows_thinking(ask)
        self._order = OneAtATime()
        self._begun: Begun | None = None
        self._next = 0  # the number of the next block
        self._growing = -1  # the index of the event whose growth can be told at once
        self._lead = ""  # a delta's JSON up to its text
        self._block: Text | Thinking | ToolCall | None = None  # the open one
        self._signature = ""

    def write(self, event: Event) -> list[Frame]:
        """Give the frames that tell this event."""
        if type(event) is Grew and event.index == self._growing and not event.signature:
            if not event.text:
                return []
            return [Frame(f"{self._lead}{quote(event.text)}}}}}", _DELTA)]
        return [frame for ordered in self._order.put(event) for frame in self._tell(ordered)]

    def fail(self, fault: Fault) -> list[Frame]:
        """Give the frames that end the stream with an error."""
        return [Frame(dumps(write_error(STATUS_OF[fault.kind], fault.message)), "error")]

    def _tell(self, event: Event) -> list[Frame]:
        match event:
            case Begun():
                return self._begin(event)
            case Opened(index, block):
                return [*self._begin(Begun()), *self._open(index, block)]
            case Grew():
                return self._grow(event)
            case Closed():
                return self._close()
            case Ended():
                return [*self._begin(Begun()), *self._end(event)]

    def _begin(self, begun: Begun) -> list[Frame]:
        if self._begun is not None:
            return []
        self._begun = begun
        message = {
            **head(begun.id, begun.model),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(begun.usage),
        }
        return [_frame({"type": "message_start", "message": message})]

    def _open(self, index: int, block: Text | Thinking | ToolCall) -> list[Frame]:
        self._block = block
        self._signature = block.signature if isinstance(block, Thinking) else ""
        match block:
            case Text(text):
                start = {"type": "text", "text": ""}
                return self._start(index, start, "text_delta", "text", text)
            case ToolCall(ident, name, arguments, signature, origin):
                told = [
                    frame
                    for carrier in call_signature(signature, origin)
                    for frame in self._whole(carrier)
                ]
                call = call_block(ident, self._names.get(name, name), {})
                kind, words = "input_json_delta", "partial_json"
                return told + self._start(index, call, kind, words, arguments)
            case Thinking(text, sealed=sealed):
                if sealed or not self._shows_thinking:
                    return []  # a sealed one is told when its seal is known
                start = {"type": "thinking", "thinking": "", "signature": ""}
                return self._start(index, start, "thinking_delta", "thinking", text)

    def _start(
        self, index: int, start: dict[str, Any], kind: str, words: str, text: str
    ) -> list[Frame]:
        number, self._growing = self._next, index
        head_ = f'{{"type":"{_DELTA}","index":{number},"delta":{{"type":"{kind}","{words}":'
        self._lead = head_
        begun = {"type": "content_block_start", "index": number, "content_block": start}
        told = [_frame(begun)]
        if text:
            told.append(Frame(f"{head_}{quote(text)}}}}}", _DELTA))
        return told

    def _grow(self, event: Grew) -> list[Frame]:
        """Tell growth that comes with a signature, or that had waited for its block's turn."""
        self._signature += event.signature
        if event.index != self._growing or not event.text:
            return []
        return [Frame(f"{self._lead}{quote(event.text)}}}}}", _DELTA)]

    def _close(self) -> list[Frame]:
        block, started = self._block, self._growing >= 0
        self._block, self._growing = None, -1
        told: list[Frame] = []
        if isinstance(block, Thinking) and self._shows_thinking:
            signature = wrap(self._signature, block.origin)
            if block.sealed:
                return self._whole(thinking_block(block, signature))
            if signature:  # whole and once: the SDK replaces, it does not append
                delta = {"type": "signature_delta", "signature": signature}
                told.append(_frame({"type": _DELTA, "index": self._next, "delta": delta}))
        return [*told, *self._stop()] if started else told

    def _whole(self, raw: dict[str, Any]) -> list[Frame]:
        """Tell a block that has no deltas."""
        begun = {"type": "content_block_start", "index": self._next, "content_block": raw}
        return [_frame(begun), *self._stop()]

    def _stop(self) -> list[Frame]:
        number, self._next = self._next, self._next + 1
        return [_frame({"type": "content_block_stop", "index": number})]

    def _end(self, ended: Ended) -> list[Frame]:
        usage = ended.usage or (self._begun.usage if self._begun else None)
        delta = {
            "stop_reason": write_stop(ended.stop),
            "stop_sequence": ended.stop_sequence or None,
        }
        told = {"type": "message_delta", "delta": delta, "usage": write_usage(usage)}
        return [_frame(told), _frame({"type": "message_stop"})]


def _frame(raw: dict[str, Any]) -> Frame:
    return Frame(dumps(raw), str(raw["type"]))
