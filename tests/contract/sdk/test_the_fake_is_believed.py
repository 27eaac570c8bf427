"""The official clients believe the fake provider: each dialect directly, nothing in between."""

from __future__ import annotations

import pytest

from tests.contract.sdk.clients import GOOGLES, talking
from tests.contract.sdk.talks import Result, Terms, Tool

pytestmark = pytest.mark.filterwarnings(GOOGLES)
MODELS = {
    "anthropic": "claude-fake",
    "chat": "deepseek-fake",
    "responses": "gpt-5-fake",
    "gemini": "gemini-3-fake",
}
EVERY = [pytest.param(name, stream, id=f"{name}-{'stream' if stream else 'whole'}")
         for name in MODELS for stream in (False, True)]  # fmt: skip
TOOLS = (Tool("write"), Tool("read"))


@pytest.mark.parametrize(("dialect", "stream"), EVERY)
async def test_a_conversation_with_thinking_tools_and_errors(fake_provider, dialect, stream):
    terms = Terms(model=MODELS[dialect], stream=stream, tools=TOOLS, think=True)
    usage = {"input": 500, "output": 90, "cache_read": 300, "reasoning": 40}
    long = "x" * 3000
    calls = [
        {"call": "write", "arguments": {"path": "a", "text": long}},
        {"call": "read", "arguments": {"path": "b"}},
    ]
    told = {"thinking": "Hm, so.", "text": "I write.", "calls": calls, "usage": usage}
    await fake_provider.answer(told)
    async with talking(dialect, fake_provider.url, "k", terms) as talk:
        heard = await talk.say("go", pictures=1)
        assert (heard.thinking, heard.text, heard.stop) == ("Hm, so.", "I write.", "tool_use")
        assert [one.arguments for one in heard.calls] == [call["arguments"] for call in calls]
        assert (heard.input, heard.output, heard.cached) == (500, 90, 300)
        assert heard.served == terms.model
        wrong = [Result(one, f"no {one.name}", error=True) for one in heard.calls]
        after = await talk.answer(*wrong)
        assert "no write" in after.text
        assert after.stop == "end"
    assert [one["outcome"] for one in await fake_provider.log()] == ["ok", "ok"]


@pytest.mark.parametrize("dialect", MODELS)
async def test_an_answer_has_the_shape_that_was_asked_for(fake_provider, dialect):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["name", "n"],
        "additionalProperties": False,
    }
    terms = Terms(model=MODELS[dialect], schema=schema)
    async with talking(dialect, fake_provider.url, "k", terms) as talk:
        assert (await talk.say("go")).text == '{"name": "text", "n": 1}'
