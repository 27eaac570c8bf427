"""A provider's stream in the chat dialect, understood chunk by chunk."""

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
from routing.faults import Fault, FaultKind
from routing.translate import freeform, wire
from routing.translate.chat.answers import (
    is_thinking_part,
    read_stop,
    read_usage,
    thinking_words,
)
from routing.translate.chat.call_slots import CallSlots, Slot
from routing.translate.chat.calls import read_signature
from routing.translate.chat.errors import read_error
from routing.translate.chat.parts import read_content, words_of
from routing.translate.chat.reasoning import plain_reasoning, read_detail
from routing.translate.dialect import Frame
from routing.translate.failures import cut, told_in_stream
from routing.translate.idents import made
from routing.translate.signatures import origin_of


class Reader:
    """Understands a stream. Calls stay open to the end: their pieces may come mixed."""

    def __init__(self, family: str) -> None:
        self._origin = origin_of(Dialect.CHAT, family)
        self._begun: Begun | None = None
        self._created: Any = None
        self._ended = False
        self._next = 0  # the place of the next block
        self._speaking: type[Text | Thinking] | None = None  # the kind of the open block
        self._detail: Any = None  # which entry of the reasoning's list it is
        self._calls = CallSlots()
        self._finish: Mapping[str, Any] = {}  # the choice that had a finish reason
        self._refused = False
        self._usage: Usage | None = None

    def read(self, frame: Frame) -> list[Event]:
        """Give what the chunk means.

        Raises:
            Malformed: it is not what the dialect promises.
            Fault: it tells of a failure.
        """
        data = frame.data
        if data.startswith("[DONE]"):
            return self._done()
        if not data:
            return []
        raw = wire.mapping(wire.loads(data), "the chunk")
        if raw.get("error") or frame.event == "error":
            raise told_in_stream(*read_error(raw), raw)
        usage = raw.get("usage")
        if usage and isinstance(usage, Mapping):
            self._usage = read_usage(usage)
        told: list[Event] = []
        for choice in wire.items(raw.get("choices"), "choices"):
            if isinstance(choice, dict) and not choice.get("index"):
                if self._begun is None:
                    told.append(self._begin(raw))
                self._choice(choice, told)
        return told

    def finish(self) -> list[Event]:
        """Give what was held back.

        Raises:
            Fault: of kind CUT, if the answer was not whole.
        """
        if self._ended:
            return []
        if not self._finish:
            raise cut()
        return self._end()

    def _done(self) -> list[Event]:
        """Take the end marker; without a finish reason before it, calls must be whole at least."""
        if self._ended:
            return []
        half = any(
            slot.parts and not slot.is_text and not wire.is_whole_object(slot.arguments)
            for slot in self._calls.all
        )
        if not self._finish and (half or self._next == 0):
            raise cut()
        return self._end()

    def _begin(self, raw: Mapping[str, Any]) -> Begun:
        self._created = raw.get("created")
        ident, model = wire.text(raw.get("id"), "id"), wire.text(raw.get("model"), "model")
        self._begun = Begun(ident, model)
        return self._begun

    def _choice(self, choice: Mapping[str, Any], told: list[Event]) -> None:
        delta = choice.get("delta")
        if delta:
            self._delta(wire.mapping(delta, "delta"), told)
        reason = choice.get("finish_reason")
        if reason == "error":
            raise Fault(FaultKind.SERVER, "The provider ended its answer with an error.")
        if reason:
            self._finish = choice

    def _delta(self, delta: Mapping[str, Any], told: list[Event]) -> None:
        if details := delta.get("reasoning_details"):
            self._think_in_details(details, plain_reasoning(delta), told)
        elif words := plain_reasoning(delta):
            self._say(Thinking, words, told)
        if content := delta.get("content"):
            if isinstance(content, str):
                self._say(Text, content, told)
            else:
                self._say_parts(content, told)
        if refusal := delta.get("refusal"):
            self._refused = True
            self._say(Text, wire.text(refusal, "refusal"), told)
        for _, piece in wire.objects(delta.get("tool_calls"), "tool_calls"):
            self._call(piece, told)

    def _say(self, kind: type[Text | Thinking], words: str, told: list[Event]) -> None:
        """Let the open block grow, or close it and open one of another kind."""
        if self._speaking is kind:
            told.append(Grew(self._next - 1, words))
            return
        block = Text(words) if kind is Text else Thinking(words, origin=self._origin)
        self._open(block, told)
        self._speaking = kind

    def _say_parts(self, parts: Any, told: list[Event]) -> None:
        for _, part in wire.objects(parts, "content"):
            thinks = is_thinking_part(part)
            words = (
                thinking_words(part) if thinks else words_of(read_content([part], "content"), "")
            )
            if words:
                self._say(Thinking if thinks else Text, words, told)

    def _think_in_details(self, details: Any, plain: str, told: list[Event]) -> None:
        for _, detail in wire.objects(details, "reasoning_details"):
            block = read_detail(detail, self._origin)
            if block is None:
                continue
            place = detail.get("index")
            if block.sealed:
                self._open(block, told)
                continue
            words = block.text
            if not words and not block.signature:
                words, plain = plain, ""
            if self._speaking is Thinking and self._detail == place:
                told.append(Grew(self._next - 1, words, block.signature))
            elif words or block.signature:
                self._open(Thinking(words, block.signature, self._origin, False, block.id), told)
                self._speaking, self._detail = Thinking, place

    def _open(self, block: Text | Thinking, told: list[Event]) -> None:
        self._hush(told)
        told.append(Opened(self._next, block))
        self._next += 1
        if isinstance(block, Thinking) and block.sealed:
            told.append(Closed(self._next - 1))

    def _hush(self, told: list[Event]) -> None:
        """Close the text or the thinking that is open."""
        if self._speaking is not None:
            told.append(Closed(self._next - 1))
            self._speaking, self._detail = None, None

    def _call(self, piece: Mapping[str, Any], told: list[Event]) -> None:
        text = wire.part(piece, "custom")
        function = text or wire.part(piece, "function")
        ident = wire.text(piece.get("id"), "id")
        name = wire.text(function.get("name"), "name")
        slot = self._calls.find(piece, ident, name)
        slot.name = slot.name or name
        if ident and not slot.ident and not self._calls.has_id(ident):
            slot.ident = ident
        if text:
            words = _packed(slot, wire.text(text.get("input"), "input"))
        else:
            words = wire.arguments_text(function.get("arguments"))
        if words:
            slot.parts.append(words)
        if slot.index >= 0:
            if words:
                told.append(Grew(slot.index, words))
        elif slot.name:
            self._open_call(slot, told, *read_signature(piece, self._origin))

    def _open_call(self, slot: Slot, told: list[Event], signature: str, origin: str) -> None:
        self._hush(told)
        begun = self._begun or Begun()
        if not slot.ident:
            slot.ident = made("call_", begun.id, begun.model, self._created, slot.order, slot.name)
        slot.index = self._next
        self._next += 1
        call = ToolCall(slot.ident, slot.name, slot.arguments, signature, origin)
        told.append(Opened(slot.index, call))

    def _end(self) -> list[Event]:
        self._ended = True
        told: list[Event] = [] if self._begun else [self._begin({})]
        for slot in self._calls.all:
            if slot.index < 0 and slot.parts:
                self._open_call(slot, told, "", "")  # it never got a name
        self._hush(told)
        called = [slot.index for slot in self._calls.all if slot.index >= 0]
        told += [Grew(slot.index, freeform.TAIL) for slot in self._calls.all if slot.is_text]
        told += [Closed(index) for index in called]
        stop, sequence = read_stop(self._finish, calls=bool(called), refused=self._refused)
        told.append(Ended(stop, sequence, self._usage))
        return told


def _packed(slot: Slot, text: str) -> str:
    """Give a piece of plain text as it stands in the arguments of a function."""
    head = "" if slot.is_text else freeform.HEAD
    slot.is_text = True
    return head + freeform.escape(text)
