"""Requests in Anthropic's dialect, one wish at a time."""

from __future__ import annotations

from dataclasses import replace

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
from routing.translate.anthropic import AnthropicDialect
from routing.translate.dialect import Malformed
from tests.unit.routing.translate.kit import SCHEMA

FACE = AnthropicDialect()
HELLO = (Message(Role.USER, (Text("Hello"),)),)
OLD, NEW = "claude-sonnet-4-5", "claude-opus-5"


def ask(**wishes) -> Ask:
    return Ask(**{"model": OLD, "messages": HELLO, "origin": "chat", **wishes})


def written(family: str = "claude", **wishes) -> dict:
    return FACE.write_request(ask(**wishes), family)


def read(**fields) -> Ask:
    return FACE.read_request({"model": "m", "messages": [], **fields})


def carried(**fields) -> dict:
    """What a provider gets of a client's request in the same dialect."""
    body = {"model": OLD, "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
    return FACE.write_request(FACE.read_request({**body, **fields}), "claude")


def test_who_asks_is_told_to_nobody():
    body = carried(metadata={"user_id": "device-1"}, user_profile_id="p", workspace_id="w")
    assert {"metadata", "user_profile_id", "workspace_id"} & set(body) == set()


def test_what_only_this_dialect_knows_reaches_a_provider_of_it():
    edits = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    assert carried(context_management=edits, service_tier="auto")["context_management"] == edits
    asked = replace(ask(origin="anthropic", extras={"service_tier": "auto"}), origin="gemini")
    assert "service_tier" not in FACE.write_request(asked, "claude")


def test_cache_marks_stay_where_they_were():
    mark = {"type": "ephemeral", "ttl": "1h"}
    tool = {"name": "t", "input_schema": SCHEMA, "cache_control": mark}
    result = {"type": "tool_result", "tool_use_id": "a", "cache_control": mark}
    text = {"type": "text", "text": "x", "cache_control": mark}
    source = {"type": "url", "url": "https://example.org/a.png"}
    image = {"type": "image", "source": source, "cache_control": mark}
    body = carried(
        system=[text], tools=[tool], messages=[{"role": "user", "content": [result, text, image]}]
    )
    marked = [*body["system"], *body["tools"], *body["messages"][0]["content"]]
    assert [part["cache_control"] for part in marked] == [mark] * 5


def test_fields_of_a_tool_that_others_lack_come_through():
    tool = {"name": "t", "input_schema": SCHEMA, "defer_loading": True, "strict": True}
    assert carried(tools=[tool])["tools"] == [tool]


def test_a_tool_of_anthropics_own_is_passed_on_only_to_anthropic():
    bash = {"type": "bash_20250124", "name": "bash"}
    assert carried(tools=[bash])["tools"] == [bash]
    foreign = Tool("grep", builtin={"type": "grep"}, origin="responses")
    assert "tools" not in written(tools=(foreign,), tool_choice=ToolChoice("any"))


def test_a_tool_without_properties_gets_a_valid_schema():
    (tool,) = written(tools=(Tool("now"),))["tools"]
    assert tool == {"name": "now", "input_schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none", parallel=False), {"type": "none"}),
        (ToolChoice("any", parallel=False), {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("tool", "t"), {"type": "tool", "name": "t"}),
    ],
)
def test_the_choice_of_tools_and_the_parallel_switch_are_worded(choice, told):
    assert written(tools=(Tool("t"),), tool_choice=choice)["tool_choice"] == told
    assert read(tool_choice=told).tool_choice == replace(
        choice, parallel=None if choice.mode == "none" else choice.parallel
    )


def test_a_maximum_of_tokens_is_always_said():
    assert written()["max_tokens"] == 8192
    assert written(max_tokens=5)["max_tokens"] == 5


def test_results_of_tools_come_before_words_and_in_one_turn():
    calls = (ToolCall("a", "t", "{}"), ToolCall("b", "t", "{}"))
    turns = (
        *HELLO,
        Message(Role.ASSISTANT, calls),
        Message(Role.USER, (ToolResult("a", (Text("1"),)),)),
        Message(Role.USER, (Text("and now"), ToolResult("b", is_error=True))),
    )
    content = written(messages=turns)["messages"][2]["content"]
    assert [part["type"] for part in content] == ["tool_result", "tool_result", "text"]
    assert content[1]["is_error"] is True


def test_empty_words_are_left_out_and_a_conversation_begins_with_the_user():
    turns = (Message(Role.ASSISTANT, (Text("Hi"), Text(" "))), Message(Role.USER, (Text(""),)))
    assert [turn["role"] for turn in written(messages=turns)["messages"]] == ["user", "assistant"]


def test_an_answer_that_is_begun_for_the_model_ends_without_white_space():
    turns = (*HELLO, Message(Role.ASSISTANT, (Text("So: \n"),)))
    assert written(messages=turns)["messages"][-1]["content"][0]["text"] == "So:"


def test_a_later_instruction_keeps_its_role_where_the_model_knows_it():
    turns = (*HELLO, Message(Role.SYSTEM, (Text("Be brief"),)))
    assert written(model=NEW, messages=turns)["messages"][1]["role"] == "system"
    (turn,) = written(messages=turns)["messages"]
    assert turn["content"][1]["text"] == "<system>\nBe brief\n</system>"
    (turn,) = written(model=NEW, messages=(*turns, *HELLO))["messages"]
    assert [part["type"] for part in turn["content"]] == ["text"] * 3


