"""Gemini's answers and streams, judged by Google's own client."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

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
    events_of,
    fold,
)
from routing.faults import Fault, FaultKind
from routing.translate.dialect import Frame, Malformed
from routing.translate.gemini import GeminiDialect
from routing.translate.gemini.stream_out import JsonArray
from tests.unit.routing.translate import kit

FACE = GeminiDialect()
ASK = Ask(model="gemini-3-pro", messages=())


def chunk(*parts: dict[str, Any], reason: str = "", **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": "g3", "responseId": "r1", **more}


def usage(prompt: int, candidates: int = 0, thoughts: int = 0) -> dict[str, int]:
    told = {"promptTokenCount": prompt, "thoughtsTokenCount": thoughts}
    return {**told, "candidatesTokenCount": candidates}


def heard(chunks: Iterable[dict[str, Any]]) -> Answer:
    reader = FACE.reader("gemini")
    got = [event for each in chunks for event in reader.read(Frame(json.dumps(each)))]
    return fold([*got, *reader.finish()])


CALL = {"functionCall": {"name": "look", "args": {"at": 1}}, "thoughtSignature": "c2lnMg=="}


# -- what a provider tells ------------------------------------------------------------------------
def test_a_stream_is_gathered_with_its_signatures_and_its_last_usage():
    answer = heard(
        [
            chunk({"text": "I th", "thought": True}, usageMetadata=usage(9)),
            chunk({"text": "ink", "thought": True}),
            chunk({"text": "Hel"}, usageMetadata=usage(9, 2, 5)),
            chunk({"text": "lo"}),
            chunk({"text": "", "thoughtSignature": "c2ln"}),
            chunk(CALL),
            chunk({"text": ""}, reason="STOP", usageMetadata=usage(9, 7, 5)),
        ]
    )
    assert answer.blocks[:3] == (
        Thinking("I think", "", "gemini:gemini"),
        Text("Hello"),
        Thinking("", "c2ln", "gemini:gemini"),
    )
    call = answer.blocks[3]
    assert isinstance(call, ToolCall)
    assert call == ToolCall(call.id, "look", '{"at":1}', "c2lnMg==", "gemini:gemini")
    assert call.id
    assert answer.stop is Stop.TOOL_USE
    assert answer.usage == Usage(9, 12, reasoning=5)
    assert (answer.id, answer.model) == ("r1", "g3")


def test_a_signature_on_the_last_piece_of_a_text_leaves_the_text_in_one():
    answer = heard([chunk({"text": "Hel"}), chunk({"text": "lo", "thoughtSignature": "c2ln"}, reason="STOP")])  # fmt: skip  # noqa: E501
    assert answer.blocks == (Text("Hello"), Thinking("", "c2ln", "gemini:gemini"))


def test_equal_calls_of_one_answer_have_ids_of_their_own_and_always_the_same():
    body = chunk(CALL, CALL, reason="STOP")
    first, again = FACE.read_answer(body, "gemini"), FACE.read_answer(body, "gemini")
    ids = [block.id for block in first.blocks if isinstance(block, ToolCall)]
    assert len(set(ids)) == 2
    assert first == again


def test_a_whole_answer_is_read_with_the_signature_before_its_text():
    body = chunk({"text": "Hi", "thoughtSignature": "c2ln"}, reason="MAX_TOKENS")
    answer = FACE.read_answer(body, "gemini")
    assert answer.blocks == (Thinking("", "c2ln", "gemini:gemini"), Text("Hi"))
    assert answer.stop is Stop.MAX_TOKENS
    assert answer.usage is None


def test_code_that_the_model_ran_is_text():
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
    ]
    (text,) = FACE.read_answer(chunk(*parts, reason="STOP"), "gemini").blocks
    assert text == Text("```python\nprint(1)\n```\n```\n1\n```\n")


def test_a_blocked_prompt_is_a_fault_of_its_content():
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    for read in (lambda: FACE.read_answer(blocked, "gemini"), lambda: heard([blocked])):
        with pytest.raises(Fault, match="PROHIBITED_CONTENT") as caught:
            read()
        assert caught.value.kind is FaultKind.CONTENT


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "SPII"])
def test_an_answer_that_is_held_back_is_a_refusal(reason: str):
    assert heard([chunk({"text": "so"}, reason=reason)]).stop is Stop.REFUSAL
    assert FACE.read_answer({"candidates": [{"finishReason": reason}]}, "g").stop is Stop.REFUSAL


def test_a_broken_call_is_a_fault_and_no_silent_end():
    with pytest.raises(Fault, match="MALFORMED_FUNCTION_CALL"):
        heard([chunk(reason="MALFORMED_FUNCTION_CALL")])


def test_a_stream_without_an_end_was_cut():
    with pytest.raises(Fault) as caught:
        heard([chunk({"text": "so"})])
    assert caught.value.kind is FaultKind.CUT


def test_an_error_in_the_stream_is_a_fault_of_its_kind():
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Slow down."}
    with pytest.raises(Fault, match="Slow down") as caught:
        heard([chunk({"text": "so"}), {"error": error}])
    assert caught.value.kind is FaultKind.RATE_LIMIT


@pytest.mark.parametrize("data", ["{", "[1]", '{"candidates": [7]}'])
def test_what_is_no_chunk_is_malformed(data: str):
    with pytest.raises(Malformed):
        FACE.reader("gemini").read(Frame(data))


def test_an_answer_without_candidates_is_malformed():
    with pytest.raises(Malformed):
        FACE.read_answer({}, "gemini")


# -- what a client is told ------------------------------------------------------------------------
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_googles_client_accepts_every_chunk_and_finds_what_was_said(data: st.DataObject):
    answer = data.draw(kit.answers(told=kit.arguments | kit.broken_arguments))
    frames = kit.frames_of(FACE, ASK, data.draw(kit.tellings(answer)))
    chunks = [types.GenerateContentResponse.model_validate_json(frame.data) for frame in frames]
    texts = [block.text for block in answer.blocks if isinstance(block, Text)]
    parts = [part for each in chunks for part in each.candidates[0].content.parts]
    assert "".join(p.text for p in parts if p.text and not p.thought) == "".join(texts)
    calls = [block.id for block in answer.blocks if isinstance(block, ToolCall)]
    assert [part.function_call.id for part in parts if part.function_call] == calls
    assert chunks[-1].candidates[0].finish_reason is not None
    told = chunks[-1].usage_metadata
    assert answer.usage is not None
    assert told.prompt_token_count == answer.usage.input
    made = (told.candidates_token_count or 0) + (told.thoughts_token_count or 0)
    assert made == answer.usage.output
    types.GenerateContentResponse.model_validate(FACE.write_answer(answer, ASK))


def test_signatures_survive_googles_client_which_spells_base64_otherwise():
    seal = "??>>~~ü"  # its base64 has both letters in which the alphabets differ
    answer = Answer(
        id="a",
        model="m",
        blocks=(
            Thinking("hm", seal, "anthropic:claude"),
            Thinking("", seal, "anthropic:claude", sealed=True),
            Text("so"),
            ToolCall("c", "f", "{}", seal, "gemini:gemini"),
        ),
    )
    whole = types.GenerateContentResponse.model_validate(FACE.write_answer(answer, ASK))
    content = json.loads(whole.candidates[0].content.model_dump_json(exclude_none=True, by_alias=True))  # fmt: skip  # noqa: E501
    asked = FACE.read_request({"contents": [content]})
    assert asked.messages[0].blocks == answer.blocks


def test_a_call_waits_until_its_arguments_are_whole():
    writer = FACE.writer(ASK)
    events = [Begun("a", "m"), Opened(0, ToolCall("c", "f")), Grew(0, '{"a":'), Grew(0, "1}")]
    assert [frame for event in events for frame in writer.write(event)] == []
    (frame,) = writer.write(Closed(0))
    (part,) = json.loads(frame.data)["candidates"][0]["content"]["parts"]
    assert part == {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}


def test_arguments_that_are_no_json_reach_the_client():
    answer = Answer(id="a", model="m", blocks=(ToolCall("c", "f", '{"a": bro'),))
    (part,) = FACE.write_answer(answer, ASK)["candidates"][0]["content"]["parts"]
    assert part["functionCall"]["args"] == {"malformed_arguments": '{"a": bro'}


def test_usage_of_a_stream_is_told_even_where_only_its_beginning_knew_it():
    writer = FACE.writer(ASK)
    events = [Begun("a", "m", Usage(9, 1)), Opened(0, Text("x")), Closed(0), Ended()]
    frames = [frame for event in events for frame in writer.write(event)]
    assert json.loads(frames[-1].data)["usageMetadata"]["promptTokenCount"] == 9


def test_words_go_out_piece_by_piece():
    events = [Opened(0, Text("")), Grew(0, "a"), Grew(0, "b"), Closed(0)]
    writer = FACE.writer(ASK)
    assert [len(writer.write(event)) for event in [Begun("a", "m"), *events]] == [0, 0, 1, 1, 0]


def test_a_failure_ends_the_stream_with_googles_error():
    (frame,) = FACE.writer(ASK).fail(Fault(FaultKind.RATE_LIMIT, "Slow down."))
    told = {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED"}
    assert json.loads(frame.data) == {"error": told}
    assert FACE.read_error(429, {"error": told}) == ("RESOURCE_EXHAUSTED", "Slow down.")


def test_the_chunks_of_a_stream_make_one_json_array():
    answer = Answer(id="a", model="m", blocks=(Text("so"),), usage=Usage(1, 2))
    frames = kit.frames_of(FACE, replace(ASK, stream=True), events_of(answer))
    array = JsonArray()
    told = b"".join([array.frame(frame) for frame in frames] + [array.close()])
    assert json.loads(told) == [json.loads(frame.data) for frame in frames]
    assert json.loads(JsonArray().close()) == []
