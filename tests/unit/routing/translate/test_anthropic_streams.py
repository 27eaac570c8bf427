"""Streams and errors in Anthropic's dialect, one happening at a time."""

from __future__ import annotations

import json

import pytest

from routing.conversation import (
    Answer,
    Ask,
    Begun,
    Closed,
    Ended,
    Grew,
    Opened,
    Reasoning,
    Stop,
    Text,
    Thinking,
    Tool,
    ToolCall,
    Usage,
    fold,
)
from routing.faults import Fault, FaultKind
from routing.translate.anthropic import AnthropicDialect
from routing.translate.dialect import Frame, Malformed
from tests.unit.routing.translate.kit import frames_of

FACE = AnthropicDialect()
ASK = Ask(model="m", messages=(), origin="anthropic", reasoning=Reasoning("high"))
START = {"type": "message_start", "message": {"id": "msg_1", "model": "c", "usage": {
    "input_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2,
    "output_tokens": 1}}}  # fmt: skip
STOP = {"type": "message_stop"}


def ended(reason: str, **usage) -> dict:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9, **usage}}


def opened(index: int, block: dict) -> dict:
    return {"type": "content_block_start", "index": index, "content_block": block}


def grown(index: int, **delta) -> dict:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def heard(*events: dict, finish: bool = True) -> list:
    reader = FACE.reader("claude")
    told = [x for event in events for x in reader.read(Frame(json.dumps(event), event["type"]))]
    return told + (reader.finish() if finish else [])


def told(*events, ask: Ask = ASK) -> list[dict]:
    return [json.loads(frame.data) for frame in frames_of(FACE, ask, events)]


def test_cached_tokens_count_as_input():
    answer = fold(heard(START, ended("end_turn"), STOP))
    assert answer.usage == Usage(input=9, output=9, cache_read=4, cache_write=2)
    usage = FACE.write_answer(Answer(usage=answer.usage), ASK)["usage"]
    assert usage["input_tokens"] == 3


def test_a_later_count_replaces_an_earlier_and_null_says_nothing():
    last = ended("end_turn", input_tokens=5, cache_read_input_tokens=None)
    assert fold(heard(START, last, STOP)).usage == Usage(11, 9, 4, 2)


def test_pings_and_unknown_events_mean_nothing():
    assert heard({"type": "ping"}, {"type": "news"}, finish=False) == []
    assert FACE.reader("claude").read(Frame("", "ping")) == []


def test_an_error_event_is_a_fault():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(Fault, match="Overloaded") as caught:
        heard(START, error)
    assert caught.value.kind is FaultKind.OVERLOADED
    assert caught.value.body == error


@pytest.mark.parametrize("events", [(), (START,), (START, opened(0, {"type": "text", "text": ""}))])
def test_a_stream_that_ends_before_its_answer_is_cut(events):
    with pytest.raises(Fault) as caught:
        heard(*events)
    assert caught.value.kind is FaultKind.CUT


def test_an_answer_with_a_stop_reason_is_whole_though_its_last_event_is_missing():
    events = heard(START, opened(0, {"type": "text", "text": "x"}), ended("max_tokens"))
    assert events[-2:] == [Closed(0), Ended(Stop.MAX_TOKENS, "", Usage(9, 9, 4, 2))]


@pytest.mark.parametrize("data", ["{", "[1]", "[" * 100_000, '{"type":"content_block_stop"}'])
def test_a_frame_that_breaks_the_dialect_is_malformed(data):
    with pytest.raises(Malformed):
        FACE.reader("claude").read(Frame(data, "message_start"))


def test_blocks_of_anthropics_own_servers_are_passed_over():
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    events = heard(
        START,
        opened(0, search),
        grown(0, type="input_json_delta", partial_json='{"q"'),
        {"type": "content_block_stop", "index": 0},
        opened(1, {"type": "text", "text": ""}),
        grown(1, type="citations_delta", citation={}),
        grown(1, type="text_delta", text="x"),
        ended("end_turn"),
    )
    assert fold(events).blocks == (Text("x"),)


def test_sealed_thinking_and_signatures_have_their_origin():
    events = heard(
        START,
        opened(0, {"type": "redacted_thinking", "data": "D"}),
        opened(1, {"type": "thinking", "thinking": "", "signature": ""}),
        grown(1, type="thinking_delta", thinking="hm"),
        grown(1, type="signature_delta", signature="S"),
        ended("end_turn"),
    )
    origin = "anthropic:claude"
    assert fold(events).blocks == (Thinking("", "D", origin, True), Thinking("hm", "S", origin))


