"""Requests, answers and streams of all kinds, for the properties of the dialects.

`asks` and `answers` give values in the house's own form; `tellings` tells an answer as a stream
in pieces, its tool calls mixed; `cuts` breaks bytes anywhere. `through` carries an answer over a
dialect's wire and back.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from routing.conversation import (
    Answer,
    Ask,
    Begun,
    Block,
    Closed,
    Ended,
    Event,
    Grew,
    Image,
    Message,
    Opened,
    Role,
    Stop,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from routing.translate.dialect import DialectFace, Frame
from routing.translate.sse import FrameParser, encode
from routing.translate.wire import dumps

FAMILY = "claude"
CLAUDE = "anthropic:claude"

some = settings(max_examples=50)  # these draw whole conversations

words = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
tool_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,30}", fullmatch=True)
odd_tool_names = st.one_of(tool_names, st.from_regex(r"[a-z0-9.:/ _-]{1,120}", fullmatch=True))
call_ids = st.one_of(
    st.from_regex(r"call_[A-Za-z0-9]{8,30}", fullmatch=True),
    st.from_regex(r"toolu_[A-Za-z0-9]{24}", fullmatch=True),
    st.from_regex(r"functions\.[a-z]{1,12}:[0-9]", fullmatch=True),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(-1e9, 1e9),
    st.text(max_size=12),
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
json_objects = st.dictionaries(st.text(min_size=1, max_size=8), json_values, max_size=3)
arguments = json_objects.map(dumps)
broken_arguments = st.text(max_size=30).filter(lambda text: "malformed_arguments" not in text)
signatures = st.binary(min_size=1, max_size=24).map(lambda raw: base64.b64encode(raw).decode())

texts = words.map(Text)
thoughts = st.builds(Thinking, words, signatures, st.just(CLAUDE))
seals = st.builds(Thinking, st.just(""), signatures, st.just(CLAUDE), st.just(True))
images = st.one_of(
    st.builds(
        Image,
        st.sampled_from(["image/png", "image/jpeg"]),
        st.binary(min_size=1, max_size=12).map(lambda raw: base64.b64encode(raw).decode()),
    ),
    st.builds(Image, url=st.just("https://example.org/a.png")),
)
usages = st.builds(
    lambda fresh, read, written, out, reasoning: Usage(
        fresh + read + written, out + reasoning, read, written, reasoning
    ),
    *[st.integers(0, 10_000)] * 5,
)


def _calls(told: st.SearchStrategy[str]) -> st.SearchStrategy[ToolCall]:
    return st.builds(ToolCall, call_ids, tool_names, told)


@st.composite
def answers(
    draw: st.DrawFn,
    told: st.SearchStrategy[str] = arguments,
    thinking: st.SearchStrategy[Thinking] | None = None,
) -> Answer:
    """Give a whole answer: thinking, text and calls in any order, and a stop that fits."""
    said = st.one_of(texts, thoughts | seals if thinking is None else thinking, _calls(told))
    blocks = tuple(
        draw(
            st.lists(
                said, max_size=5, unique_by=lambda block: getattr(block, "id", "") or id(block)
            )
        )
    )
    calls = any(isinstance(block, ToolCall) for block in blocks)
    stops = [Stop.MAX_TOKENS, Stop.TOOL_USE if calls else Stop.END]
    return Answer(
        id="msg_" + draw(st.from_regex(r"[a-z0-9]{6}", fullmatch=True)),
        model="model-1",
        blocks=blocks,
        stop=draw(st.sampled_from(stops)),
        usage=draw(usages),
    )


@st.composite
def tellings(draw: st.DrawFn, answer: Answer, *, mixed: bool = True) -> list[Event]:
    """Tell an answer as a stream: each block in pieces, the pieces of blocks mixed."""
    queues = [draw(_pieces(index, block)) for index, block in enumerate(answer.blocks)]
    told: list[Event] = [Begun(answer.id, answer.model)]
    opened = 0
    while any(queues):
        ready = [at for at, queue in enumerate(queues) if queue and at <= opened]
        at = draw(st.sampled_from(ready)) if mixed else ready[0]
        opened = max(opened, at + 1)
        told.append(queues[at].pop(0))
    return [*told, Ended(answer.stop, answer.stop_sequence, answer.usage)]


@st.composite
def _pieces(draw: st.DrawFn, index: int, block: Block) -> list[Event]:
    assert isinstance(block, Text | Thinking | ToolCall)
    text = block.arguments if isinstance(block, ToolCall) else block.text
    first, *rest = _cut(text, draw(_places(len(text), 4)))
    match block:
        case Text():
            head: Block = Text(first)
        case ToolCall():
            head = ToolCall(block.id, block.name, first)
        case Thinking():
            sign = block.signature if block.sealed else ""
            head = Thinking(first, sign, block.origin, block.sealed)
    told: list[Event] = [Opened(index, head), *(Grew(index, piece) for piece in rest)]
    if isinstance(block, Thinking) and not block.sealed:
        told.append(Grew(index, "", block.signature))
    return [*told, Closed(index)]


def _places(length: int, most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, length), max_size=most).map(sorted)


def _cut(whole: Any, places: Sequence[int]) -> list[Any]:
    edges = [0, *places, len(whole)]
    return [whole[a:b] for a, b in pairwise(edges)]


@st.composite
def cuts(draw: st.DrawFn, raw: bytes) -> list[bytes]:
    """Break bytes anywhere, also inside a character or a line's end."""
    return _cut(raw, draw(_places(len(raw), 12)))


