"""Requests of the Responses dialect: what is understood, what is refused, what goes out."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
from routing.translate.responses import ResponsesDialect

FACE = ResponsesDialect()
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch"}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edits files.", "format": GRAMMAR}
SEARCH = {
    "type": "tool_search",
    "execution": "client",
    "description": "Finds tools.",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
}
SPACE = {
    "type": "namespace",
    "name": "mcp__notes",
    "description": "Notes.",
    "tools": [{"type": "function", "name": "add", "description": "", "parameters": {}}],
}


def read(**fields: Any) -> Ask:
    return FACE.read_request({"model": "gpt-5.5", "input": "hi", **fields})


def written(ask: Ask, family: str = "gpt") -> dict[str, Any]:
    return json.loads(json.dumps(FACE.write_request(ask, family)))


def test_a_plain_text_is_one_message_of_the_user():
    assert read().messages == (Message(Role.USER, (Text("hi"),)),)


def test_a_conversation_of_items_becomes_turns():
    ask = read(
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": [{"type": "input_text", "text": "You are Codex."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
            {"type": "reasoning", "summary": [], "encrypted_content": "s1"},
            {"type": "function_call", "call_id": "c1", "name": "ls", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "ls", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "function_call_output", "call_id": "c2", "output": "two"},
            {"role": "developer", "content": "Hurry."},
            {"role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
        ],
    )
    assert ask.system == (Text("Be brief."), Text("You are Codex."))
    assert [message.role for message in ask.messages] == [
        Role.USER,
        Role.ASSISTANT,
        Role.USER,
        Role.SYSTEM,
        Role.ASSISTANT,
    ]
    assert ask.messages[1].blocks == (
        Thinking("", "s1", "responses:", sealed=True),
        ToolCall("c1", "ls", "{}"),
        ToolCall("c2", "ls", '{"a":1}'),
    )
    assert ask.messages[2].blocks == (
        ToolResult("c1", (Text("one"),), name="ls"),
        ToolResult("c2", (Text("two"),), name="ls"),
    )


def test_pictures_and_files_come_by_data_and_by_link():
    ask = read(
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                    {"type": "input_image", "image_url": "https://e.org/a.png", "detail": "low"},
                    {
                        "type": "input_file",
                        "filename": "a.pdf",
                        "file_data": "data:application/pdf;base64,BBBB",
                    },
                    {"type": "input_file", "file_url": "https://e.org/b.pdf"},
                ],
            }
        ]
    )
    assert ask.messages[0].blocks == (
        Image("image/png", "AAAA"),
        Image(url="https://e.org/a.png", detail="low"),
        Document("application/pdf", "BBBB", name="a.pdf"),
        Document("application/pdf", url="https://e.org/b.pdf"),
    )


def test_a_tools_output_may_be_a_list_with_pictures():
    output = [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
    ]
    call = {"type": "function_call", "call_id": "c", "name": "shot", "arguments": ""}
    ask = read(input=[call, {"type": "function_call_output", "call_id": "c", "output": output}])
    (result,) = ask.messages[1].blocks
    assert result == ToolResult("c", (Text("see"), Image("image/png", "AAAA")), name="shot")
    (_, sent) = written(ask)["input"]
    assert [part["type"] for part in sent["output"]] == ["input_text", "input_image"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("prompt", {"id": "p"}),
        ("background", True),
        ("input", [{"type": "item_reference", "id": "msg_1"}]),
        ("input", [{"id": "msg_1"}]),
    ],
)
def test_what_is_stored_elsewhere_is_refused_with_what_to_do(field: str, value: Any):
    with pytest.raises(Malformed, match=r"Heliograph keeps no"):
        read(**{field: value})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": 7},
        {"input": ["x"]},
        {"input": [{"role": "robot", "content": "x"}]},
        {"input": [{"role": "user", "content": [{"type": "input_hologram"}]}]},
        {"input": "x", "tools": [{"type": "function"}]},
        {"input": "x", "tool_choice": "maybe"},
        {"input": "x", "max_output_tokens": "many"},
    ],
)
def test_a_body_that_is_not_of_the_dialect_is_malformed(body: dict[str, Any]):
    with pytest.raises(Malformed):
        FACE.read_request({"model": "m", **body})


def test_settings_are_understood_and_said_again():
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    ask = read(
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        reasoning={"effort": "xhigh", "summary": "auto"},
        text={
            "verbosity": "low",
            "format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True},
        },
        tool_choice="required",
        parallel_tool_calls=False,
        tools=[{"type": "function", "name": "f", "parameters": schema}],
        prompt_cache_key="k",
    )
    assert ask.reasoning == Reasoning("xhigh", summary="auto")
    assert ask.shape == Shape(schema, "n", strict=True)
    assert ask.tool_choice == ToolChoice("any", parallel=False)
    body = written(ask)
    assert body["reasoning"] == {"effort": "xhigh", "summary": "auto"}
    assert body["text"]["verbosity"] == "low"
    assert body["text"]["format"]["strict"] is True
    assert body["tool_choice"] == "required"
    assert body["parallel_tool_calls"] is False
    assert body["prompt_cache_key"] == "k"
    assert body["max_output_tokens"] == 16  # the least that OpenAI takes
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]


def test_a_model_that_thinks_is_not_told_a_temperature_and_others_are():
    ask = read(temperature=0.5, top_p=0.9)
    assert not {"temperature", "top_p"} & set(written(ask))
    body = written(ask, "qwen")
    assert (body["temperature"], body["top_p"]) == (0.5, 0.9)


def test_thinking_can_be_switched_off():
    ask = read(reasoning={"effort": "none"})
    assert ask.reasoning == Reasoning(budget_tokens=0)
    body = written(ask)
    assert body["reasoning"] == {"effort": "none"}
    assert "include" not in body


def test_who_asks_is_told_to_nobody():
    ask = read(
        user="me",
        safety_identifier="s",
        metadata={"a": "b"},
        client_metadata={"session_id": "x"},
    )
    assert not {"user", "safety_identifier", "metadata", "client_metadata"} & set(written(ask))


# -- tools as Codex brings them -------------------------------------------------------------------
def test_a_tool_of_plain_text_is_a_function_to_others_and_itself_here():
    ask = read(tools=[PATCH])
    (tool,) = ask.tools
    assert tool.name == "apply_patch"
    assert tool.schema["required"] == ["input"]
    assert "start: begin_patch" in tool.description
    assert written(ask)["tools"] == [PATCH]


def test_a_call_of_plain_text_keeps_its_text_and_its_kind():
    patch = '*** Begin Patch\n+"quoted" \\ ü\n*** End Patch'
    items = [
        {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": patch},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"},
    ]
    ask = read(tools=[PATCH], input=items)
    (call,) = ask.messages[0].blocks
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"input": patch}
    assert written(ask)["input"] == items


def test_tools_of_a_namespace_stand_for_themselves_and_go_back_together():
    two = {**SPACE, "tools": [*SPACE["tools"], {"type": "function", "name": "drop"}]}
    call = {
        "type": "function_call",
        "call_id": "c",
        "name": "add",
        "namespace": "mcp__notes",
        "arguments": "{}",
    }
    ask = read(tools=[two], input=[call])
    assert [tool.name for tool in ask.tools] == ["mcp__notes__add", "mcp__notes__drop"]
    assert ask.messages[0].blocks == (ToolCall("c", "mcp__notes__add", "{}"),)
    body = written(ask)
    assert body["tools"] == [two]
    assert body["input"] == [call]


def test_tools_that_the_clients_search_found_can_be_called():
    found = {"type": "tool_search_output", "call_id": "c", "execution": "client"}
    items = [
        {
            "type": "tool_search_call",
            "call_id": "c",
            "execution": "client",
            "arguments": {"query": "notes"},
        },
        {**found, "status": "completed", "tools": [SPACE]},
    ]
    ask = read(tools=[SEARCH], input=items)
    assert [tool.name for tool in ask.tools] == ["tool_search", "mcp__notes__add"]
    (result,) = ask.messages[1].blocks
    assert isinstance(result, ToolResult)
    assert "mcp__notes" in str(result.blocks)
    assert written(ask)["input"] == items


def test_the_providers_own_tools_and_items_stay_in_their_dialect():
    searched = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    items = [{"role": "user", "content": "a"}, searched, {"role": "user", "content": "b"}]
    ask = read(tools=[{"type": "web_search"}], input=items)
    body = written(ask)
    assert body["tools"] == [{"type": "web_search"}]
    assert body["input"][1] == searched
    foreign = Ask(model="m", messages=ask.messages, tools=ask.tools, origin=Dialect.CHAT)
    assert "web_search_call" not in json.dumps(FACE.write_request(foreign, "gpt"))


def test_only_allowed_tools_are_passed_on():
    tools = [{"type": "function", "name": name, "parameters": {}} for name in ("a", "b")]
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"name": "b"}]}
    ask = read(tools=tools, tool_choice=allowed)
    assert [tool.name for tool in ask.tools] == ["b"]
    assert ask.tool_choice == ToolChoice("any")


# -- what goes out --------------------------------------------------------------------------------
def test_a_request_of_another_dialect_is_held_to_no_strict_schema():
    ask = Ask(model="m", messages=(), tools=(Tool("f", schema={}),), origin=Dialect.ANTHROPIC)
    (tool,) = written(ask)["tools"]
    assert tool["strict"] is False
    assert tool["parameters"] == {"type": "object", "properties": {}}


def test_only_thinking_that_the_model_sealed_itself_is_sent_back():
    turn = Message(
        Role.ASSISTANT,
        (
            Thinking("mine", "s1", "responses:gpt", id="rs_1"),
            Thinking("foreign", "s2", "anthropic:claude"),
            Text("so"),
        ),
    )
    items = written(Ask(model="m", messages=(turn,)))["input"]
    summary = [{"type": "summary_text", "text": "mine"}]
    assert items[0] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": summary,
        "encrypted_content": "s1",
    }
    assert [item["type"] for item in items] == ["reasoning", "message"]


def test_ids_that_are_too_long_are_cut_alike_in_calls_and_results():
    long = "call_" + "x" * 100
    turns = (
        Message(Role.ASSISTANT, (ToolCall(long, "f", "{}"),)),
        Message(Role.USER, (ToolResult(long, (Text("ok"),)),)),
    )
    call, result = written(Ask(model="m", messages=turns))["input"]
    assert call["call_id"] == result["call_id"]
    assert len(call["call_id"]) <= 64


def test_a_failure_with_a_picture_is_still_a_failure_when_it_comes_back():
    blocks = (Text("broken"), Image("image/png", "AAAA"))
    turns = (
        Message(Role.ASSISTANT, (ToolCall("c", "f", "{}"),)),
        Message(Role.USER, (ToolResult("c", blocks, is_error=True, name="f"),)),
    )
    body = written(Ask(model="m", messages=turns))
    assert FACE.read_request(body).messages == turns
