"""Bodies and frames with anything in the wrong place: refused in words or understood, no crash."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.conversation import Ask
from routing.faults import Fault
from routing.translate.anthropic import AnthropicDialect
from routing.translate.chat import ChatDialect
from routing.translate.dialect import Frame, Malformed
from tests.unit.routing.translate import kit

ANTHROPIC, CHAT = AnthropicDialect(), ChatDialect()
FACES = pytest.mark.parametrize("face", [ANTHROPIC, CHAT], ids=["anthropic", "chat"])
ASK = Ask(model="m", messages=(), origin="chat", tools=(kit.Tool("t"),))
junk = st.one_of(kit.json_values, st.just([[]]), st.just([{}]), st.just({"type": []}))

MESSAGES: dict[Any, list[dict[str, Any]]] = {
    ANTHROPIC: [
        {"role": "user", "content": [
            {"type": "text", "text": "x"},
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            {"type": "document", "source": {"type": "text", "data": "x"}, "title": "t"}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "x", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "tool_use", "id": "a", "name": "t", "input": {"x": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "x", "is_error": True}]},
    ],
    CHAT: [
        {"role": "system", "content": "x"},
        {"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            {"type": "file", "file": {"file_data": "AA==", "filename": "f"}},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]},
        {"role": "assistant", "content": None, "reasoning_content": "x",
         "reasoning_details": [{"type": "reasoning.text", "text": "x", "signature": "s"}],
         "tool_calls": [{"id": "a", "type": "function",
                         "function": {"name": "t", "arguments": "{}"},
                         "extra_content": {"google": {"thought_signature": "s"}}}]},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ],
}  # fmt: skip
REQUESTS: dict[Any, dict[str, Any]] = {
    ANTHROPIC: {
        "model": "m", "system": "x", "max_tokens": 5, "messages": MESSAGES[ANTHROPIC],
        "tools": [{"name": "t", "input_schema": kit.SCHEMA}, {"type": "bash_1", "name": "bash"}],
        "tool_choice": {"type": "tool", "name": "t", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
        "stop_sequences": ["x"], "temperature": 1, "metadata": {"user_id": "x"},
    },
    CHAT: {
        "model": "m", "messages": MESSAGES[CHAT], "n": 1, "stop": ["x"], "seed": 1,
        "tools": [{"type": "function", "function": {"name": "t", "parameters": kit.SCHEMA}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {
            "mode": "auto", "tools": [{"type": "function", "function": {"name": "t"}}]}},
        "parallel_tool_calls": True, "reasoning": {"effort": "low", "max_tokens": 5},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
        "stream": True, "stream_options": {"include_usage": True},
    },
}  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, body: Any) -> Any:
    """Put junk somewhere into a body."""
    body = copy.deepcopy(body)
    here = body
    while True:
        keys = list(here) if isinstance(here, dict) else range(len(here))
        key = draw(st.sampled_from(list(keys)))
        deeper = here[key]
        if not isinstance(deeper, dict | list) or not deeper or draw(st.booleans()):
            here[key] = draw(junk)
            return body
        here = deeper


@FACES
@given(st.data())
def test_a_spoilt_request_is_understood_or_malformed(face, data):
    body = data.draw(spoilt(REQUESTS[face]))
    try:
        ask = face.read_request(body)
    except Malformed:
        return
    for other in (ANTHROPIC, CHAT):
        json.dumps(other.write_request(ask, "claude"))


@FACES
@given(st.data())
def test_a_spoilt_answer_is_understood_or_malformed(face, data):
    said = data.draw(kit.answers())
    body = data.draw(spoilt(face.write_answer(said, ASK)))
    try:
        answer = face.read_answer(body, "claude")
    except Malformed:
        return
    for other in (ANTHROPIC, CHAT):
        json.dumps(other.write_answer(answer, ASK))


@FACES
@given(st.data())
def test_a_spoilt_stream_is_understood_or_a_fault(face, data):
    answer = data.draw(kit.answers())
    frames = kit.frames_of(face, ASK, data.draw(kit.tellings(answer)))
    at = data.draw(st.integers(0, len(frames) - 1))
    if frames[at].data.startswith("{"):
        told = json.dumps(data.draw(spoilt(json.loads(frames[at].data))))
        frames[at] = Frame(told, frames[at].event)
    reader = face.reader("claude")
    try:
        events = [event for frame in frames for event in reader.read(frame)]
        events += reader.finish()
    except (Malformed, Fault):
        return
    for other in (ANTHROPIC, CHAT):
        assert kit.frames_of(other, ASK, events)
