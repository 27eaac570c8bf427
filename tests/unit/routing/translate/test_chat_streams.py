"""Streams and errors in the chat dialect as real servers send them."""

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
    Stop,
    Text,
    Thinking,
    ToolCall,
    Usage,
    fold,
)
from routing.faults import Fault, FaultKind
from routing.translate.chat import ChatDialect
from routing.translate.dialect import Frame, Malformed
from tests.unit.routing.translate.kit import frames_of

FACE = ChatDialect()
ASK = Ask(model="m", messages=(), origin="chat")
DONE = "[DONE]"
ORIGIN = "chat:qwen"


def chunk(delta: dict | None = None, finish: str | None = None, **more) -> dict:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "created": 7, "model": "m", "choices": [choice], **more}


def piece(index: int | None = None, ident: str = "", name: str = "", arguments=None) -> dict:
    """A piece of a call as a delta; what is empty is left out."""
    function = {"name": name or None, "arguments": arguments}
    told = {"index": index, "id": ident or None, "function": function}
    return {"tool_calls": [{key: value for key, value in told.items() if value is not None}]}


def heard(*chunks, finish: bool = True) -> list:
    reader = FACE.reader("qwen")
    texts = [data if isinstance(data, str) else json.dumps(data) for data in chunks]
    told = [event for text in texts for event in reader.read(Frame(text))]
    return told + (reader.finish() if finish else [])


def calls_in(*deltas: dict) -> list[ToolCall]:
    answer = fold(heard(*(chunk(delta) for delta in deltas), chunk({}, "tool_calls"), DONE))
    return [block for block in answer.blocks if isinstance(block, ToolCall)]


def told(*events, ask: Ask = ASK) -> list:
    data = [frame.data for frame in frames_of(FACE, ask, events)]
    return [text if text == DONE else json.loads(text) for text in data]


def test_usage_comes_in_a_last_chunk_without_choices():
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    events = heard(
        chunk({"content": "x"}), chunk({}, "stop"), {"choices": [], "usage": usage}, DONE
    )
    assert events[-1] == Ended(Stop.END, "", Usage(9, 5, 4))


def test_fields_that_are_null_say_nothing():
    delta = {"role": "assistant", "content": None, "tool_calls": None, "reasoning_content": None}
    events = heard(chunk(delta, usage=None), chunk(None, "stop"), {"choices": None}, DONE)
    assert [type(event) for event in events] == [Begun, Ended]


def test_only_the_first_choice_counts_and_the_head_comes_with_it():
    azure = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}
    second = {"index": 1, "delta": {"content": "no"}, "finish_reason": None}
    both = chunk({"content": "x"})
    both["choices"].append(second)
    events = heard(azure, both, chunk({}, "stop"))
    assert events[0] == Begun("chatcmpl-1", "m")
    assert fold(events).blocks == (Text("x"),)


@pytest.mark.parametrize(
    "chunks",
    [(), (chunk({"content": "x"}),), (DONE,), (chunk(piece(0, "a", "t", '{"x"')), DONE)],
)
def test_a_stream_that_ends_before_its_answer_is_cut(chunks):
    with pytest.raises(Fault) as caught:
        heard(*chunks)
    assert caught.value.kind is FaultKind.CUT


def test_the_end_marker_alone_ends_an_answer_that_is_whole():
    assert fold(heard(chunk({"content": "x"}), DONE)).stop is Stop.END
    assert fold(heard(chunk(piece(0, "a", "t", "{}")), DONE)).stop is Stop.TOOL_USE


def test_a_server_without_an_end_marker_is_understood():
    assert fold(heard(chunk({"content": "x"}), chunk({}, "length"))).stop is Stop.MAX_TOKENS


def test_interleaved_calls_are_told_apart_by_their_index():
    assert calls_in(
        piece(0, "a", "read", '{"p'),
        piece(1, "b", "list", '{"q'),
        piece(0, arguments='":1}'),
        piece(1, arguments='":2}'),
    ) == [ToolCall("a", "read", '{"p":1}'), ToolCall("b", "list", '{"q":2}')]


def test_a_name_that_is_repeated_is_taken_once():
    assert calls_in(piece(0, "a", "read", '{"p'), piece(0, "a", "read", '":1}')) == [
        ToolCall("a", "read", '{"p":1}')
    ]


