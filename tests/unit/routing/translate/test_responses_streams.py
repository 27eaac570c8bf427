"""Streams of the Responses dialect, judged by OpenAI's own models, and servers with bad habits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent

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
    Tool,
    ToolCall,
    Usage,
    events_of,
    fold,
)
from routing.faults import Fault, FaultKind
from routing.translate import freeform
from routing.translate.dialect import Frame, Malformed
from routing.translate.responses import ResponsesDialect
from tests.unit.routing.translate import kit

FACE = ResponsesDialect()
EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(ResponseStreamEvent)
PATCH = Tool(
    "apply_patch",
    schema=freeform.SCHEMA,
    origin="responses",
    native={"type": "custom", "name": "apply_patch"},
)
ASK = Ask(model="m", messages=(), tools=(PATCH,))
ANSWER = Answer(
    id="a1",
    model="gpt-5.5",
    blocks=(
        Thinking("hm", "s1", "anthropic:claude"),
        Text("Hello"),
        ToolCall("c1", "look", '{"at":1}', "s2", "gemini:gemini"),
        ToolCall("c2", "apply_patch", freeform.pack('*** "Begin"\n')),
        ToolCall("c3", "look", '{"at": broken'),
    ),
    stop=Stop.TOOL_USE,
    usage=Usage(10, 5, 2, 1, 3),
)


def told(answer: Answer, ask: Ask = ASK) -> list[Frame]:
    return kit.frames_of(FACE, ask, events_of(answer))


def heard(events: Iterable[dict[str, Any]]) -> Answer:
    reader = FACE.reader("gpt")
    got = [event for each in events for event in reader.read(Frame(json.dumps(each)))]
    return fold([*got, *reader.finish()])


# -- what a client is told ------------------------------------------------------------------------
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_openais_client_accepts_and_gathers_every_stream(data: st.DataObject):
    answer = data.draw(kit.answers(told=kit.arguments | kit.broken_arguments))
    frames = kit.frames_of(FACE, ASK, data.draw(kit.tellings(answer)))
    state = ResponseStreamState(input_tools=omit, text_format=omit)
    for number, frame in enumerate(frames):
        event = EVENT.validate_json(frame.data)
        assert event.type == frame.event
        assert event.sequence_number == number
        state.handle_event(event)
    last = EVENT.validate_json(frames[-1].data).response
    texts = [block.text for block in answer.blocks if isinstance(block, Text)]
    assert last.output_text == "".join(texts)
    calls = [block for block in answer.blocks if isinstance(block, ToolCall)]
    got = [item for item in last.output if item.type == "function_call"]
    assert [item.call_id for item in got] == [call.id for call in calls]
    assert [item.arguments for item in got] == [call.arguments or "{}" for call in calls]


def test_the_whole_sequence_stands_in_its_order():
    kinds = [frame.event.removeprefix("response.") for frame in told(ANSWER)]
    added, done = "output_item.added", "output_item.done"
    summary, call = "reasoning_summary", "function_call_arguments"
    words = ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"]
    thought = [f"{summary}_part.added", f"{summary}_text.delta", f"{summary}_text.done"]
    custom = ["custom_tool_call_input.delta", "custom_tool_call_input.done"]
    assert kinds == [
        *("created", "in_progress"),
        *(added, *thought, f"{summary}_part.done", done),
        *(added, *words, done),
        *(added, done),  # the reasoning item that carries the signature of the call
        *(added, f"{call}.delta", f"{call}.done", done),
        *(added, *custom, done),
        *(added, f"{call}.delta", f"{call}.done", done),
        "completed",
    ]


def test_the_last_event_and_a_whole_answer_say_the_same():
    whole = FACE.write_answer(ANSWER, ASK)
    assert json.loads(told(ANSWER)[-1].data)["response"] == json.loads(json.dumps(whole))
    Response.model_validate(whole)
    assert whole["output"][4]["input"] == '*** "Begin"\n'
    assert whole["usage"]["input_tokens_details"]["cached_tokens"] == 2
    assert whole["usage"]["output_tokens_details"]["reasoning_tokens"] == 3


def test_a_whole_answer_comes_back_as_it_went_but_for_the_marks():
    back = FACE.read_answer(FACE.write_answer(ANSWER, ASK), "gpt")
    said = [block for block in back.blocks if not isinstance(block, Thinking)]
    assert said[1:] == [ToolCall(b.id, b.name, b.arguments) for b in ANSWER.blocks[2:]]
    assert (back.stop, back.usage) == (ANSWER.stop, ANSWER.usage)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [(Stop.MAX_TOKENS, "max_output_tokens"), (Stop.REFUSAL, "content_filter")],
)
def test_an_answer_that_was_cut_short_is_incomplete_and_says_why(stop: Stop, reason: str):
    answer = Answer(id="a", model="m", blocks=(Text("so f"),), stop=stop)
    last = told(answer)[-1]
    assert last.event == "response.incomplete"
    response = json.loads(last.data)["response"]
    assert response["incomplete_details"] == {"reason": reason}
    assert FACE.read_answer(response, "gpt").stop is stop
    assert fold(kit.through(FACE, ASK, events_of(answer))).stop is stop


def test_the_pieces_of_parallel_calls_never_mix():
    writer = FACE.writer(ASK)
    events = [
        Begun("a", "m"),
        Opened(0, ToolCall("c0", "f")),
        Opened(1, ToolCall("c1", "g")),
        Grew(1, '{"b":'),
        Grew(0, '{"a":'),
        Grew(1, "2}"),
        Grew(0, "1}"),
        Closed(1),
        Closed(0),
        Ended(Stop.TOOL_USE),
    ]
    frames = [frame for event in events for frame in writer.write(event)]
    output = json.loads(frames[-1].data)["response"]["output"]
    assert [(item["name"], item["arguments"]) for item in output] == [
        ("f", '{"a":1}'),
        ("g", '{"b":2}'),
    ]


def test_a_failure_ends_the_stream_with_an_error_that_clients_know():
    writer = FACE.writer(ASK)
    events = [Begun("a", "m"), Opened(0, Text("so"))]
    frames = [frame for event in events for frame in writer.write(event)]
    frames += writer.fail(Fault(FaultKind.SERVER, "It broke."))
    error, failed = (EVENT.validate_json(frame.data) for frame in frames[-2:])
    assert (error.type, error.message) == ("error", "It broke.")
    assert (failed.type, failed.response.status) == ("response.failed", "failed")
    assert failed.response.error.code == "server_error"
    with pytest.raises(Fault, match="It broke"):
        heard(json.loads(frame.data) for frame in frames[:-2] + frames[-1:])


# -- what servers tell ----------------------------------------------------------------------------
CREATED = {"type": "response.created", "response": {"id": "r1", "model": "m1"}}
CALL = {"type": "function_call", "id": "fc1", "call_id": "c1", "name": "f", "arguments": ""}
OVER = {"status": "completed", "usage": {"input_tokens": 3, "output_tokens": 4}}
COMPLETED = {"type": "response.completed", "response": OVER}
WHOLE_CALL = {**CALL, "arguments": '{"a":1}'}


def item(kind: str, what: dict[str, Any], **place: int) -> dict[str, Any]:
    return {"type": f"response.output_item.{kind}", "item": what, **place}


ARGUMENTS = {
    "only done": [
        item("added", CALL, output_index=0),
        {
            "type": "response.function_call_arguments.done",
            "output_index": 0,
            "arguments": '{"a":1}',
        },
        item("done", CALL, output_index=0),
    ],
    "only the item": [item("done", WHOLE_CALL, output_index=0)],
    "only added and the item": [
        item("added", CALL, output_index=0),
        item("done", WHOLE_CALL, output_index=0),
    ],
    "some deltas are missing": [
        item("added", CALL, output_index=0),
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"a"'},
        item("done", WHOLE_CALL, output_index=0),
    ],
    "no places": [item("added", CALL), item("done", WHOLE_CALL)],
    "places by id": [
        item("added", CALL),
        {"type": "response.function_call_arguments.delta", "item_id": "fc1", "delta": '{"a":1}'},
        item("done", WHOLE_CALL),
    ],
}


@pytest.mark.parametrize("events", ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_are_whole_however_they_are_told(events: list[dict[str, Any]]):
    answer = heard([CREATED, *events, COMPLETED])
    assert answer.blocks == (ToolCall("c1", "f", '{"a":1}'),)
    assert answer.stop is Stop.TOOL_USE
    assert answer.usage == Usage(3, 4)
    assert (answer.id, answer.model) == ("r1", "m1")


def test_what_only_the_last_event_tells_is_told():
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    reasoning = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "s"}
    over = {**OVER, "output": [reasoning, message, WHOLE_CALL]}
    answer = heard([CREATED, {"type": "response.completed", "response": over}])
    assert answer.blocks == (
        Thinking("", "s", "responses:gpt", sealed=True, id="rs"),
        Text("Hello"),
        ToolCall("c1", "f", '{"a":1}'),
    )


def test_items_without_places_are_not_told_twice():
    first = {"type": "message", "content": [{"type": "output_text", "text": "One"}]}
    over = {**OVER, "output": [first, WHOLE_CALL]}
    events = [item("done", first), item("done", WHOLE_CALL)]
    answer = heard([CREATED, *events, {"type": "response.completed", "response": over}])
    assert answer.blocks == (Text("One"), ToolCall("c1", "f", '{"a":1}'))


def test_text_without_deltas_comes_from_its_end():
    done = {"type": "response.output_text.done", "output_index": 0, "content_index": 0}
    assert heard([CREATED, {**done, "text": "Hello"}, COMPLETED]).blocks == (Text("Hello"),)


def test_the_parts_of_a_summary_are_paragraphs_and_its_seal_comes_last():
    delta = {"type": "response.reasoning_summary_text.delta", "output_index": 0}
    parts = [{"text": "One"}, {"text": "Two"}]
    whole = {"type": "reasoning", "id": "rs", "summary": parts, "encrypted_content": "s"}
    answer = heard(
        [
            CREATED,
            item("added", {"type": "reasoning", "id": "rs", "summary": []}, output_index=0),
            {**delta, "summary_index": 0, "delta": "One"},
            {**delta, "summary_index": 1, "delta": "Two"},
            item("done", whole, output_index=0),
            COMPLETED,
        ]
    )
    assert answer.blocks == (Thinking("One\n\nTwo", "s", "responses:gpt", id="rs"),)


def test_a_call_of_plain_text_is_put_together_from_its_pieces():
    call = {"type": "custom_tool_call", "id": "x", "call_id": "c", "name": "apply_patch"}
    delta = {"type": "response.custom_tool_call_input.delta", "output_index": 0}
    answer = heard(
        [
            CREATED,
            item("added", {**call, "input": ""}, output_index=0),
            {**delta, "delta": 'a "b'},
            {**delta, "delta": '"\nc'},
            {
                "type": "response.custom_tool_call_input.done",
                "output_index": 0,
                "input": 'a "b"\ncd',
            },
            item("done", {**call, "input": 'a "b"\ncd'}, output_index=0),
            COMPLETED,
        ]
    )
    (got,) = answer.blocks
    assert isinstance(got, ToolCall)
    assert json.loads(got.arguments) == {"input": 'a "b"\ncd'}


def test_a_refusal_is_read_as_text_and_as_the_reason_to_stop():
    refusal = {"type": "refusal", "refusal": "No."}
    message = {"type": "message", "content": [refusal]}
    answer = heard([CREATED, item("done", message, output_index=0), COMPLETED])
    assert (answer.blocks, answer.stop) == ((Text("No."),), Stop.REFUSAL)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("rate_limit_exceeded", FaultKind.RATE_LIMIT),
        ("insufficient_quota", FaultKind.QUOTA),
        ("context_length_exceeded", FaultKind.CONTEXT),
        ("server_is_overloaded", FaultKind.OVERLOADED),
        ("server_error", FaultKind.SERVER),
    ],
)
def test_a_failed_answer_is_a_fault_of_its_kind(code: str, kind: FaultKind):
    error = {"code": code, "message": "Sorry."}
    for event in (
        {"type": "response.failed", "response": {"error": error}},
        {"type": "error", **error},
    ):
        with pytest.raises(Fault, match="Sorry") as caught:
            heard([CREATED, event])
        assert caught.value.kind is kind


def test_a_stream_that_ends_early_was_cut():
    with pytest.raises(Fault) as caught:
        heard([CREATED, item("added", CALL, output_index=0)])
    assert caught.value.kind is FaultKind.CUT


def test_what_is_no_json_is_malformed():
    with pytest.raises(Malformed):
        FACE.reader("gpt").read(Frame("{"))


def test_unknown_events_mean_nothing():
    reader = FACE.reader("gpt")
    reader.read(Frame(json.dumps(CREATED)))
    assert reader.read(Frame('{"type":"response.web_search_call.searching"}')) == []
    assert reader.read(Frame("[DONE]")) == []