def test_documents_and_images_are_said_in_their_ways():
    parts = (
        Image("image/png", "AA=="),
        Image(url="https://example.org/a.png"),
        Document("application/pdf", "AA==", name="a.pdf"),
        Document("text/csv", "YSxi", name="a.csv"),
        Document("audio/wav", "AA=="),
    )
    content = written(messages=(Message(Role.USER, parts),))["messages"][0]["content"]
    assert [part.get("source", {}).get("type") for part in content] == [
        *("base64", "url", "base64", "text", None)
    ]
    assert content[3]["source"]["data"] == "a,b"
    assert "audio/wav" in content[4]["text"]


def test_an_image_in_a_result_stays_in_it():
    source = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    result = {"type": "tool_result", "tool_use_id": "a", "content": [
        {"type": "text", "text": "x"}, {"type": "image", "source": source}]}  # fmt: skip
    body = carried(messages=[{"role": "user", "content": [result]}])
    assert body["messages"][0]["content"] == [result]


def test_a_result_learns_the_name_of_its_tool():
    call = {"type": "tool_use", "id": "a", "name": "ls", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": "x"}
    turns = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    assert read(messages=turns).messages[1].blocks[0].name == "ls"


@pytest.mark.parametrize(
    ("model", "wish", "thinking", "effort"),
    [
        (OLD, Reasoning("high"), {"type": "enabled", "budget_tokens": 24_576}, None),
        (OLD, Reasoning(budget_tokens=2000), {"type": "enabled", "budget_tokens": 2000}, None),
        (OLD, Reasoning(budget_tokens=0), {"type": "disabled"}, None),
        (NEW, Reasoning("xhigh"), {"type": "adaptive"}, "xhigh"),
        (NEW, Reasoning("minimal"), {"type": "adaptive"}, "low"),
        (NEW, Reasoning(budget_tokens=2000), {"type": "adaptive"}, "low"),
        (NEW, Reasoning(budget_tokens=0), None, None),
    ],
)
def test_thinking_is_asked_for_in_the_words_that_the_model_knows(model, wish, thinking, effort):
    body = written(model=model, reasoning=wish, max_tokens=60_000)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


def test_a_budget_stays_below_the_maximum_or_is_left_out():
    assert (
        written(reasoning=Reasoning("high"), max_tokens=4000)["thinking"]["budget_tokens"] == 2000
    )
    assert "thinking" not in written(reasoning=Reasoning("high"), max_tokens=1000)


def test_thinking_display_and_effort_alone_are_kept_for_those_who_said_them():
    thinking = {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}
    assert carried(thinking=thinking, max_tokens=5000)["thinking"] == thinking
    body = carried(output_config={"effort": "max"})
    assert body["output_config"] == {"effort": "max"}
    assert "thinking" not in body


def test_a_loop_whose_thinking_is_gone_goes_on_without_a_budget():
    foreign = Thinking("hm", "s", "chat:deepseek")
    loop = (
        *HELLO,
        Message(Role.ASSISTANT, (foreign, ToolCall("a", "t", "{}"))),
        Message(Role.USER, (ToolResult("a"),)),
    )
    wishes = {"messages": loop, "reasoning": Reasoning(budget_tokens=2000), "tools": (Tool("t"),)}
    assert "thinking" not in written(**wishes)
    own = replace(loop[1], blocks=(Thinking("hm", "s", "anthropic:claude"), loop[1].blocks[1]))
    assert "thinking" in written(**{**wishes, "messages": (loop[0], own, loop[2])})


def test_a_call_that_must_be_made_leaves_no_room_for_thinking():
    wishes = {"tools": (Tool("t"),), "tool_choice": ToolChoice("any")}
    assert "thinking" not in written(reasoning=Reasoning("high"), max_tokens=60_000, **wishes)


def test_temperature_is_said_only_where_it_is_taken():
    assert written(temperature=1.7, top_p=0.5)["temperature"] == 1
    assert "top_p" not in written(temperature=1.7, top_p=0.5)
    assert written(family="glm", temperature=0.5, top_p=0.5)["top_p"] == 0.5
    assert "temperature" not in written(model=NEW, temperature=0.5)
    thinks = {"reasoning": Reasoning("low"), "max_tokens": 9000}
    assert "temperature" not in written(temperature=0.5, **thinks)


def test_a_closed_schema_is_held_by_the_decoder():
    output = written(shape=Shape(SCHEMA))["output_config"]["format"]
    assert output == {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}}
    assert read(output_config={"format": output}).shape == Shape(output["schema"])


OPEN = {"type": "object", "additionalProperties": {"type": "string"}}


def test_an_open_schema_becomes_a_tool_that_must_be_called():
    body = written(shape=Shape(OPEN))
    assert body["tools"][0]["name"] == "helio_answer"
    assert body["tool_choice"] == {"type": "tool", "name": "helio_answer"}
    body = written(shape=Shape(OPEN), tools=(Tool("t"),))
    assert body["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize(
    "wish", [{"shape": Shape()}, {"shape": Shape(OPEN), "reasoning": Reasoning("low")}]
)
def test_a_shape_that_cannot_be_forced_is_said_in_words(wish):
    assert "JSON" in written(**wish)["system"][-1]["text"]


@pytest.mark.parametrize(
    "fields",
    [
        {"model": None},
        {"messages": "no"},
        {"messages": [1]},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
        {"tools": [{"name": "t", "input_schema": "x"}]},
        {"tool_choice": {"type": "some"}},
        {"max_tokens": "5"},
    ],
)
def test_a_request_that_breaks_the_dialect_is_malformed(fields):
    with pytest.raises(Malformed):
        read(**fields)


def test_unknown_blocks_are_passed_over():
    blocks = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "new"},
    ]
    assert read(messages=[{"role": "assistant", "content": blocks}]).messages[0].blocks == ()