def test_calls_without_ids_get_some_that_differ_and_stay():
    deltas = (piece(0, "", "read", "{}"), piece(1, "", "read", "{}"))
    first, second = calls_in(*deltas)
    assert first.id.startswith("call_")
    assert first.id != second.id
    assert calls_in(*deltas) == [first, second]


def test_an_id_that_another_call_has_is_replaced():
    first, second = calls_in(piece(0, "a", "read", "{}"), piece(1, "a", "read", "{}"))
    assert first.id == "a"
    assert second.id != "a"


def test_calls_without_an_index_are_told_apart_by_id():
    assert calls_in(
        piece(None, "a", "read", '{"p'), piece(None, "", "", '":1}'), piece(None, "b", "list", "{}")
    ) == [ToolCall("a", "read", '{"p":1}'), ToolCall("b", "list", "{}")]


def test_calls_that_all_have_the_same_index_are_told_apart_by_id():
    deltas = (piece(0, "a", "read", '{"p":1}'), piece(0, "b", "list", "{}"))
    assert [call.id for call in calls_in(*deltas)] == ["a", "b"]


def test_an_id_made_up_anew_for_each_piece_makes_no_new_call():
    assert calls_in(piece(0, "a", "read", '{"p'), piece(0, "z", "", '":1}')) == [
        ToolCall("a", "read", '{"p":1}')
    ]


def test_a_name_that_comes_after_arguments_is_waited_for():
    assert calls_in(piece(0, "a", "", '{"p'), piece(0, "", "read", '":1}')) == [
        ToolCall("a", "read", '{"p":1}')
    ]


def test_arguments_may_be_an_object_and_need_not_be_json():
    assert calls_in(piece(0, "a", "t", {"p": 1}))[0].arguments == '{"p":1}'
    assert calls_in(piece(0, "a", "t", "{'p"))[0].arguments == "{'p"
    assert calls_in(piece(0, "a", "", "lost"))[0] == ToolCall("a", "", "lost")


def test_reasoning_text_and_reasoning_again_are_blocks_of_their_own():
    deltas = (
        {"reasoning_content": "h"},
        {"reasoning_content": "m"},
        {"content": "x"},
        {"reasoning": "y"},
    )
    events = heard(*(chunk(delta) for delta in deltas), chunk({}, "stop"))
    thoughts = [Thinking(text, origin=ORIGIN) for text in ("hm", "y")]
    assert fold(events).blocks == (thoughts[0], Text("x"), thoughts[1])


def test_reasoning_told_in_both_ways_is_taken_once_with_its_signature():
    def both(text: str, **more) -> dict:
        detail = {"type": "reasoning.text", "text": text, "index": 0, **more}
        return {"reasoning": text, "reasoning_details": [detail]}

    sealed = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "D", "index": 1}]}
    deltas = (both("h"), both("m"), both("", signature="S"), sealed, {"content": "x"})
    events = heard(*(chunk(delta) for delta in deltas), chunk({}, "stop"))
    assert fold(events).blocks == (
        Thinking("hm", "S", ORIGIN),
        Thinking("", "D", ORIGIN, True),
        Text("x"),
    )


def test_reasoning_as_a_part_of_the_content_is_understood():
    inside = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    events = heard(chunk({"content": inside}), chunk({"content": "x"}), chunk({}, "stop"))
    expected = (Thinking("hm", origin=ORIGIN), Text("x"))
    assert fold(events).blocks == expected
    message = {"content": [*inside, {"type": "text", "text": "x"}]}
    assert FACE.read_answer({"choices": [{"message": message}]}, "qwen").blocks == expected


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (429, "slow down", FaultKind.RATE_LIMIT),
        ("insufficient_quota", "pay", FaultKind.QUOTA),
        ("context_length_exceeded", "", FaultKind.CONTEXT),
        ("server_error", "oops", FaultKind.SERVER),
        (503, "", FaultKind.OVERLOADED),
    ],
)
def test_an_error_in_the_stream_is_a_fault(code, message, kind):
    with pytest.raises(Fault) as caught:
        heard(chunk({"content": "x"}), {"error": {"code": code, "message": message}})
    assert caught.value.kind is kind


