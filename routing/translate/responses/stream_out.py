"""A stream, told to a client of the Responses dialect.

Each block is an output item of its own: it is added, grows, and is told once more when it is
over, which is all that Codex reads of it. One item is open at a time, as with OpenAI itself.
What the last event repeats is gathered on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from routing.conversation import (
    Ask,
    Begun,
    Closed,
    Ended,
    Event,
    Grew,
    Opened,
    Stop,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from routing.faults import Fault
from routing.translate import wire
from routing.translate.dialect import Frame
from routing.translate.idents import made
from routing.translate.responses.answers import (
    Wording,
    carrier,
    ending,
    envelope,
    item_id,
    message,
    reasoning,
)
from routing.translate.responses.errors import code_in_stream
from routing.translate.sequence import OneAtATime

Raw = dict[str, Any]

_TEXT = "response.output_text.delta"
_SUMMARY = "response.reasoning_summary_text.delta"
_ARGUMENTS = "response.function_call_arguments.delta"


@dataclass(slots=True)
class _Item:
    """One output item under way: its block, its id and place, and the pieces told so far."""

    block: Text | Thinking | ToolCall
    ident: str
    place: int
    pieces: list[str] = field(default_factory=list)
    delta: str = ""  # the type of its deltas; empty where it is told whole at its end
    lead: str = ""  # of a delta, from after its number to before its text
    shown: bool = False  # thinking: its summary has begun


class ResponsesWriter:
    """One stream towards a client who asked this."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._wording = Wording(ask)
        self._line = OneAtATime()
        self._number = -1
        self._ident = ""
        self._envelope: Raw = {}
        self._open: dict[int, _Item] = {}  # at most one
        self._output: list[Raw] = []

    def write(self, event: Event) -> list[Frame]:
        """Give the events that tell this one."""
        return [frame for each in self._line.put(event) for frame in self._write(each)]

    def _write(self, event: Event) -> list[Frame]:
        match event:
            case Grew(index, text, signature):
                return self._grew(self._open[index], text, signature)
            case Opened(index, block):
                return self._opened(index, block)
            case Closed(index):
                return self._closed(self._open.pop(index))
            case Begun(ident, model, _):
                return self._begun(ident, model)
            case Ended(stop, _, usage):
                return self._ended(stop, usage)

    def fail(self, fault: Fault) -> list[Frame]:
        """End the stream with an error; what is open stays so."""
        code = code_in_stream(fault.kind)
        error = {"code": code, "message": fault.message}
        answer = self._envelope or envelope(made("", fault.message), self._ask.model, self._ask)
        over = [item for item in self._output if item]
        failed = {**answer, "status": "failed", "error": error, "output": over}
        return [
            self._frame("error", {"code": code, "message": fault.message, "param": None}),
            self._frame("response.failed", {"response": failed}),
        ]

    # -- the answer -------------------------------------------------------------------------------
    def _begun(self, ident: str, model: str) -> list[Frame]:
        self._ident = ident or made("", model, self._ask.model)
        self._envelope = envelope(self._ident, model or self._ask.model, self._ask)
        begun = {"response": self._envelope}
        return [
            self._frame("response.created", begun),
            self._frame("response.in_progress", begun),
        ]

    def _ended(self, stop: Stop, usage: Usage | None) -> list[Frame]:
        over = self._envelope | ending(self._output, stop, usage)
        return [self._frame(f"response.{over['status']}", {"response": over})]

    # -- items ------------------------------------------------------------------------------------
    def _opened(self, index: int, block: Text | Thinking | ToolCall) -> list[Frame]:
        frames: list[Frame] = []
        if isinstance(block, ToolCall):
            for item in carrier(block, partial(item_id, self._ident, len(self._output))):
                frames += self._whole(item)
        place = len(self._output)
        self._output.append({})  # filled in when it is over
        identify = partial(item_id, self._ident, place)
        match block:
            case Text(text):
                under_way = _Item(block, identify("msg_"), place, delta=_TEXT)
                frames += self._text_begins(under_way)
            case Thinking(text):
                under_way = _Item(block, block.id or identify("rs_"), place, delta=_SUMMARY)
                begun = {"id": under_way.ident, "type": "reasoning", "summary": []}
                frames.append(self._added(under_way, begun))
            case ToolCall(arguments=text):
                under_way, added = self._call(block, place)
                frames.append(self._added(under_way, added))
        self._open[index] = under_way
        return [*frames, *self._grew(under_way, text, "")]

    def _text_begins(self, item: _Item) -> list[Frame]:
        part = {"type": "output_text", "text": "", "annotations": []}
        where = f'"item_id":{wire.quote(item.ident)},"output_index":{item.place}'
        item.lead = where + ',"content_index":0,"logprobs":[],"delta":'
        return [
            self._added(item, message(item.ident)),
            self._part(item, "response.content_part.added", "content_index", part),
        ]

    def _call(self, block: ToolCall, place: int) -> tuple[_Item, Raw]:
        added = self._wording.call(
            replace(block, arguments=""), partial(item_id, self._ident, place)
        )
        added["status"] = "in_progress"
        item = _Item(block, str(added["id"]), place)
        # Tools that take no JSON are told whole: half an object says nothing of its text.
        if added["type"] == "function_call":
            item.delta = _ARGUMENTS
            added["arguments"] = ""
            item.lead = f'"item_id":{wire.quote(item.ident)},"output_index":{place},"delta":'
        return item, added

    def _grew(self, item: _Item, text: str, signature: str) -> list[Frame]:
        if signature and isinstance(item.block, Thinking):
            item.block = replace(item.block, signature=item.block.signature + signature)
        if not text:
            return []
        item.pieces.append(text)
        if not item.delta:
            return []
        if item.delta == _SUMMARY and not item.shown:
            return [self._summary_begins(item), self._delta(item, text)]
        return [self._delta(item, text)]

    def _summary_begins(self, item: _Item) -> Frame:
        item.shown = True
        where = f'"item_id":{wire.quote(item.ident)},"output_index":{item.place}'
        item.lead = where + ',"summary_index":0,"delta":'
        part = {"type": "summary_text", "text": ""}
        return self._part(item, "response.reasoning_summary_part.added", "summary_index", part)

    def _delta(self, item: _Item, text: str) -> Frame:
        self._number += 1
        head = f'{{"type":"{item.delta}","sequence_number":{self._number},'
        return Frame(f"{head}{item.lead}{wire.quote(text)}}}", item.delta)

    def _closed(self, item: _Item) -> list[Frame]:
        whole = "".join(item.pieces)
        match item.block:
            case Text():
                return self._text_over(item, whole)
            case Thinking():
                return self._thinking_over(item, item.block, whole)
            case ToolCall():
                return self._call_over(item, item.block, whole)

    def _text_over(self, item: _Item, whole: str) -> list[Frame]:
        part = {"type": "output_text", "text": whole, "annotations": []}
        told = {**message(item.ident), "status": "completed", "content": [part]}
        place = {"item_id": item.ident, "output_index": item.place, "content_index": 0}
        return [
            self._frame("response.output_text.done", {**place, "text": whole, "logprobs": []}),
            self._frame("response.content_part.done", {**place, "part": part}),
            self._over(item, told),
        ]

    def _thinking_over(self, item: _Item, block: Thinking, whole: str) -> list[Frame]:
        frames: list[Frame] = []
        if item.shown:
            place = {"item_id": item.ident, "output_index": item.place, "summary_index": 0}
            part = {"type": "summary_text", "text": whole}
            frames = [
                self._frame("response.reasoning_summary_text.done", {**place, "text": whole}),
                self._frame("response.reasoning_summary_part.done", {**place, "part": part}),
            ]
        return [*frames, self._over(item, reasoning(replace(block, text=whole), item.ident))]

    def _call_over(self, item: _Item, block: ToolCall, whole: str) -> list[Frame]:
        identify = partial(item_id, self._ident, item.place)
        told = self._wording.call(replace(block, arguments=whole), identify)
        place = {"item_id": item.ident, "output_index": item.place}
        frames: list[Frame] = []
        match told["type"]:
            case "function_call":
                if not whole:  # a call without arguments: an empty object is what clients read
                    frames.append(self._delta(item, told["arguments"]))
                done = {**place, "name": told["name"], "arguments": told["arguments"]}
                frames.append(self._frame("response.function_call_arguments.done", done))
            case "custom_tool_call":
                text = told["input"]
                frames = [
                    self._frame("response.custom_tool_call_input.delta", {**place, "delta": text}),
                    self._frame("response.custom_tool_call_input.done", {**place, "input": text}),
                ]
            case _:
                pass  # a search for tools is told by its item alone
        return [*frames, self._over(item, told)]

    # -- frames -----------------------------------------------------------------------------------
    def _whole(self, item: Raw) -> list[Frame]:
        """Tell an item that is whole from its beginning."""
        place = {"output_index": len(self._output), "item": item}
        self._output.append(item)
        return [
            self._frame("response.output_item.added", place),
            self._frame("response.output_item.done", place),
        ]

    def _added(self, item: _Item, told: Raw) -> Frame:
        place = {"output_index": item.place, "item": told}
        return self._frame("response.output_item.added", place)

    def _over(self, item: _Item, told: Raw) -> Frame:
        self._output[item.place] = told
        place = {"output_index": item.place, "item": told}
        return self._frame("response.output_item.done", place)

    def _part(self, item: _Item, kind: str, place: str, part: Raw) -> Frame:
        told = {"item_id": item.ident, "output_index": item.place, place: 0, "part": part}
        return self._frame(kind, told)

    def _frame(self, kind: str, told: Mapping[str, Any]) -> Frame:
        self._number += 1
        return Frame(wire.dumps({"type": kind, "sequence_number": self._number, **told}), kind)
