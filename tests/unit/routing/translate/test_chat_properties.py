"""What holds for every request, answer and stream in the chat dialect."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from routing.conversation import (
    Answer,
    Ask,
    Block,
    Image,
    Message,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    fold,
)
from routing.translate.chat import ChatDialect
from routing.translate.sse import encode
from routing.translate.turns import merged
from tests.unit.routing.translate import kit

FACE = ChatDialect()
ASK = Ask(
    model="model-1",
    messages=(),
    origin="chat",
    extras={"stream_options": {"include_usage": True}},
)
FAMILY = "qwen"
plain_thoughts = st.builds(Thinking, kit.words, st.just(""), st.just("chat:qwen"))


def joined(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """What the dialect can say of a model's turn: reasoning, then text, then calls."""
    thinking = [block for block in blocks if isinstance(block, Thinking)]
    text = "".join(block.text for block in blocks if isinstance(block, Text))
    calls = [block for block in blocks if isinstance(block, ToolCall)]
    thought = "".join(block.text for block in thinking)
    return (
        *((replace(thinking[0], text=thought),) if thought else ()),
        *((Text(text),) if text else ()),
        *calls,
    )


def answer_joined(answer: Answer) -> Answer:
    return replace(answer, blocks=joined(answer.blocks))


@kit.some
@given(st.data())
def test_a_stream_told_and_understood_is_the_same_answer(data):
    answer = data.draw(kit.answers(thinking=plain_thoughts))
    events = data.draw(kit.tellings(answer))
    assert answer_joined(fold(kit.through(FACE, ASK, events, FAMILY))) == answer_joined(answer)


@kit.some
@given(st.data())
def test_a_stream_cut_anywhere_gives_the_same_events(data):
    events = data.draw(kit.tellings(data.draw(kit.answers())))
    raw = b"".join(encode(frame) for frame in kit.frames_of(FACE, ASK, events))
    whole = kit.events_in(FACE, [raw], FAMILY)
    assert kit.events_in(FACE, data.draw(kit.cuts(raw)), FAMILY) == whole


@kit.some
@given(st.data())
def test_lines_may_end_in_any_of_three_ways(data):
    events = data.draw(kit.tellings(data.draw(kit.answers())))
    raw = b"".join(encode(frame) for frame in kit.frames_of(FACE, ASK, events))
    end = data.draw(st.sampled_from([b"\r\n", b"\r"]))
    chunks = data.draw(kit.cuts(raw.replace(b"\n", end)))
    assert kit.events_in(FACE, chunks, FAMILY) == kit.events_in(FACE, [raw], FAMILY)


@kit.some
@given(kit.answers(thinking=plain_thoughts))
def test_a_whole_answer_written_and_read_is_the_same(answer):
    read = FACE.read_answer(FACE.write_answer(answer, ASK), FAMILY)
    assert read == answer_joined(answer)


@kit.some
@given(kit.answers(told=kit.broken_arguments))
def test_arguments_reach_a_client_as_the_model_wrote_them(answer):
    told = FACE.write_answer(answer, ASK)["choices"][0]["message"].get("tool_calls", [])
    meant = [block.arguments for block in answer.blocks if isinstance(block, ToolCall)]
    assert [call["function"]["arguments"] for call in told] == [
        text if text.strip() else "{}" for text in meant
    ]


def spoken(ask: Ask) -> Ask:
    """The request as far as the dialect can say it."""
    turns = [
        Message(message.role, joined(message.blocks))
        if message.role is Role.ASSISTANT
        else Message(message.role, tuple(_told(block) for block in message.blocks))
        for message in merged(ask.messages)
    ]
    system = "\n\n".join(block.text for block in ask.system)
    return replace(ask, messages=tuple(turns), system=(Text(system),) if system else (), extras={})


def _told(block: Block) -> Block:
    if not isinstance(block, ToolResult):
        return block
    text = "\n".join(part.text for part in block.blocks if isinstance(part, Text))
    return replace(block, blocks=(Text(text),) if text else ())


def as_from_client(ask: Ask) -> Ask:
    turns = [
        replace(message, blocks=tuple(_unowned(block) for block in message.blocks))
        for message in ask.messages
    ]
    return replace(ask, messages=tuple(turns))


def _unowned(block: Block) -> Block:
    return replace(block, origin="chat:") if isinstance(block, Thinking) else block


@kit.some
@given(kit.asks(origin="chat", thinking=plain_thoughts, results=kit.texts))
def test_a_request_written_and_read_is_the_same(ask):
    read = FACE.read_request(FACE.write_request(ask, FAMILY))
    assert spoken(read) == as_from_client(spoken(ask))


@kit.some
@given(kit.answers(), kit.asks())
def test_sealed_thinking_comes_back_from_a_client_as_it_was(answer, ask):
    message = FACE.write_answer(answer, ask)["choices"][0]["message"]
    read = FACE.read_request({"model": "m", "messages": [message]}).messages
    told = [block for turn in read for block in turn.blocks if isinstance(block, Thinking)]
    assert told == [block for block in answer.blocks if isinstance(block, Thinking)]


@kit.some
@given(st.data())
def test_signed_thinking_comes_back_from_a_streaming_client(data):
    answer = data.draw(kit.answers())
    frames = kit.frames_of(FACE, ASK, data.draw(kit.tellings(answer, mixed=False)))
    read = fold(kit.events_in(FACE, [encode(frame) for frame in frames], FAMILY))
    message = {"role": "assistant", "content": "x"}
    details = [
        {"type": "reasoning.encrypted", "data": block.signature}
        if block.sealed
        else {"type": "reasoning.text", "text": block.text, "signature": block.signature}
        for block in read.blocks
        if isinstance(block, Thinking)
    ]
    turns = FACE.read_request(
        {"model": "m", "messages": [{**message, "reasoning_details": details}]}
    ).messages
    told = [block for turn in turns for block in turn.blocks if isinstance(block, Thinking)]
    assert told == [block for block in answer.blocks if isinstance(block, Thinking)]


@kit.some
@given(kit.asks(results=kit.texts | kit.images))
def test_nothing_stands_between_calls_and_their_results(ask):
    messages = FACE.write_request(ask, "gpt")["messages"]
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
            assert isinstance(message["content"], str)
        else:
            assert waiting == []
            waiting = [call["id"] for call in message.get("tool_calls", [])]


@kit.some
@given(kit.asks(results=kit.texts | kit.images))
def test_no_image_of_a_result_is_lost(ask):
    meant = [
        part
        for message in ask.messages
        for block in message.blocks
        for part in (block.blocks if isinstance(block, ToolResult) else (block,))
        if isinstance(part, Image)
    ]
    told = [
        part
        for message in FACE.write_request(ask, "gpt")["messages"]
        if message["role"] == "user" and isinstance(message["content"], list)
        for part in message["content"]
        if part["type"] == "image_url"
    ]
    assert len(told) == len(meant)
