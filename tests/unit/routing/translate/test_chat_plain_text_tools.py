"""Tools of the chat dialect that take plain text, before and behind other dialects."""

from __future__ import annotations

import json

import pytest

from routing.conversation import Answer, Ask, Closed, Ended, Grew, Opened, Stop, ToolCall, fold
from routing.translate.anthropic import AnthropicDialect
from routing.translate.chat import ChatDialect
from routing.translate.dialect import Frame
from tests.unit.routing.translate.kit import frames_of

ANTHROPIC, CHAT = AnthropicDialect(), ChatDialect()
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}}
PATCH = {"type": "custom", "custom": {"name": "patch", "description": "d", "format": GRAMMAR}}
TEXT = 'say "hi"\n\\ é'
CALL = {"id": "a", "type": "custom", "custom": {"name": "patch", "input": TEXT}}
TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "a", "content": "done"},
]


def asked() -> Ask:
    return CHAT.read_request({"model": "m", "messages": TURNS, "tools": [PATCH]})


def test_a_provider_of_the_dialect_gets_them_as_they_came():
    body = CHAT.write_request(asked(), "gpt")
    assert body["tools"] == [PATCH]
    assert body["messages"][1] == TURNS[1]


def test_another_provider_gets_functions_with_one_argument():
    body = ANTHROPIC.write_request(asked(), "claude")
    assert "start: /.+/" in body["tools"][0]["description"]
    assert body["messages"][1]["content"][0]["input"] == {"input": TEXT}


def test_the_client_gets_its_text_back():
    call = ToolCall("a", "patch", json.dumps({"input": TEXT}))
    (told,) = CHAT.write_answer(Answer(blocks=(call,)), asked())["choices"][0]["message"][
        "tool_calls"
    ]
    assert told == CALL
    half = len(call.arguments) // 2
    events = (
        Opened(0, ToolCall("a", "patch", call.arguments[:half])),
        Grew(0, call.arguments[half:]),
        Closed(0),
        Ended(Stop.TOOL_USE),
    )
    frames = frames_of(CHAT, asked(), events)
    deltas = [json.loads(frame.data)["choices"][0]["delta"] for frame in frames[:-1]]
    assert [delta["tool_calls"] for delta in deltas if "tool_calls" in delta] == [
        [{"index": 0, **CALL}]
    ]


@pytest.mark.parametrize("cut", [0, 5, len(TEXT)])
def test_a_provider_that_streams_text_is_understood(cut):
    pieces = (
        {"index": 0, "id": "a", "type": "custom", "custom": {"name": "patch", "input": TEXT[:cut]}},
        {"index": 0, "custom": {"input": TEXT[cut:]}},
    )
    reader = CHAT.reader("gpt")
    events = []
    for piece in pieces:
        chunk = {"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
        events += reader.read(Frame(json.dumps(chunk)))
    events += reader.read(Frame("[DONE]"))
    (call,) = fold(events).blocks
    assert json.loads(call.arguments) == {"input": TEXT}
    whole = {"choices": [{"message": {"tool_calls": [CALL]}}]}
    assert CHAT.read_answer(whole, "gpt").blocks == (ToolCall("a", "patch", call.arguments),)
