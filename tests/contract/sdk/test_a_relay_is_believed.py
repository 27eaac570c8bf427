"""Where client and provider speak the same dialect, bytes are handed on: nothing may be missing."""

from __future__ import annotations

import pytest

from tests.contract.sdk.clients import GOOGLES, talking
from tests.contract.sdk.house import IDS, TOKEN, no_refusals, open_house, provider
from tests.contract.sdk.talks import Result, Terms, Tool

pytestmark = pytest.mark.filterwarnings(GOOGLES)
USAGE = {"input": 500, "output": 90, "cache_read": 300, "reasoning": 40}


@pytest.fixture
async def relays(fake_provider, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "sk-of-the-provider")
    models = "".join(
        provider(name, fake_provider.at(name), name, transport="relay") for name in IDS
    )
    async with open_house(tmp_path, models) as house:
        yield house


@pytest.mark.parametrize("dialect", IDS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_through_a_relay(fake_provider, relays, dialect, stream):
    call = {"call": "read", "arguments": {"path": "a" * 500}}
    told = {"thinking": "Hm.", "text": "So.", "calls": [call, call], "usage": USAGE}
    comments = dialect != "gemini"  # Google's client cannot read them
    await fake_provider.answer(told | {"comments": comments})
    terms = Terms(model=dialect, tools=(Tool("read"),), think=True, stream=stream)
    async with talking(dialect, relays.url, TOKEN, terms) as talk:
        heard = await talk.say("go", pictures=1)
        assert (heard.thinking, heard.text, heard.stop) == ("Hm.", "So.", "tool_use")
        assert [one.arguments for one in heard.calls] == [call["arguments"]] * 2
        assert (heard.input, heard.output, heard.cached) == (500, 90, 300)
        after = await talk.answer(*(Result(one, "the file") for one in heard.calls))
        assert "the file" in after.text
    await no_refusals(fake_provider)
    log = await fake_provider.log()
    assert {one["model"] for one in log} == {IDS[dialect][0]}
    assert {one["key"] for one in log} == {"sk-of-the-provider"}
    assert TOKEN not in str(log)
    first = (await relays.settled())[0]
    assert (first["input"], first["output"], first["cache_read"]) == (500, 90, 300)
