"""A stream, told to a Gemini client chunk by chunk.

Texts and thoughts go out as they come. Calls go out whole, because Gemini has no half ones.
Without `alt=sse` a client gets the same chunks as one JSON array: `JsonArray` words that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from routing.conversation import (
    Ask,
    Begun,
    Block,
    Closed,
    Ended,
    Event,
    Grew,
    Opened,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from routing.faults import Fault
from routing.translate import failures, names, wire
from routing.translate.dialect import Frame
from routing.translate.gemini.answers import reason_of, write_usage
from routing.translate.gemini.errors import error_body
from routing.translate.gemini.parts import mark
from routing.translate.gemini.request_out import said
from routing.translate.sequence import OneAtATime


class GeminiWriter:
    """One stream towards a client who asked this."""

    def __init__(self, ask: Ask) -> None:
        self._model = ask.model
        self._names = names.originals(ask)
        self._tail: dict[str, Any] = {}
        self._ending = "}"  # the tail as every chunk ends with it
        self._begin("", ask.model, None)
        self._line = OneAtATime()
        self._blocks: dict[int, Block] = {}
        self._arguments: dict[int, list[str]] = {}

    def write(self, event: Event) -> list[Frame]:
        """Give the chunks that tell this event."""
        return [frame for each in self._line.put(event) for frame in self._write(each)]

    def _write(self, event: Event) -> list[Frame]:
        match event:
            case Grew(index, text, signature):
                return self._grew(index, text, signature)
            case Opened(index, block):
                return self._opened(index, block)
            case Closed(index):
                return self._closed(index)
            case Begun(ident, model, usage):
                self._begin(ident, model or self._model, usage)
                return []
            case Ended(stop, _, usage):
                return [self._ended(reason_of(stop), usage)]

    def fail(self, fault: Fault) -> list[Frame]:
        """End the stream with an error."""
        status = failures.STATUS_OF[fault.kind]
        return [Frame(wire.dumps(error_body(status, "", fault.message)))]

    def _begin(self, ident: str, model: str, usage: Usage | None) -> None:
        self._tail = {"modelVersion": model}
        if ident:
            self._tail["responseId"] = ident
        if usage:
            self._tail["usageMetadata"] = write_usage(usage)
        self._ending = wire.dumps(self._tail)[1:]

    def _ended(self, reason: str, usage: Usage | None) -> Frame:
        content = {"parts": [{"text": ""}], "role": "model"}
        told = {"candidates": [{"content": content, "finishReason": reason, "index": 0}]}
        counted = {"usageMetadata": write_usage(usage)} if usage else {}
        return Frame(wire.dumps(told | self._tail | counted))

    def _opened(self, index: int, block: Text | Thinking | ToolCall) -> list[Frame]:
        self._blocks[index] = block
        if isinstance(block, ToolCall):
            self._arguments[index] = [block.arguments]
            return []
        return self._piece(block, block.text)

    def _grew(self, index: int, text: str, signature: str) -> list[Frame]:
        block = self._blocks[index]
        match block:
            case ToolCall():
                self._arguments[index].append(text)
            case Thinking() if signature or (text and not block.text):
                # What it is when it ends depends on whether it ever had words.
                seen = block.text or text
                self._blocks[index] = replace(
                    block, text=seen, signature=block.signature + signature
                )
        return [] if isinstance(block, ToolCall) else self._piece(block, text)

    def _closed(self, index: int) -> list[Frame]:
        match self._blocks.pop(index):
            case ToolCall() as call:
                arguments = "".join(self._arguments.pop(index))
                return self._whole(replace(call, arguments=arguments))
            case Thinking(text, signature, origin) if text:  # its words are told already
                seal = mark(signature, origin)
                part = {"thought": True, "text": "", "thoughtSignature": seal}
                return [self._chunk(wire.dumps(part))] if seal else []
            case Thinking(signature=signature) as thinking if signature:
                return self._whole(thinking)
            case _:
                return []

    def _whole(self, block: Block) -> list[Frame]:
        parts = said([block], mark, lambda name: self._names.get(name, name))
        return [self._chunk(wire.dumps(part)) for part in parts]

    def _piece(self, block: Block, text: str) -> list[Frame]:
        if not text:
            return []
        mark = '"thought":true,' if isinstance(block, Thinking) else ""
        return [self._chunk(f'{{{mark}"text":{wire.quote(text)}}}')]

    def _chunk(self, part: str) -> Frame:
        content = f'{{"content":{{"parts":[{part}],"role":"model"}},"index":0}}'
        return Frame(f'{{"candidates":[{content}],{self._ending}')


class JsonArray:
    """The chunks of a stream as one JSON array, for clients that did not ask for `alt=sse`."""

    def __init__(self) -> None:
        self._begun = False

    def frame(self, frame: Frame) -> bytes:
        """Give the bytes of the next chunk."""
        lead = b",\r\n" if self._begun else b"["
        self._begun = True
        return lead + frame.data.encode()

    def close(self) -> bytes:
        """Give the bytes that end the array."""
        return b"]" if self._begun else b"[]"
