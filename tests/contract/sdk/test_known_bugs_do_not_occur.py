"""What is known to break in translation elsewhere (LiteLLM 1.106.2 and claude-code-router, by
their issues and by trial) does not break here: one test a bug, through official clients."""

from __future__ import annotations

import json
from itertools import pairwise

import anthropic
import openai
import pytest

from tests.contract.sdk.clients import CLIENTS, GOOGLES, talking
from tests.contract.sdk.house import IDS, TOKEN, no_refusals, open_house, provider
from tests.contract.sdk.talks import Result, Terms, Tool

pytestmark = pytest.mark.filterwarnings(GOOGLES)
OTHERS = ("chat", "responses", "gemini")
READ = {
    "name": "read",
    "description": "Reads.",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
}


@pytest.fixture
async def claude(house):
    async with anthropic.AsyncAnthropic(base_url=house.url, api_key=TOKEN, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("dialect", IDS)
async def test_a_failed_tool_is_still_known_to_have_failed(fake_provider, claude, dialect):
    """is_error of a tool_result was lost on the way to chat completions."""
    said = {"role": "user", "content": "go"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such file"}
    bodies = []
    for wrong in (False, True):
        messages = [
            said,
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result | {"is_error": wrong}]},
        ]
        await claude.messages.create(model=dialect, max_tokens=100, tools=[READ], messages=messages)
        bodies.append(json.dumps((await fake_provider.last())["body"], sort_keys=True))
    assert "no such file" in bodies[1]
    assert bodies[0] != bodies[1]
    await no_refusals(fake_provider)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_broken_arguments_do_not_break_the_answer(fake_provider, house, client, stream):
    """Arguments that are no JSON made the whole request fail."""
    call = {"call": "read", "arguments": '{"path": "a'}
    await fake_provider.answer({"text": "So.", "calls": [call]})
    terms = Terms(model="chat", tools=(Tool("read"),), stream=stream)
    async with talking(client, house.url, TOKEN, terms) as talk:
        heard = await talk.say("go")
        assert heard.text == "So."
        assert [one.name for one in heard.calls] == ["read"]
        after = await talk.answer(Result(heard.calls[0], "that was no JSON"))
        assert "that was no JSON" in after.text
    await no_refusals(fake_provider)


@pytest.mark.parametrize("dialect", OTHERS)
async def test_what_only_anthropic_knows_stays_there(fake_provider, claude, dialect):
    """metadata.user_id was told to third parties; cache_control and built-in tools leaked."""
    mark = {"type": "ephemeral", "ttl": "1h"}
    text = {"type": "text", "text": "hi", "cache_control": mark}
    await claude.messages.create(
        model=dialect,
        max_tokens=100,
        metadata={"user_id": "user_device_session"},
        system=[{"type": "text", "text": "Be brief.", "cache_control": mark}],
        tools=[READ | {"cache_control": mark}, {"type": "bash_20250124", "name": "bash"}],
        messages=[{"role": "user", "content": [text]}],
    )
    body = json.dumps((await fake_provider.last())["body"])
    for word in ("user_device_session", "cache_control", "ephemeral", "bash"):
        assert word not in body
    assert "read" in body
    await no_refusals(fake_provider)


async def test_what_anthropic_knows_arrives_there(fake_provider, claude):
    mark = {"type": "ephemeral", "ttl": "1h"}
    await claude.messages.create(
        model="anthropic",
        max_tokens=100,
        system=[{"type": "text", "text": "Be brief.", "cache_control": mark}],
        tools=[READ | {"cache_control": mark}, {"type": "bash_20250124", "name": "bash"}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": mark}]}
        ],
    )
    body = json.dumps((await fake_provider.last())["body"])
    assert body.count('"ttl": "1h"') == 3
    assert "bash_20250124" in body
    await no_refusals(fake_provider)


@pytest.mark.parametrize("dialect", IDS)
async def test_a_system_message_in_mid_conversation_is_no_second_user(
    fake_provider, claude, dialect
):
    """It became a second consecutive user message, which strict templates refuse."""
    messages = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
        {"role": "system", "content": "The mode is now: plan."},
    ]
    await claude.messages.create(model=dialect, max_tokens=100, messages=messages)
    body = (await fake_provider.last())["body"]
    assert "The mode is now: plan." in json.dumps(body)
    if dialect == "chat":
        roles = [said["role"] for said in body["messages"]]
        assert all(not (a == b == "user") for a, b in pairwise(roles))
    await no_refusals(fake_provider)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("dialect", IDS)
async def test_a_long_or_odd_tool_name_comes_back_as_it_was(fake_provider, house, client, dialect):
    """Names over 64 characters were cut and hashed, and not turned back."""
    name = {"gemini": "files.read:all"}.get(client, "mcp__a_server_of_a_long_name__" + "read_" * 8)
    name = name[: 64 if client == "chat" else 128]
    terms = Terms(model=dialect, tools=(Tool(name), Tool("read")))
    async with talking(client, house.url, TOKEN, terms) as talk:
        await talk.say("look")
        offered = await fake_provider.last()
        shown = name_at(offered["body"], dialect)
        await fake_provider.answer({"calls": [{"call": shown, "arguments": {"path": "a"}}]})
        heard = await talk.say("go")
        assert [one.name for one in heard.calls] == [name]
        after = await talk.answer(Result(heard.calls[0], "done"))
        assert "done" in after.text
    await no_refusals(fake_provider)


