"""What holds for every request, answer and stream in Anthropic's dialect."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from routing.conversation import Answer, Ask, Reasoning, Stop, Text, Thinking, ToolCall, fold
from routing.translate.anthropic import AnthropicDialect
from routing.translate.sequence import OneAtATime
from routing.translate.signatures import wrap
from routing.translate.sse import encode
from routing.translate.turns import merged
from routing.translate.wire import arguments_object, arguments_text, dumps
from tests.unit.routing.translate import kit

FACE = AnthropicDialect()
ASK = Ask(model="model-1", messages=(), reasoning=Reasoning("high"), origin="anthropic")


def as_client_sees(answer: Answer) -> Answer:
    """The same answer, its signatures marked with whose they are."""
    blocks = tuple(
        replace(block, signature=wrap(block.signature, block.origin))
        if isinstance(block, Thinking)
        else block
        for block in answer.blocks
    )
    return replace(answer, blocks=blocks)


@kit.some
@given(st.data())
def test_a_stream_told_and_understood_is_the_same_answer(data):
    answer = data.draw(kit.answers())
    events = data.draw(kit.tellings(answer))
    assert fold(kit.through(FACE, ASK, events)) == as_client_sees(answer)


@kit.some
@given(st.data())
def test_a_stream_cut_anywhere_gives_the_same_events(data):
    events = data.draw(kit.tellings(data.draw(kit.answers())))
    frames = kit.frames_of(FACE, ASK, events)
    raw = b"".join(encode(frame) for frame in frames)
    whole = kit.events_in(FACE, [raw])
    assert kit.events_in(FACE, data.draw(kit.cuts(raw))) == whole


@kit.some
@given(st.data())
def test_a_whole_answer_written_and_read_is_the_same(data):
    answer = data.draw(kit.answers())
    read = FACE.read_answer(FACE.write_answer(answer, ASK), kit.FAMILY)
    assert read == as_client_sees(answer)


@kit.some
@given(st.data())
def test_arguments_that_are_no_json_are_kept_whole(data):
    answer = data.draw(kit.answers(told=kit.broken_arguments))
    read = FACE.read_answer(FACE.write_answer(answer, ASK), kit.FAMILY)
    told = [block.arguments for block in read.blocks if isinstance(block, ToolCall)]
    meant = [block.arguments for block in answer.blocks if isinstance(block, ToolCall)]
    assert told == [arguments_text(arguments_object(text)) for text in meant]
    streamed = fold(kit.through(FACE, ASK, data.draw(kit.tellings(answer))))
    assert [b.arguments for b in streamed.blocks if isinstance(b, ToolCall)] == meant


@kit.some
@given(kit.asks(origin="anthropic"))
def test_a_request_written_and_read_is_the_same(ask):
    ask = replace(ask, model="claude-sonnet-4-5", messages=tuple(merged(ask.messages)))
    body = FACE.write_request(ask, kit.FAMILY)
    read = FACE.read_request(body)
    assert replace(read, extras={}) == raw_origins(ask)


def raw_origins(ask: Ask) -> Ask:
    """A provider's request carries bare signatures: whose they are is not in it."""
    messages = tuple(
        replace(
            message,
            blocks=tuple(
                replace(block, origin="anthropic:") if isinstance(block, Thinking) else block
                for block in message.blocks
            ),
        )
        for message in ask.messages
    )
    return replace(ask, messages=messages)


@kit.some
@given(kit.answers(), kit.asks())
def test_what_a_client_sends_back_is_what_the_model_had_said(answer, ask):
    ask = replace(ask, reasoning=Reasoning("high"))
    content = FACE.write_answer(answer, ask)["content"]
    body = {"model": "m", "messages": [{"role": "assistant", "content": content}]}
    (message,) = FACE.read_request(body).messages
    assert message.blocks == answer.blocks


@kit.some
@given(st.data())
def test_a_stream_has_one_open_block_at_a_time(data):
    answer = data.draw(kit.answers())
    order, told, open_ = OneAtATime(), [], []
    for event in data.draw(kit.tellings(answer)):
        told += order.put(event)
    for event in told:
        match type(event).__name__:
            case "Opened":
                assert open_ == []
                open_ = [event.index]
            case "Grew":
                assert open_ == [event.index]
            case "Closed":
                assert open_ == [event.index]
                open_ = []
    assert fold(told) == replace(answer, usage=answer.usage)


@kit.some
@given(kit.json_objects)
def test_arguments_survive_as_object_and_as_text(value):
    assert arguments_object(dumps(value)) == value


@kit.some
@given(st.text())
def test_no_arguments_raise(text):
    assert isinstance(arguments_object(text), dict)
    assert isinstance(dumps(arguments_object(text)), str)


def test_a_text_alone_is_an_answer():
    answer = Answer(id="msg_1", model="m", blocks=(Text("Hello"),), stop=Stop.END)
    assert FACE.write_answer(answer, ASK)["content"] == [{"type": "text", "text": "Hello"}]
