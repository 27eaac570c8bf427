"""A stream of the Responses dialect, understood event by event.

Every piece is told three times: in deltas, in a `done` event, and in the item when it is over.
Whatever comes first is taken and the others fill up what is missing, so that a server that
leaves out deltas, or the items, or all but the last event, loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
)
from routing.faults import Fault
from routing.translate import failures, freeform, wire
from routing.translate.dialect import Frame
from routing.translate.responses.answers import (
    read_item,
    read_usage,
    refuse_failed,
    said_in,
    stop_of,
)
from routing.translate.signatures import origin_of

Raw = Mapping[str, Any]


@dataclass(slots=True)
class _Item:
    """One output item: which blocks of ours tell it, and how much of each is told."""

    kind: str
    place: int | None = None  # its output index, where the server tells it
    ident: str = ""
    blocks: dict[int, int] = field(default_factory=dict)  # content index -> our block
    told: dict[int, int] = field(default_factory=dict)  # our block -> characters told
    parts: int = -1  # the last part of a summary that was told
    source: str = ""  # of thinking: its summary or its content; the first that speaks counts
    over: bool = False


class ResponsesReader:
    """One stream of a provider whose model is of this family."""

    def __init__(self, family: str) -> None:
        self._family = family
        self._begun = False
        self._ended = False
        self._items: list[_Item] = []
        self._next = 0  # number of our next block
        self._calls = False
        self._refused = False
        self._on: Mapping[str, Callable[[Raw], list[Event]]] = {
            "response.content_part.added": self._part_added,
            "response.output_text.delta": self._text,
            "response.output_text.done": self._text_done,
            "response.refusal.delta": self._text,
            "response.refusal.done": self._text_done,
            "response.function_call_arguments.delta": self._arguments,
            "response.function_call_arguments.done": self._arguments_done,
            "response.custom_tool_call_input.delta": self._input,
            "response.custom_tool_call_input.done": self._input_done,
            "response.reasoning_summary_text.delta": self._thought,
            "response.reasoning_text.delta": self._thought,
            "response.output_item.added": self._added,
            "response.output_item.done": self._done,
            "response.completed": self._completed,
            "response.incomplete": self._completed,
            "response.failed": self._failed,
            "error": self._error,
        }

    def read(self, frame: Frame) -> list[Event]:
        """Give what an event means.

        Raises:
            Malformed: it is not what the dialect promises.
            Fault: it tells that the answer failed.
        """
        if not frame.data or frame.data == "[DONE]":
            return []
        told = wire.mapping(wire.loads(frame.data), "the event")
        understand = self._on.get(str(told.get("type") or frame.event))
        if self._begun:
            return understand(told) if understand else []
        begun = self._begin(wire.part(told, "response"))
        return [*begun, *understand(told)] if understand else begun

    def finish(self) -> list[Event]:
        """The connection ended.

        Raises:
            Fault: of kind CUT, if the answer was not whole.
        """
        if not self._ended:
            raise failures.cut()
        return []

    def _begin(self, response: Raw) -> list[Event]:
        self._begun = True
        ident, model = response.get("id"), response.get("model")
        return [Begun(str(ident or ""), str(model or ""), read_usage(response))]

    # -- places -----------------------------------------------------------------------------------
    def _item_of(self, told: Raw, kind: str, *, begins: bool = False) -> _Item:
        """Find the item that an event speaks of, by its place, by its id, or as the last one."""
        place = wire.whole(told.get("output_index"), "output_index")
        ident = str(told.get("item_id") or wire.part(told, "item").get("id") or "")
        for item in reversed(self._items):
            if item.place == place if place is not None else ident and item.ident == ident:
                return item
        last = self._items[-1] if self._items else None
        nameless = place is None and not ident
        if nameless and last and not (begins and (last.over or last.kind != kind)):
            return last
        self._items.append(_Item(kind, place, ident))
        return self._items[-1]

    def _open(self, item: _Item, content: int, block: Text | Thinking | ToolCall) -> list[Event]:
        index, self._next = self._next, self._next + 1
        item.blocks[content] = index
        words = block.arguments if isinstance(block, ToolCall) else block.text
        item.told[index] = len(words)
        self._calls = self._calls or isinstance(block, ToolCall)
        return [Opened(index, block)]

    def _grow(self, item: _Item, content: int, text: str) -> list[Event]:
        if not text or item.over or content not in item.blocks:
            return []
        index = item.blocks[content]
        item.told[index] += len(text)
        return [Grew(index, text)]

    def _rest(self, item: _Item, content: int, whole: str) -> list[Event]:
        """Tell what of a whole text was not told yet."""
        told = item.told[item.blocks[content]] if content in item.blocks else 0
        return self._grow(item, content, whole[told:])

    # -- words ------------------------------------------------------------------------------------
    def _part_added(self, told: Raw) -> list[Event]:
        if wire.part(told, "part").get("type") not in ("output_text", "refusal"):
            return []
        item = self._item_of(told, "message")
        content = wire.whole(told.get("content_index"), "content_index") or 0
        return [] if content in item.blocks else self._open(item, content, Text(""))

    def _text(self, told: Raw) -> list[Event]:
        self._refused = self._refused or told.get("type") == "response.refusal.delta"
        return self._words(told, wire.text(told.get("delta"), "delta"), whole=False)

    def _text_done(self, told: Raw) -> list[Event]:
        self._refused = self._refused or told.get("type") == "response.refusal.done"
        return self._words(told, said_in(told), whole=True)

    def _words(self, told: Raw, text: str, *, whole: bool) -> list[Event]:
        item = self._item_of(told, "message")
        content = wire.whole(told.get("content_index"), "content_index") or 0
        if content not in item.blocks and not item.over:
            return self._open(item, content, Text(text)) if text else []
        return self._rest(item, content, text) if whole else self._grow(item, content, text)

    def _thought(self, told: Raw) -> list[Event]:
        item = self._item_of(told, "reasoning")
        source = "summary" if "summary" in str(told.get("type")) else "content"
        item.source = item.source or source
        text = wire.text(told.get("delta"), "delta")
        if item.source != source or not text:
            return []
        part = wire.whole(told.get(f"{source}_index"), f"{source}_index") or 0
        between = "\n\n" if item.parts not in (-1, part) else ""
        item.parts = part
        if item.blocks:
            return self._grow(item, 0, between + text)
        origin = origin_of(Dialect.RESPONSES, self._family)
        return self._open(item, 0, Thinking(text, origin=origin, id=item.ident))

    # -- calls ------------------------------------------------------------------------------------
    def _arguments(self, told: Raw) -> list[Event]:
        item = self._item_of(told, "function_call")
        return self._grow(item, 0, wire.text(told.get("delta"), "delta"))

    def _arguments_done(self, told: Raw) -> list[Event]:
        item = self._item_of(told, "function_call")
        return self._rest(item, 0, wire.arguments_text(told.get("arguments")))

    def _input(self, told: Raw) -> list[Event]:
        item = self._item_of(told, "custom_tool_call")
        head = "" if any(item.told.values()) else freeform.HEAD
        piece = freeform.escape(wire.text(told.get("delta"), "delta"))
        return self._grow(item, 0, head + piece)

    def _input_done(self, told: Raw) -> list[Event]:
        item = self._item_of(told, "custom_tool_call")
        return self._rest(item, 0, freeform.pack(wire.text(told.get("input"), "input")))

    # -- items ------------------------------------------------------------------------------------
    def _added(self, told: Raw) -> list[Event]:
        raw = wire.mapping(told.get("item"), "item")
        kind = str(raw.get("type"))
        item = self._item_of(told, kind, begins=True)
        item.ident = str(raw.get("id") or "")
        # Thinking begins with its first word: without one it may be sealed.
        if item.blocks or kind == "reasoning":
            return []
        call = read_item(raw, "item", self._family)
        if not isinstance(call, ToolCall):
            return []
        # What arguments stand in it already is left: their end tells the whole.
        return self._open(item, 0, ToolCall(call.id, call.name))

    def _done(self, told: Raw) -> list[Event]:
        raw = wire.mapping(told.get("item"), "item")
        item = self._item_of(told, str(raw.get("type")), begins=True)
        return [] if item.over else self._over(item, raw)

    def _over(self, item: _Item, raw: Raw) -> list[Event]:
        if raw.get("type") == "message":
            events = self._message_done(item, raw)
        else:
            events = self._block_done(item, raw)
        item.over = True
        return [*events, *(Closed(index) for index in item.blocks.values())]

    def _message_done(self, item: _Item, raw: Raw) -> list[Event]:
        events: list[Event] = []
        for content, (_, part) in enumerate(wire.objects(raw.get("content"), "item.content")):
            self._refused = self._refused or part.get("type") == "refusal"
            if content in item.blocks:
                events += self._rest(item, content, said_in(part))
            elif text := said_in(part):
                events += self._open(item, content, Text(text))
        return events

    def _block_done(self, item: _Item, raw: Raw) -> list[Event]:
        block = read_item(raw, "item", self._family)
        if block is None:
            return []
        if not item.blocks:
            return self._open(item, 0, block)
        if isinstance(block, ToolCall):
            return self._rest(item, 0, block.arguments)
        told = item.told[item.blocks[0]]
        rest = self._rest(item, 0, block.text) if not told else []
        sealed = [Grew(item.blocks[0], signature=block.signature)] if block.signature else []
        return [*rest, *sealed]

    # -- the end ----------------------------------------------------------------------------------
    def _completed(self, told: Raw) -> list[Event]:
        response = wire.part(told, "response")
        refuse_failed(response)
        events: list[Event] = []
        for place, (_, raw) in enumerate(wire.objects(response.get("output"), "response.output")):
            item = self._last_told(place, raw)
            events += [] if item.over else self._over(item, raw)
        for item in self._items:
            if not item.over:
                events += [Closed(index) for index in item.blocks.values()]
        self._ended = True
        if told.get("type") == "response.incomplete":
            response = {"status": "incomplete", **response}
        stop = stop_of(response, calls=self._calls, refused=self._refused)
        return [*events, Ended(stop, usage=read_usage(response))]

    def _last_told(self, place: int, raw: Raw) -> _Item:
        """Find the item that stands at a place of the whole answer, or begin it."""
        ident = str(raw.get("id") or "")
        for item in self._items:
            if item.place == place or (item.place is None and ident and item.ident == ident):
                return item
        if place < len(self._items) and self._items[place].place is None:
            return self._items[place]
        self._items.append(_Item(str(raw.get("type")), place, ident))
        return self._items[-1]

    def _failed(self, told: Raw) -> list[Event]:
        refuse_failed({"status": "failed", **wire.part(told, "response")})
        return []

    def _error(self, told: Raw) -> list[Event]:
        error = wire.part(told, "error") or told
        raise _fault(error)


def _fault(error: Raw) -> Fault:
    code, message = str(error.get("code") or ""), str(error.get("message") or "")
    return failures.told_in_stream(code, message, {"error": dict(error)})