def name_at(body: dict, dialect: str) -> str:
    match dialect:
        case "chat":
            return body["tools"][0]["function"]["name"]
        case "gemini":
            return body["tools"][0]["functionDeclarations"][0]["name"]
        case _:
            return body["tools"][0]["name"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("dialect", IDS)
async def test_a_tool_without_properties_is_no_error(fake_provider, house, client, dialect):
    """Schemas without properties, or with words of JSON Schema, were refused by the provider."""
    plain = {"type": "object"}
    if client in {"chat", "responses"}:  # its own provider would refuse less
        plain = {"type": "object", "properties": {}}
    rich = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "mode": {"const": "fast"},
            "size": {"type": ["integer", "null"], "exclusiveMinimum": 0},
            "more": {"type": "object", "additionalProperties": {"type": "string"}},
            "kind": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "item": {"$ref": "#/$defs/item"},
        },
        "$defs": {"item": {"type": "object", "properties": {"a": {"type": "string"}}}},
        "additionalProperties": False,
        "required": ["mode"],
    }
    terms = Terms(model=dialect, tools=(Tool("now", plain), Tool("rich", rich)))
    async with talking(client, house.url, TOKEN, terms) as talk:
        assert (await talk.say("hi")).text == "echo: hi"
    await no_refusals(fake_provider)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("dialect", IDS)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_was_cut_short_says_so(fake_provider, house, client, dialect, stream):
    await fake_provider.answer({"text": "half an ans", "stop": "max_tokens"})
    async with talking(client, house.url, TOKEN, Terms(model=dialect, stream=stream)) as talk:
        heard = await talk.say("go")
    assert (heard.text, heard.stop) == ("half an ans", "max_tokens")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("dialect", IDS)
async def test_the_shape_of_the_answer_is_asked_for(fake_provider, house, client, dialect):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["name", "n"],
        "additionalProperties": False,
    }
    async with talking(client, house.url, TOKEN, Terms(model=dialect, schema=schema)) as talk:
        told = json.loads((await talk.say("go in JSON")).text)
    if dialect == "chat":  # DeepSeek knows JSON but no schema: that is said in words
        body = (await fake_provider.last())["body"]
        assert body["response_format"] == {"type": "json_object"}
        assert "additionalProperties" in json.dumps(body["messages"])
    else:
        assert told == {"name": "text", "n": 1}
    await no_refusals(fake_provider)


async def test_a_picture_in_a_tools_result_is_seen(fake_provider, house):
    """A picture in a tool's result became a warning, or was lost."""
    call = {"call": "read", "arguments": {"path": "a.png"}}
    for dialect in IDS:
        await fake_provider.answer({"calls": [call]}, door=dialect)
        terms = Terms(model=dialect, tools=(Tool("read"),))
        async with talking("anthropic", house.url, TOKEN, terms) as talk:
            heard = await talk.say("look")
            await talk.answer(Result(heard.calls[0], "here", picture=True))
        assert "iVBORw0KGgo" in json.dumps((await fake_provider.last())["body"]), dialect
    await no_refusals(fake_provider)


async def test_sealed_thinking_goes_back_as_it_came(fake_provider, house):
    """Sealed and empty thinking was stripped, so that replayed reasoning was lost."""
    call = {"call": "read", "arguments": {"path": "a"}}
    parts = [{"think": "secret", "sealed": True}, {"think": "open"}, {"say": "So."}, call]
    await fake_provider.answer({"parts": parts})
    terms = Terms(model="anthropic", tools=(Tool("read"),), think=True)
    async with talking("anthropic", house.url, TOKEN, terms) as talk:
        heard = await talk.say("go")
        await talk.answer(Result(heard.calls[0], "ok"))
    kinds = [one["type"] for one in (await fake_provider.last())["body"]["messages"][1]["content"]]
    assert kinds == ["redacted_thinking", "thinking", "text", "tool_use"]
    await no_refusals(fake_provider)


async def test_the_newest_limit_of_tokens_reaches_models_that_reason(fake_provider, house):
    """max_tokens was sent to models that refuse it."""
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=TOKEN) as client:
        await client.chat.completions.create(
            model="responses",
            messages=[{"role": "user", "content": "hi"}],
            max_tokens=77,
            temperature=0.3,
        )
    assert (await fake_provider.last())["body"]["max_output_tokens"] == 77
    await no_refusals(fake_provider)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("dialect", ["chat", "responses"])
async def test_thinking_is_not_asked_of_a_model_that_cannot(
    fake_provider, tmp_path, monkeypatch, client, dialect
):
    """It was sent to models that refuse it, or took the whole request down."""
    monkeypatch.setenv("FAKE_KEY", "sk-of-the-provider")
    models = provider(dialect, fake_provider.url, dialect)
    models = models.replace(IDS[dialect][0], "gpt-4.1-fake").replace(IDS[dialect][1], "gpt")
    async with open_house(tmp_path, models) as house:
        terms = Terms(model=dialect, think=True)
        async with talking(client, house.url, TOKEN, terms) as talk:
            assert (await talk.say("hi")).text == "echo: hi"
    await no_refusals(fake_provider)