def test_a_finish_reason_that_says_error_is_a_fault():
    with pytest.raises(Fault):
        heard(chunk({"content": "x"}, "error"))


@pytest.mark.parametrize(
    "data", ["{", "7", '{"choices":[{"delta":"x"}]}', '{"id":1,"choices":[{}]}']
)
def test_a_chunk_that_breaks_the_dialect_is_malformed(data):
    with pytest.raises(Malformed):
        heard(data)


def test_why_the_model_stopped_is_judged_by_what_came():
    assert fold(heard(chunk(piece(0, "a", "t", "{}"), "stop"))).stop is Stop.TOOL_USE
    assert fold(heard(chunk({"content": "x"}, "tool_calls"))).stop is Stop.END
    assert fold(heard(chunk({"refusal": "no"}, "stop"))).stop is Stop.REFUSAL
    matched = chunk({"content": "x"}, "stop")
    matched["choices"][0]["stop_reason"] = "###"
    assert heard(matched)[-1] == Ended(Stop.SEQUENCE, "###")


def test_reasoning_that_a_server_counts_apart_is_output():
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 6,
             "completion_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
    assert heard(chunk({}, "stop", usage=usage))[-1].usage == Usage(1, 5, reasoning=3)


def test_a_client_learns_the_usage_only_if_it_asked():
    events = (Begun("i", "m"), Ended(Stop.END, "", Usage(1, 2)))
    assert not any("usage" in x for x in told(*events) if x != DONE)
    wants = Ask(
        model="m", messages=(), origin="chat", extras={"stream_options": {"include_usage": True}}
    )
    last, done = told(*events, ask=wants)[-2:]
    assert (last["choices"], last["usage"]["total_tokens"], done) == ([], 3, DONE)


def test_a_call_without_arguments_has_empty_ones():
    events = (Opened(0, ToolCall("a", "t")), Closed(0), Ended(Stop.TOOL_USE))
    deltas = [x["choices"][0]["delta"] for x in told(*events) if x != DONE]
    parts = [
        call["function"]["arguments"] for delta in deltas for call in delta.get("tool_calls", [])
    ]
    assert "".join(parts) == "{}"
    message = FACE.write_answer(Answer(blocks=(ToolCall("a", "t"),)), ASK)["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"


def test_calls_are_numbered_among_themselves_and_may_grow_side_by_side():
    events = (
        Opened(0, Text("x")), Closed(0),
        Opened(1, ToolCall("a", "t")), Opened(2, ToolCall("b", "t")),
        Grew(1, "1"), Grew(2, "2"), Closed(1), Closed(2), Ended(Stop.TOOL_USE),
    )  # fmt: skip
    deltas = [x["choices"][0]["delta"] for x in told(*events) if x != DONE]
    pieces = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert [call["index"] for call in pieces] == [0, 1, 0, 1]


def test_a_failure_ends_the_stream_with_an_error_and_no_end_marker():
    writer = FACE.writer(ASK)
    writer.write(Begun("i", "m"))
    (frame,) = writer.fail(Fault(FaultKind.RATE_LIMIT, "Slow down."))
    error = json.loads(frame.data)["error"]
    assert (error["message"], error["code"]) == ("Slow down.", "rate_limit")


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ({"error": {"message": "m", "type": "t", "code": None}}, ("t", "m")),
        ({"error": "m"}, ("", "m")),
        ({"object": "error", "message": "m", "code": 400}, ("400", "m")),
        ({"detail": [{"msg": "m"}]}, ("", "[{'msg': 'm'}]")),
        ({"text": "nginx"}, ("", "nginx")),
        ({}, ("", "")),
    ],
)
def test_errors_of_all_servers_are_understood(body, read):
    assert FACE.read_error(400, body) == read


def test_an_error_is_worded_as_the_sdk_wants_it():
    assert FACE.write_error(429, "closed", "m")["error"] == {
        "message": "m", "type": "rate_limit_error", "param": None, "code": "closed"
    }  # fmt: skip


def test_an_answer_without_choices_says_why():
    with pytest.raises(Malformed, match="credit"):
        FACE.read_answer({"error": {"message": "no credit"}}, "qwen")