@st.composite
def asks(
    draw: st.DrawFn,
    origin: str = "",
    thinking: st.SearchStrategy[Thinking] | None = None,
    results: st.SearchStrategy[Any] = texts,
) -> Ask:
    """Give a request whose turns alternate and whose calls all have results."""
    messages: list[Message] = []
    thoughts_ = thoughts | seals if thinking is None else thinking
    names: dict[str, str] = {}
    pending: list[ToolCall] = []
    for _ in range(draw(st.integers(1, 3))):
        said: list[Block] = [draw(_results(call, results)) for call in pending]
        said += draw(st.lists(texts | images, min_size=1, max_size=2))
        messages.append(Message(Role.USER, tuple(said)))
        pending = draw(st.lists(_calls(arguments), max_size=2, unique_by=lambda call: call.id))
        pending = [call for call in pending if call.id not in names]
        names |= {call.id: call.name for call in pending}
        turn = (*draw(st.lists(thoughts_, max_size=1)), draw(texts), *pending)
        messages.append(Message(Role.ASSISTANT, turn))
    final = [draw(_results(call, results)) for call in pending] or [draw(texts)]
    messages.append(Message(Role.USER, tuple(final)))
    tools = draw(st.lists(st.builds(Tool, tool_names, words, st.just(SCHEMA)), max_size=2))
    return Ask(
        model="model-1",
        messages=tuple(messages),
        system=tuple(draw(st.lists(texts, max_size=2))),
        tools=tuple(tools),
        tool_choice=draw(st.none() | st.builds(ToolChoice, st.sampled_from(["auto", "any"])))
        if tools
        else None,
        max_tokens=draw(st.integers(1, 4096)),
        temperature=draw(st.none() | st.floats(0, 1)),
        stop=tuple(draw(st.lists(words, max_size=2))),
        stream=draw(st.booleans()),
        origin=origin,
    )


SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


@st.composite
def _results(draw: st.DrawFn, call: ToolCall, said: st.SearchStrategy[Text | Image]) -> ToolResult:
    blocks = tuple(draw(st.lists(said, max_size=2)))
    return ToolResult(call.id, blocks, name=call.name)


def frames_of(face: DialectFace, ask: Ask, events: Iterable[Event]) -> list[Frame]:
    """Tell events to a client."""
    writer = face.writer(ask)
    return [frame for event in events for frame in writer.write(event)]


def events_in(face: DialectFace, chunks: Iterable[bytes], family: str = FAMILY) -> list[Event]:
    """Understand a provider's bytes to their end."""
    parser, reader = FrameParser(), face.reader(family)
    events = [
        event for chunk in chunks for frame in parser.feed(chunk) for event in reader.read(frame)
    ]
    events += [event for frame in parser.finish() for event in reader.read(frame)]
    return events + reader.finish()


def through(
    face: DialectFace, ask: Ask, events: Iterable[Event], family: str = FAMILY
) -> list[Event]:
    """Carry a stream over the wire of a dialect and back."""
    return events_in(face, [encode(frame) for frame in frames_of(face, ask, events)], family)
