"""Requests in the chat dialect, one wish at a time."""

from __future__ import annotations

import json

import pytest

from routing.conversation import (
    Ask,
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
from routing.translate.chat import ChatDialect
from routing.translate.dialect import Malformed
from tests.unit.routing.translate.kit import SCHEMA

FACE = ChatDialect()
HELLO = (Message(Role.USER, (Text("Hello"),)),)
CLOSED = {**SCHEMA, "additionalProperties": False}


def written(family: str = "qwen", **wishes) -> dict:
    return FACE.write_request(
        Ask(**{"model": "m", "messages": HELLO, "origin": "anthropic", **wishes}), family
    )


def read(**fields) -> Ask:
    return FACE.read_request({"model": "m", "messages": [], **fields})


def carried(family: str = "qwen", **fields) -> dict:
    """What a provider gets of a client's request in the same dialect."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    return FACE.write_request(FACE.read_request({**body, **fields}), family)


def turns_of(family: str, *messages: Message) -> list[dict]:
    return written(family, messages=messages)["messages"]


def test_more_than_one_answer_is_refused_with_a_sentence():
    with pytest.raises(Malformed, match="n must be 1"):
        read(n=2)
    assert "n" not in carried(n=1)


def test_who_asks_is_told_to_nobody():
    body = carried(user="me", metadata={"a": "b"}, safety_identifier="x", prompt_cache_key="k")
    assert {"user", "metadata", "safety_identifier"} & set(body) == set()
    assert body["prompt_cache_key"] == "k"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_both_names_of_the_maximum_are_read_and_each_server_gets_its_own(name):
    assert carried("gpt", **{name: 7})["max_completion_tokens"] == 7
    assert carried("qwen", **{name: 7})["max_tokens"] == 7


def test_usage_is_always_asked_of_a_stream():
    assert written(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in carried(stream_options={"include_usage": True})


def test_instructions_at_the_beginning_are_the_systems_and_later_ones_stay():
    turns = [
        {"role": "system", "content": "A"},
        {"role": "developer", "content": [{"type": "text", "text": "B"}]},
        {"role": "user", "content": "Hi"},
        {"role": "developer", "content": "C"},
    ]
    asked = read(messages=turns)
    assert asked.system == (Text("A"), Text("B"))
    assert asked.messages[1] == Message(Role.SYSTEM, (Text("C"),))
    assert [turn["role"] for turn in carried("gpt", messages=turns)["messages"]] == [
        *("system", "user", "system")
    ]


def test_strict_templates_see_one_system_message_and_turns_that_alternate():
    turns = turns_of("qwen", *HELLO, Message(Role.SYSTEM, (Text("Brief"),)), *HELLO)
    assert [turn["role"] for turn in turns] == ["user"]
    assert turns[0]["content"][1]["text"] == "<system>\nBrief\n</system>"


def test_a_result_has_text_only_and_says_that_it_failed():
    call = Message(Role.ASSISTANT, (ToolCall("a", "look", ""), ToolCall("b", "look", "{}")))
    image = Image("image/png", "AA==")
    results = Message(
        Role.USER,
        (ToolResult("a", (Text("x"), image), name="look"), ToolResult("b", (Text("y"),), True)),
    )
    _, model, first, second, extra = turns_of("gpt", *HELLO, call, results)
    assert model["tool_calls"][0]["function"]["arguments"] == "{}"
    assert model["content"] is None
    assert first == {"role": "tool", "tool_call_id": "a", "content": "x"}
    assert second["content"] == "The tool failed:\ny"
    assert extra["role"] == "user"
    assert extra["content"][0]["text"] == "From the result of the tool look:"
    assert extra["content"][1]["image_url"]["url"] == "data:image/png;base64,AA=="


def test_an_instruction_between_a_call_and_its_result_waits():
    turns = turns_of(
        "gpt",
        *HELLO,
        Message(Role.ASSISTANT, (ToolCall("a", "t", "{}"),)),
        Message(Role.SYSTEM, (Text("Brief"),)),
        Message(Role.USER, (ToolResult("a", (Text("x"),)),)),
    )
    assert [turn["role"] for turn in turns] == ["user", "assistant", "tool", "user"]


def test_files_sound_and_images_are_said_in_their_ways():
    parts = (
        Image(url="https://example.org/a.png", detail="low"),
        Document("application/pdf", "AA==", name="a.pdf"),
        Document("audio/wav", "AA=="),
        Document("text/plain", "YQ==", name="a.txt"),
        Document("application/pdf", url="https://example.org/a.pdf"),
    )
    (turn,) = turns_of("gpt", Message(Role.USER, parts))
    assert [part["type"] for part in turn["content"]] == [
        *("image_url", "file", "input_audio", "text", "text")
    ]
    asked = read(messages=[turn])
    assert asked.messages[0].blocks[:3] == parts[:3]


def test_past_arguments_that_are_no_json_are_wrapped_and_read_back():
    turn = Message(Role.ASSISTANT, (ToolCall("a", "t", '{"x": '),))
    (_, told) = turns_of("qwen", *HELLO, turn)
    arguments = told["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"malformed_arguments": '{"x": '}
    assert read(messages=[told]).messages == (turn,)


def test_a_choice_of_allowed_tools_leaves_only_these():
    tools = [{"type": "function", "function": {"name": name}} for name in ("a", "b")]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": tools[1:]}}
    asked = read(tools=tools, tool_choice=choice)
    assert asked.tool_choice == ToolChoice("any")
    assert [tool.name for tool in asked.tools] == ["b"]


@pytest.mark.parametrize(
    ("choice", "told", "parallel"),
    [
        (ToolChoice("auto"), "auto", None),
        (ToolChoice("auto", parallel=False), None, False),
        (ToolChoice("any", parallel=True), "required", True),
        (ToolChoice("none"), "none", None),
        (ToolChoice("tool", "t"), {"type": "function", "function": {"name": "t"}}, None),
    ],
)
def test_the_choice_of_tools_and_the_parallel_switch_are_worded(choice, told, parallel):
    body = written(tools=(Tool("t"),), tool_choice=choice)
    assert body.get("tool_choice") == told
    assert body.get("parallel_tool_calls") is parallel
    fields = {"tool_choice": told, "parallel_tool_calls": parallel}
    assert read(**fields).tool_choice == choice


def test_a_tool_is_strict_only_if_its_schema_is_exact():
    exact, loose = Tool("a", schema=CLOSED, strict=True), Tool("b", schema=SCHEMA, strict=True)
    told = [tool["function"].get("strict") for tool in written(tools=(exact, loose))["tools"]]
    assert told == [True, None]


def test_a_tool_without_properties_gets_a_valid_schema():
    (tool,) = written(tools=(Tool("now"),))["tools"]
    assert tool["function"]["parameters"] == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("family", "model", "wish", "effort"),
    [
        ("gpt", "gpt-5.4", Reasoning("high"), "high"),
        ("gpt", "gpt-5.4", Reasoning("max"), "high"),
        ("gpt", "gpt-5.4", Reasoning(budget_tokens=2000), "low"),
        ("gpt", "gpt-5.4", Reasoning(budget_tokens=0), "none"),
        ("gpt", "gpt-5-mini", Reasoning(budget_tokens=0), "minimal"),
        ("gpt", "o3", Reasoning(budget_tokens=0), "low"),
        ("qwen", "qwen3", Reasoning("minimal"), "low"),
        ("qwen", "qwen3", Reasoning(adaptive=True), None),
    ],
)
def test_an_effort_is_named_as_the_model_knows_it(family, model, wish, effort):
    assert written(family, model=model, reasoning=wish).get("reasoning_effort") == effort


@pytest.mark.parametrize(
    ("fields", "wish"),
    [
        ({"reasoning_effort": "none"}, Reasoning(budget_tokens=0)),
        ({"reasoning_effort": "high"}, Reasoning("high")),
        ({"reasoning": {"max_tokens": 2000}}, Reasoning("", 2000)),
        ({"reasoning": {"enabled": False}}, Reasoning(budget_tokens=0)),
        ({}, None),
    ],
)
def test_an_effort_is_understood(fields, wish):
    assert read(**fields).reasoning == wish


def test_openais_reasoning_models_get_no_temperature():
    wishes = {"temperature": 0.5, "top_p": 0.5, "stop": ("x",), "max_tokens": 5}
    assert {"temperature", "top_p", "stop"} & set(
        written("gpt", model="gpt-5.4", **wishes)
    ) == set()
    assert written("gpt", model="gpt-4.1", **wishes)["stop"] == ["x"]


def test_a_shape_is_a_response_format():
    told = {"type": "json_schema", "json_schema": {"name": "a", "schema": CLOSED, "strict": True}}
    assert carried(response_format=told)["response_format"] == told
    assert read(response_format={"type": "json_object"}).shape == Shape()
    assert read(response_format={"type": "text"}).shape is None


def test_json_without_a_schema_is_also_said_in_words():
    body = written(shape=Shape(), system=(Text("You are kind."),))
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in body["messages"][0]["content"]
    body = written("deepseek", shape=Shape(CLOSED))
    assert body["response_format"] == {"type": "json_object"}
    assert '"path"' in body["messages"][0]["content"]


def test_reasoning_goes_back_only_to_its_own_family():
    turn = Message(Role.ASSISTANT, (Thinking("hm", "", "chat:kimi"), Text("x")))
    assert turns_of("kimi", *HELLO, turn)[1]["reasoning_content"] == "hm"
    assert "reasoning_content" not in turns_of("qwen", *HELLO, turn)[1]
    sealed = Message(Role.ASSISTANT, (Thinking("hm", "sig", "chat:claude"), Text("x")))
    (detail,) = turns_of("claude", *HELLO, sealed)[1]["reasoning_details"]
    assert detail["signature"] == "sig"


def test_a_tool_of_openais_own_is_passed_on_within_the_dialect():
    custom = {"type": "custom", "custom": {"name": "c", "description": "d"}}
    assert carried(tools=[custom])["tools"] == [custom]
    bash = Tool("bash", builtin={"type": "bash_20250124", "name": "bash"}, origin="anthropic")
    assert "tools" not in written(tools=(bash,), tool_choice=ToolChoice("any"))


@pytest.mark.parametrize(
    "fields",
    [
        {"model": ""},
        {"messages": {}},
        {"messages": [{"role": "function", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        {"messages": [{"role": "assistant", "tool_calls": "x"}]},
        {"tools": [{"type": "function"}]},
        {"tool_choice": "some"},
        {"temperature": "hot"},
        {"stop": [1]},
    ],
)
def test_a_request_that_breaks_the_dialect_is_malformed(fields):
    with pytest.raises(Malformed):
        read(**fields)
