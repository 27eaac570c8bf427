"""What we write is what the official SDKs have types for, field by field."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import anthropic.types as anthropic_types
import openai.types.chat as chat_types
from anthropic.lib.streaming._messages import accumulate_event
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from routing.conversation import Ask, Reasoning
from routing.faults import Fault, FaultKind
from routing.translate.anthropic import AnthropicDialect
from routing.translate.chat import ChatDialect
from tests.unit.routing.translate import kit

ANTHROPIC, CHAT = AnthropicDialect(), ChatDialect()
CLIENT = Ask(model="m", messages=(), origin="anthropic", reasoning=Reasoning("high"))
WANTS_USAGE = Ask(
    model="m", messages=(), origin="chat", extras={"stream_options": {"include_usage": True}}
)
few = settings(max_examples=30)


def valid(kind: Any, told: Any) -> Any:
    """Judge strictly: the SDKs themselves take anything."""
    return adapter(kind).validate_python(told)


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@few
@given(kit.answers(), kit.asks())
def test_a_whole_message_has_anthropics_type(answer, ask):
    valid(anthropic_types.Message, ANTHROPIC.write_answer(answer, ask))


@few
@given(st.data())
def test_every_event_of_a_stream_has_anthropics_type(data):
    answer = data.draw(kit.answers())
    for frame in kit.frames_of(ANTHROPIC, CLIENT, data.draw(kit.tellings(answer))):
        event = json.loads(frame.data)
        assert event["type"] == frame.event
        valid(anthropic_types.RawMessageStreamEvent, event)


@few
@given(st.data())
def test_anthropics_sdk_gathers_the_answer_that_was_told(data):
    answer = data.draw(kit.answers())
    snapshot, buffers = None, {}
    for frame in kit.frames_of(ANTHROPIC, CLIENT, data.draw(kit.tellings(answer))):
        event = valid(anthropic_types.RawMessageStreamEvent, json.loads(frame.data))
        if event.type != "message_stop":
            snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    told = snapshot.model_dump(mode="json", exclude_none=True)
    whole = ANTHROPIC.write_answer(answer, CLIENT)
    assert told["content"] == [valid_block(block) for block in whole["content"]]
    assert told["stop_reason"] == whole["stop_reason"]
    assert told["usage"] == whole["usage"]


def valid_block(block: dict[str, Any]) -> dict[str, Any]:
    message = {**ANTHROPIC.write_answer(kit.Answer(id="i", model="m"), CLIENT), "content": [block]}
    dumped = valid(anthropic_types.Message, message).model_dump(mode="json", exclude_none=True)
    return dumped["content"][0]


@few
@given(kit.answers(), kit.asks())
def test_a_whole_completion_has_openais_type(answer, ask):
    valid(chat_types.ChatCompletion, CHAT.write_answer(answer, ask))


@few
@given(st.data())
def test_every_chunk_of_a_stream_has_openais_type(data):
    answer = data.draw(kit.answers())
    *frames, done = kit.frames_of(CHAT, WANTS_USAGE, data.draw(kit.tellings(answer)))
    assert done.data == "[DONE]"
    for frame in frames:
        valid(chat_types.ChatCompletionChunk, json.loads(frame.data))


@few
@given(kit.asks(results=kit.texts | kit.images), st.sampled_from(["claude", "glm"]))
def test_every_request_has_anthropics_type(ask, family):
    body = ANTHROPIC.write_request(ask, family)
    valid(list[anthropic_types.MessageParam], body["messages"])
    valid(list[anthropic_types.ToolParam], body.get("tools", []))
    valid(anthropic_types.ToolChoiceParam, body.get("tool_choice", {"type": "auto"}))


@few
@given(kit.asks(results=kit.texts | kit.images), st.sampled_from(["gpt", "qwen", "deepseek"]))
def test_every_request_has_openais_type(ask, family):
    body = CHAT.write_request(ask, family)
    valid(list[chat_types.ChatCompletionMessageParam], body["messages"])
    valid(list[chat_types.ChatCompletionToolParam], body.get("tools", []))
    choice = chat_types.ChatCompletionToolChoiceOptionParam
    valid(choice, body.get("tool_choice", "auto"))


def test_an_error_in_a_stream_has_anthropics_type():
    (frame,) = ANTHROPIC.writer(CLIENT).fail(Fault(FaultKind.OVERLOADED, "Busy."))
    error = valid(anthropic_types.shared.ErrorResponse, json.loads(frame.data)).error
    assert (error.type, error.message) == ("overloaded_error", "Busy.")
