"""Requests of Gemini's dialect: what is understood, and what the API takes of what we word."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.conversation import (
    Ask,
    Dialect,
    Document,
    Image,
    Message,
    Reasoning,
    Role,
    Shape,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from routing.translate.dialect import Malformed
from routing.translate.gemini import GeminiDialect
from routing.translate.gemini.rules import NO_SIGNATURE
from routing.translate.gemini.schema import for_gemini, from_gemini
from tests.unit.routing.translate import kit

FACE = GeminiDialect()
HI = {"role": "user", "parts": [{"text": "hi"}]}


def read(*contents: Any, **fields: Any) -> Ask:
    return FACE.read_request({"contents": list(contents) or [HI], **fields})


def written(ask: Ask, model: str = "gemini-2.5-pro", family: str = "gemini") -> dict[str, Any]:
    told = Ask(**{name: getattr(ask, name) for name in Ask.__dataclass_fields__} | {"model": model})
    return json.loads(json.dumps(FACE.write_request(told, family)))


def model_says(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def user_says(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def call(name: str, ident: str = "", **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {}} | ({"id": ident} if ident else {}), **more}


def response(name: str, told: dict[str, Any], ident: str = "") -> dict[str, Any]:
    inner = {"name": name, "response": told} | ({"id": ident} if ident else {})
    return {"functionResponse": inner}


# -- reading --------------------------------------------------------------------------------------
def test_both_spellings_of_fields_are_understood():
    camel = read(
        user_says({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        systemInstruction={"parts": [{"text": "Be brief."}]},
        generationConfig={"maxOutputTokens": 9, "topP": 0.5},
    )
    snake = read(
        user_says({"inline_data": {"mime_type": "image/png", "data": "AAAA"}}),
        system_instruction={"parts": {"text": "Be brief."}},
        generation_config={"max_output_tokens": 9, "top_p": 0.5},
    )
    assert camel == snake
    assert camel.messages[0].blocks == (Image("image/png", "AAAA"),)
    assert (camel.system, camel.max_tokens, camel.top_p) == ((Text("Be brief."),), 9, 0.5)


def test_files_are_known_by_their_type():
    ask = read(
        user_says(
            {"fileData": {"fileUri": "https://e.org/a.png"}},
            {"fileData": {"fileUri": "https://e.org/a", "mimeType": "application/pdf"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
        )
    )
    assert ask.messages[0].blocks == (
        Image("image/png", url="https://e.org/a.png"),
        Document("application/pdf", url="https://e.org/a"),
        Document("audio/wav", "AAAA"),
    )


def test_responses_find_their_calls_by_name_else_by_order_else_by_id():
    ask = read(
        HI,
        model_says(call("a"), call("b"), call("a"), call("c", "id_c")),
        user_says(
            response("c", {"output": "4"}, "id_c"),
            response("b", {"output": "2"}),
            response("a", {"output": "1"}),
            response("a", {"error": "3"}),
        ),
    )
    calls = [block.id for block in ask.messages[1].blocks if isinstance(block, ToolCall)]
    assert len(set(calls)) == 4
    assert ask.messages[2].blocks == (
        ToolResult("id_c", (Text("4"),), name="c"),
        ToolResult(calls[1], (Text("2"),), name="b"),
        ToolResult(calls[0], (Text("1"),), name="a"),
        ToolResult(calls[2], (Text("3"),), is_error=True, name="a"),
    )


def test_a_response_without_a_call_is_malformed():
    with pytest.raises(Malformed, match="answers no functionCall"):
        read(HI, user_says(response("a", {})))


def test_a_response_of_any_form_is_kept_as_json():
    told = {"temperature": 5, "unit": "C"}
    ask = read(HI, model_says(call("a")), user_says(response("a", told)))
    (result,) = ask.messages[2].blocks
    assert isinstance(result, ToolResult)
    (text,) = result.blocks
    assert json.loads(text.text) == told


def test_what_a_stream_told_in_pieces_is_one_turn_with_whole_blocks():
    ask = read(
        HI,
        model_says({"text": "I th", "thought": True}),
        model_says({"text": "ink", "thought": True}),
        model_says({"text": "", "thought": True, "thoughtSignature": "c2ln"}),
        model_says({"text": "Hel"}),
        model_says({"text": "lo"}),
        model_says(call("a", "c1", thoughtSignature="c2lnMg==")),
    )
    assert ask.messages[1].blocks == (
        Thinking("I think", "c2ln", "gemini:"),
        Text("Hello"),
        ToolCall("c1", "a", "{}", "c2lnMg==", "gemini:"),
    )


def test_tools_come_in_either_kind_of_schema():
    subset = {"type": "OBJECT", "properties": {"n": {"type": "STRING", "nullable": True}}}
    plain = {"type": "object", "properties": {"n": {"type": ["string", "null"]}}}
    ask = read(
        tools=[
            {"functionDeclarations": [{"name": "a", "parameters": subset}]},
            {"functionDeclarations": [{"name": "b", "parametersJsonSchema": plain}]},
            {"googleSearch": {}},
        ]
    )
    assert [tool.schema for tool in ask.tools[:2]] == [plain, plain]
    assert ask.tools[2] == Tool("googleSearch", builtin={"googleSearch": {}}, origin="gemini")


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("any")),
        ({"mode": "ANY", "allowedFunctionNames": ["a"]}, ToolChoice("tool", "a")),
        ({"mode": "ANY", "allowedFunctionNames": ["a", "b"]}, ToolChoice("any")),
    ],
)
def test_the_modes_of_calling_are_understood_and_said_again(
    config: dict[str, Any], choice: ToolChoice
):
    tools = [{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}]
    ask = read(tools=tools, toolConfig={"functionCallingConfig": config})
    assert ask.tool_choice == choice
    assert written(ask)["toolConfig"] == {"functionCallingConfig": config}


def test_what_only_gemini_knows_is_kept_for_gemini():
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    ask = read(
        safetySettings=safety,
        cachedContent="c/1",
        labels={"who": "me"},
        generationConfig={"responseModalities": ["TEXT"], "temperature": 1.5},
    )
    body = written(ask)
    assert body["safetySettings"] == safety
    assert body["cachedContent"] == "c/1"
    assert "labels" not in body
    assert body["generationConfig"] == {"responseModalities": ["TEXT"], "temperature": 1.5}


@pytest.mark.parametrize(
    "body",
    [
        {"contents": ["hi"]},
        {"contents": [{"role": "robot", "parts": []}]},
        {"contents": [HI], "tools": [{"functionDeclarations": [{}]}]},
        {"contents": [HI], "generationConfig": {"maxOutputTokens": "many"}},
        {"contents": [{"parts": [{"text": 7}]}]},
    ],
)
def test_a_body_that_is_not_of_the_dialect_is_malformed(body: dict[str, Any]):
    with pytest.raises(Malformed):
        FACE.read_request(body)


# -- wording --------------------------------------------------------------------------------------
@settings(max_examples=30, deadline=None)
@given(kit.asks(results=kit.texts | kit.images), st.sampled_from(["gemini-2.5-pro", "gemini-3"]))
def test_roles_alternate_and_responses_stand_behind_their_calls(ask: Ask, model: str):
    contents = written(ask, model)["contents"]
    roles = [content["role"] for content in contents]
    assert all(a != b for a, b in pairwise(roles))
    assert roles[0] == "user"
    for before, after in pairwise(contents):
        calls = [p["functionCall"]["id"] for p in before["parts"] if "functionCall" in p]
        got = [p["functionResponse"]["id"] for p in after["parts"] if "functionResponse" in p]
        assert calls == got
        heads = ["functionResponse" in part for part in after["parts"]]
        assert heads == sorted(heads, reverse=True)
    for content in contents:
        types.Content.model_validate(content)
        assert content["parts"]
        assert all(
            part.get("text") != "" or "thoughtSignature" in part for part in content["parts"]
        )


def test_a_failed_tool_is_told_as_an_error_and_arguments_that_are_no_json_are_kept():
    turns = (
        Message(Role.ASSISTANT, (ToolCall("c", "f", '{"a": bro'),)),
        Message(Role.USER, (ToolResult("c", (Text("disk full"),), is_error=True),)),
    )
    model, user = written(Ask(model="", messages=turns))["contents"]
    assert model["parts"][0]["functionCall"]["args"] == {"malformed_arguments": '{"a": bro'}
    told = {"id": "c", "name": "f", "response": {"error": "disk full"}}
    assert user["parts"] == [{"functionResponse": told}]


def test_pictures_of_a_tool_stand_in_its_response_since_gemini_3_and_beside_it_before():
    turns = (
        Message(Role.ASSISTANT, (ToolCall("c", "shot", "{}"),)),
        Message(Role.USER, (ToolResult("c", (Text("see"), Image("image/png", "AAAA"))),)),
    )
    ask = Ask(model="", messages=turns)
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    (new,) = written(ask, "gemini-3-pro")["contents"][1]["parts"]
    assert new["functionResponse"]["parts"] == [picture]
    old = written(ask, "gemini-2.5-pro")["contents"][1]["parts"]
    assert "parts" not in old[0]["functionResponse"]
    assert old[-1] == picture


def test_calls_of_the_current_turn_whose_signature_is_gone_get_googles_own_word_for_it():
    def turn(at: int) -> tuple[Message, Message]:
        calls = (ToolCall(f"a{at}", "f", "{}"), ToolCall(f"b{at}", "f", "{}"))
        results = tuple(ToolResult(call.id, (Text("ok"),)) for call in calls)
        return Message(Role.ASSISTANT, calls), Message(Role.USER, results)

    asked = Message(Role.USER, (Text("go"),))
    done = Message(Role.ASSISTANT, (Text("done"),))
    ask = Ask(model="", messages=(asked, *turn(1), done, asked, *turn(2), *turn(3)))
    contents = written(ask, "gemini-3-pro")["contents"]
    marks = [
        [part.get("thoughtSignature") for part in content["parts"]]
        for content in contents
        if content["role"] == "model"
    ]
    assert marks == [[None, None], [None], [NO_SIGNATURE, None], [NO_SIGNATURE, None]]
    for model, family in (("gemini-2.5-pro", "gemini"), ("gemma-4", "gemma")):
        assert NO_SIGNATURE not in json.dumps(written(ask, model, family))


def test_a_signature_of_another_maker_is_no_signature():
    turn = Message(
        Role.ASSISTANT,
        (
            Thinking("mine", "c2ln", "gemini:gemini"),
            Thinking("foreign", "c2lnMg==", "anthropic:claude"),
            Text("so"),
            ToolCall("c", "f", "{}", "c2lnMw==", "gemini:gemma"),
        ),
    )
    (content,) = written(Ask(model="", messages=(turn,)))["contents"]
    assert content["parts"] == [
        {"thought": True, "text": "mine", "thoughtSignature": "c2ln"},
        {"text": "so"},
        call("f", "c"),
    ]


@pytest.mark.parametrize(
    ("model", "reasoning", "config"),
    [
        ("gemini-2.5-pro", Reasoning("low"), {"thinkingBudget": 4096}),
        ("gemini-2.5-pro", Reasoning("max"), {"thinkingBudget": 24_576}),
        ("gemini-2.5-flash", Reasoning(budget_tokens=99), {"thinkingBudget": 99}),
        ("gemini-2.5-flash", Reasoning(adaptive=True), {"thinkingBudget": -1}),
        ("gemini-3-pro-preview", Reasoning("medium"), {"thinkingLevel": "high"}),
        ("gemini-3.1-pro", Reasoning("medium"), {"thinkingLevel": "medium"}),
        ("gemini-3-flash", Reasoning("minimal"), {"thinkingLevel": "minimal"}),
        ("gemini-3-pro-preview", Reasoning("minimal"), {"thinkingLevel": "low"}),
        ("gemini-3-pro-preview", Reasoning(adaptive=True), {}),
        ("gemini-flash-latest", Reasoning("low"), {"thinkingBudget": 4096}),
    ],
)
def test_how_much_to_think_is_said_as_the_model_takes_it(
    model: str, reasoning: Reasoning, config: dict[str, Any]
):
    ask = Ask(model="", messages=(), reasoning=reasoning, origin=Dialect.ANTHROPIC)
    got = written(ask, model)["generationConfig"]["thinkingConfig"]
    assert got == {"includeThoughts": True, **config}


def test_thinking_that_is_switched_off_is_not_shown():
    ask = Ask(model="", messages=(), reasoning=Reasoning(budget_tokens=0))
    config = written(ask)["generationConfig"]["thinkingConfig"]
    assert config == {"thinkingBudget": 0}


def test_the_shape_of_an_answer_goes_as_json_schema():
    schema = {"type": "object", "properties": {"a": {"const": 1}}, "$schema": "x"}
    ask = Ask(model="", messages=(), shape=Shape(schema))
    config = written(ask)["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == {
        "type": "object",
        "properties": {"a": {"enum": [1]}},
    }
    assert read(generationConfig=config).shape == Shape(config["responseJsonSchema"])


# -- schemas --------------------------------------------------------------------------------------
def test_keywords_that_gemini_refuses_are_said_otherwise_or_left_out():
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "definitions": {"d": {"type": "string", "examples": ["x"]}},
        "properties": {
            "const": {"const": "a"},  # a name, not a keyword
            "n": {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 2},
            "x": {"type": "number", "exclusiveMaximum": 1.5},
            "ref": {"$ref": "#/definitions/d", "description": "lost"},
            "both": {
                "allOf": [{"properties": {"p": {"type": "string"}}, "required": ["p"]}],
                "required": ["q"],
            },
        },
        "propertyNames": {"pattern": "a"},
    }
    assert for_gemini(schema) == {
        "type": "object",
        "$defs": {"d": {"type": "string"}},
        "properties": {
            "const": {"enum": ["a"]},
            "n": {"type": "integer", "minimum": 1},
            "x": {"type": "number", "maximum": 1.5},
            "ref": {"$ref": "#/$defs/d"},
            "both": {"properties": {"p": {"type": "string"}}, "required": ["q", "p"]},
        },
    }


def test_geminis_subset_is_read_as_json_schema():
    subset = {
        "type": "ARRAY",
        "minItems": "2",
        "items": {"type": "OBJECT", "properties": {"type": {"type": "STRING"}}},
        "nullable": True,
    }
    assert from_gemini(subset) == {
        "type": ["array", "null"],
        "minItems": 2,
        "items": {"type": "object", "properties": {"type": {"type": "string"}}},
    }