def test_a_signature_is_told_once_and_whole_with_its_origin():
    events = told(
        Opened(0, Thinking("h", origin="anthropic:claude")),
        Grew(0, "m", "S1"),
        Grew(0, "", "S2"),
        Closed(0),
    )
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert [delta["type"] for delta in deltas] == ["thinking_delta"] * 2 + ["signature_delta"]
    assert deltas[2]["signature"] == "helio:anthropic:claude:S1S2"


def test_a_seal_that_comes_late_still_stands_in_the_blocks_start():
    events = told(
        Opened(0, Thinking(origin="responses:gpt", sealed=True)), Grew(0, "", "E"), Closed(0)
    )
    assert events[1]["content_block"] == {
        "type": "redacted_thinking",
        "data": "helio:responses:gpt:E",
    }


def test_a_client_that_asked_for_neither_thinking_nor_tools_gets_no_thinking():
    plain = Ask(model="m", messages=(), origin="anthropic")
    events = (Opened(0, Thinking("hm", origin="chat:kimi")), Grew(0, "m"), Closed(0))
    rest = (Opened(1, Text("x")), Closed(1), Ended())
    blocks = [
        e["content_block"]["type"] for e in told(*events, *rest, ask=plain) if "content_block" in e
    ]
    assert blocks == ["text"]
    answer = Answer(blocks=(Thinking("hm", origin="chat:kimi"), Text("x")))
    assert len(FACE.write_answer(answer, plain)["content"]) == 1
    uses = Ask(model="m", messages=(), origin="anthropic", tools=(Tool("t"),))
    assert len(FACE.write_answer(answer, uses)["content"]) == 2


def test_the_signature_of_a_call_travels_in_a_block_before_it():
    call = ToolCall("a", "t", "{}", "SIG", "gemini:gemini")
    whole = FACE.write_answer(Answer(blocks=(call,)), ASK)["content"]
    events = told(Opened(0, call), Closed(0))
    streamed = [event["content_block"] for event in events if "content_block" in event]
    assert [part["type"] for part in streamed] == ["redacted_thinking", "tool_use"]
    assert [event["index"] for event in events if "index" in event] == [0, 0, 1, 1, 1]
    for content in (whole, [streamed[0], {**streamed[1], "input": {}}]):
        body = {"model": "m", "messages": [{"role": "assistant", "content": content}]}
        assert FACE.read_request(body).messages[0].blocks == (call,)


def test_the_tool_of_a_shaped_answer_is_read_as_its_text():
    tool = {"type": "tool_use", "id": "t", "name": "helio_answer", "input": {}}
    events = heard(
        START,
        opened(0, tool),
        grown(0, type="input_json_delta", partial_json='{"a":1}'),
        ended("tool_use"),
    )
    answer = fold(events)
    assert (answer.blocks, answer.stop) == ((Text('{"a":1}'),), Stop.END)
    body = {"content": [{**tool, "input": {"a": 1}}], "stop_reason": "tool_use"}
    read = FACE.read_answer(body, "glm")
    assert (read.blocks, read.stop) == ((Text('{"a":1}'),), Stop.END)


def test_a_long_name_is_given_back_and_an_odd_id_comes_back_exactly():
    name = "mcp__" + "x" * 80
    asked = Ask(model="m", messages=(), tools=(Tool(name),), origin="anthropic")
    (tool,) = FACE.write_request(asked, "claude")["tools"]
    assert len(tool["name"]) == 64
    call = ToolCall("functions.ls:0", tool["name"], "{}")
    (told_call,) = FACE.write_answer(Answer(blocks=(call,)), asked)["content"]
    assert told_call["name"] == name
    assert told_call["id"].replace("_", "").isalnum()
    result = {"type": "tool_result", "tool_use_id": told_call["id"], "content": "x"}
    body = {"model": "m", "messages": [{"role": "user", "content": [result]}]}
    assert FACE.read_request(body).messages[0].blocks[0].call_id == "functions.ls:0"


def test_a_failure_ends_the_stream_with_an_error_event():
    writer = FACE.writer(ASK)
    writer.write(Begun("msg_1", "m"))
    (frame,) = writer.fail(Fault(FaultKind.CUT, "The provider went away."))
    assert frame.event == "error"
    error = {"type": "api_error", "message": "The provider went away."}
    assert json.loads(frame.data) == {"type": "error", "error": error}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (404, "not_found_error"), (429, "rate_limit_error"),
     (529, "overloaded_error"), (502, "api_error"), (418, "invalid_request_error")],
)  # fmt: skip
def test_errors_are_worded_and_understood(status, kind):
    error = FACE.write_error(status, "closed", "All is closed.")
    assert FACE.read_error(status, error) == (kind, "All is closed.")
    assert FACE.read_error(status, {"text": "nginx"}) == ("", "nginx")


def test_an_answer_without_content_is_malformed():
    with pytest.raises(Malformed):
        FACE.read_answer({"type": "message"}, "claude")
