"""The official clients judge the gateway: every client's dialect over every provider's."""

from __future__ import annotations

import pytest

from tests.contract.sdk.clients import CLIENTS, GOOGLES, talking
from tests.contract.sdk.house import IDS, TOKEN, no_refusals
from tests.contract.sdk.talks import Heard, Result, Terms, Tool

pytestmark = pytest.mark.filterwarnings(GOOGLES)
PAIRS = [(client, dialect) for client in CLIENTS for dialect in IDS]
DIRECTIONS = [
    pytest.param(client, dialect, stream, id=f"{client}-on-{dialect}-{how}")
    for client, dialect in PAIRS
    for how, stream in (("whole", False), ("stream", True))
]
TOOLS = (Tool("write"), Tool("read"))
LONG = "".join(f'line {at}: "quoted" \\ and ünï\n' for at in range(300))
USAGE = {"input": 500, "output": 90, "cache_read": 300, "reasoning": 40}


@pytest.mark.parametrize(("client", "dialect", "stream"), DIRECTIONS)
async def test_words_pictures_and_usage_arrive(fake_provider, house, client, dialect, stream):
    await fake_provider.answer({"text": "Two words: ünï 🙂.", "usage": USAGE})
    terms = Terms(model=dialect, stream=stream, system="Be brief.")
    async with talking(client, house.url, TOKEN, terms) as talk:
        heard = await talk.say("what is this?", pictures=2)
        after = await talk.say("and now?")
    assert (heard.text, heard.stop) == ("Two words: ünï 🙂.", "end")
    assert (heard.input, heard.output, heard.cached) == (500, 90, 300)
    assert after.text == "echo: and now?"
    await no_refusals(fake_provider)
    first, second = await fake_provider.log()
    assert first["door"] == dialect
    assert first["key"] == "sk-of-the-provider"
    assert str(first["body"]).count("iVBORw0KGgo") == 2
    assert "Be brief." in str(second["body"])
    call = (await house.settled())[0]
    assert call["usd"] == pytest.approx((200 * 1.0 + 300 * 0.1 + 90 * 10.0) / 1e6)


@pytest.mark.parametrize(("client", "dialect", "stream"), DIRECTIONS)
async def test_tools_are_called_at_once_and_answered(fake_provider, house, client, dialect, stream):
    calls = [
        {"call": "write", "arguments": {"path": "a/b.txt", "text": LONG}},
        {"call": "read", "arguments": {"path": "c"}},
        {"call": "read", "arguments": {"path": "d"}},
    ]
    await fake_provider.answer({"text": "I look.", "calls": calls, "interleave": True})
    again = [{"call": "read", "arguments": {"path": "e"}}]
    await fake_provider.answer({"calls": again})
    terms = Terms(model=dialect, stream=stream, tools=TOOLS)
    async with talking(client, house.url, TOKEN, terms) as talk:
        heard = await talk.say("go")
        assert (heard.text, heard.stop) == ("I look.", "tool_use")
        assert told(heard) == [(one["call"], one["arguments"]) for one in calls]
        assert len({one.id for one in heard.calls}) == 3
        results = [Result(one, f"result {at}", error=at == 1) for at, one in enumerate(heard.calls)]
        more = await talk.answer(*results)
        assert told(more) == [("read", {"path": "e"})]
        last = await talk.answer(Result(more.calls[0], "the end"))
    assert "the end" in last.text
    assert last.stop == "end"
    await no_refusals(fake_provider)
    bodies = [str(one["body"]) for one in await fake_provider.log()]
    assert all(f"result {at}" in bodies[1] for at in range(3))


@pytest.mark.parametrize(("client", "dialect", "stream"), DIRECTIONS)
async def test_thinking_is_shown_and_goes_back_to_who_thought_it(
    fake_provider, house, client, dialect, stream
):
    call = {"call": "read", "arguments": {"path": "a"}}
    thought = {"thinking": "Let me see, step by step.", "text": "So.", "calls": [call]}
    await fake_provider.answer(thought)
    terms = Terms(model=dialect, stream=stream, tools=TOOLS, think=True)
    async with talking(client, house.url, TOKEN, terms) as talk:
        heard = await talk.say("think")
        assert heard.thinking == "Let me see, step by step."
        assert (heard.text, told(heard)) == ("So.", [("read", {"path": "a"})])
        after = await talk.answer(Result(heard.calls[0], "the file"))
        assert "the file" in after.text
        final = await talk.say("thanks")
        assert final.text == "echo: thanks"
    await no_refusals(fake_provider)


def told(heard: Heard) -> list[tuple[str, object]]:
    return [(one.name, one.arguments) for one in heard.calls]
