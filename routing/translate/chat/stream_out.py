"""A stream told to a client in the chat dialect.

Calls may grow side by side here; texts may not, for nothing would keep their pieces apart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from routing.conversation import (
    Ask,
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
)
from routing.faults import Fault
from routing.translate import freeform, wire
from routing.translate.chat.answers import CREATED, write_stop, write_usage
from routing.translate.chat.calls import write_call, write_text_call
from routing.translate.chat.errors import write_error
from routing.translate.chat.reasoning import needs_details, towards, write_detail
from routing.translate.chat.tools import texts
from routing.translate.dialect import Frame
from routing.translate.failures import STATUS_OF
from routing.translate.idents import made
from routing.translate.names import originals
from routing.translate.sequence import OneAtATime
from routing.translate.signatures import wrap
from routing.translate.wire import dumps, quote

_CLOSE = "}"
_TAIL = ',"logprobs":null,"finish_reason":null}]}'  # of every chunk but the last


class Writer:
    """Tells a stream. What stands around the words of a block is worded once, when it opens."""

    def __init__(self, ask: Ask) -> None:
        self._names = originals(ask)
        told = wire.part(ask.extras, "stream_options") if ask.origin == Dialect.CHAT else {}
        self._tells_usage = told.get("include_usage") is True
        self._usage = Begun().usage
        self._head = ""  # of every chunk, up to its delta; empty before the first
        self._around: dict[int, tuple[str, ...]] = {}  # by block: before, between, after its words
        self._thinking: dict[int, Thinking] = {}  # open ones, with their signatures so far
        self._plain = texts(ask.tools)
        self._texts: dict[int, ToolCall] = {}  # calls of plain text: they are told when whole
        self._silent: set[int] = set()  # calls that have no arguments yet
        self._order = OneAtATime()  # of all but calls
        self._numbers: dict[int, int] = {}  # of calls, among themselves
        self._thoughts = 0

    def write(self, event: Event) -> list[Frame]:
        """Give the frames that tell this event."""
        if type(event) is Grew and event.index in self._around and not event.signature:
            return self._grow(event)
        if self._is_of_call(event):
            return self._tell(event)
        return [frame for ordered in self._order.put(event) for frame in self._tell(ordered)]

    def fail(self, fault: Fault) -> list[Frame]:
        """Give the frames that end the stream with an error; no end marker follows."""
        error = write_error(STATUS_OF[fault.kind], str(fault.kind), fault.message)
        return [Frame(dumps(error))]

    def _is_of_call(self, event: Event) -> bool:
        match event:
            case Opened(index, ToolCall()):
                self._numbers[index] = len(self._numbers)
                return True
            case Grew(index) | Closed(index):
                return index in self._numbers
            case _:
                return False

    def _tell(self, event: Event) -> list[Frame]:
        match event:
            case Begun():
                return self._begin(event)
            case Opened(index, block):
                return [*self._begin(Begun()), *self._open(index, block)]
            case Grew(index, _, signature):
                if index in self._thinking:
                    self._thinking[index] = _signed(self._thinking[index], signature)
                return self._grow(event)
            case Closed(index):
                return self._close(index)
            case Ended():
                return [*self._begin(Begun()), *self._end(event)]

    def _begin(self, begun: Begun) -> list[Frame]:
        if self._head:
            return []
        self._usage = begun.usage
        ident = begun.id or made("chatcmpl-", begun.model)
        self._head = (
            f'{{"id":{quote(ident)},"object":"chat.completion.chunk","created":{CREATED},'
            f'"model":{quote(begun.model)},"choices":[{{"index":0,"delta":'
        )
        return [self._chunk({"role": "assistant", "content": ""})]

    def _chunk(self, delta: dict[str, Any]) -> Frame:
        return Frame(f"{self._head}{dumps(delta)}{_TAIL}")

    def _grow(self, event: Grew) -> list[Frame]:
        around = self._around.get(event.index)
        if event.index in self._texts:
            call = self._texts[event.index]
            self._texts[event.index] = replace(call, arguments=call.arguments + event.text)
        if around is None or not event.text:
            return []
        if self._silent:
            self._silent.discard(event.index)
        return [Frame(quote(event.text).join(around))]

    def _open(self, index: int, block: Text | Thinking | ToolCall) -> list[Frame]:
        match block:
            case Text(text):
                self._surround(index, '{"content":', _CLOSE)
            case Thinking(text, sealed=sealed):
                self._thinking[index] = block
                if sealed:
                    return []
                self._surround(
                    index, '{"reasoning_content":', *_detail_around(block, self._thoughts)
                )
            case ToolCall():
                return self._open_call(index, block)
        return [Frame(quote(text).join(self._around[index]))] if text else []

    def _surround(self, index: int, before: str, *rest: str) -> None:
        *between, after = rest
        self._around[index] = (self._head + before, *between, after + _TAIL)

    def _open_call(self, index: int, block: ToolCall) -> list[Frame]:
        name = self._names.get(block.name, block.name)
        if name in self._plain:
            self._texts[index] = replace(block, name=name)
            return []
        number = self._numbers[index]
        self._surround(
            index, f'{{"tool_calls":[{{"index":{number},"function":{{"arguments":', "}}]}"
        )
        if not block.arguments:
            self._silent.add(index)
        signature = wrap(block.signature, block.origin)
        call = write_call(block.id, name, block.arguments, signature)
        return [self._chunk({"tool_calls": [{"index": number, **call}]})]

    def _close(self, index: int) -> list[Frame]:
        self._around.pop(index, None)
        if index in self._silent:  # a call without arguments has empty ones, and they are JSON
            self._silent.discard(index)
            empty = {"index": self._numbers[index], "function": {"arguments": "{}"}}
            return [self._chunk({"tool_calls": [empty]})]
        if index in self._texts:
            return [self._text_call(index, self._texts.pop(index))]
        block = self._thinking.pop(index, None)
        if block is None:
            return []
        place, self._thoughts = self._thoughts, self._thoughts + 1
        signature = towards(block)
        if not needs_details(block) or not signature:
            return []
        detail = write_detail(block, place, signature)
        if not block.sealed:
            detail["text"] = ""  # it has been told
        return [self._chunk({"reasoning_details": [detail]})]

    def _text_call(self, index: int, call: ToolCall) -> Frame:
        text = freeform.unpack(call.arguments)
        told = write_text_call(call.id, call.name, text)
        return self._chunk({"tool_calls": [{"index": self._numbers[index], **told}]})

    def _end(self, ended: Ended) -> list[Frame]:
        late = (*self._silent, *self._texts)
        told = [frame for index in late for frame in self._close(index)]
        reason = f'{{}},"logprobs":null,"finish_reason":"{write_stop(ended.stop)}"}}]}}'
        told.append(Frame(self._head + reason))
        usage = ended.usage or self._usage
        if self._tells_usage and usage is not None:
            head = self._head.partition('"choices":[')[0]
            told.append(Frame(f'{head}"choices":[],"usage":{dumps(write_usage(usage))}}}'))
        return [*told, Frame("[DONE]")]


def _detail_around(block: Thinking, place: int) -> tuple[str, ...]:
    """Give what follows the words of thinking: the same words again where they must come back."""
    if not needs_details(block):
        return (_CLOSE,)
    detail = f',"reasoning_details":[{{"type":"reasoning.text","index":{place},"text":'
    return (detail, "}]}")


def _signed(block: Thinking, more: str) -> Thinking:
    return Thinking(block.text, block.signature + more, block.origin, block.sealed, block.id)
