"""A conversation goes on with another provider when the first is closed; nobody reads foreign
thinking, and no client notices more than another model's name."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.contract.sdk.clients import CLIENTS, GOOGLES, talking
from tests.contract.sdk.house import IDS, TOKEN, open_house, provider
from tests.contract.sdk.talks import Result, Terms, Tool

pytestmark = pytest.mark.filterwarnings(GOOGLES)
HANDS = [(client, *pair) for client in CLIENTS for pair in permutations(IDS, 2)]
THOUGHT = "First thought."


@pytest.fixture
async def pair(fake_provider, tmp_path, monkeypatch, first, second):
    monkeypatch.setenv("FAKE_KEY", "sk-of-the-provider")
    models = "".join(provider(name, fake_provider.at(name), name) for name in (first, second))
    models += f'[falls_to]\n{first} = ["{second}"]\n'
    async with open_house(tmp_path, models) as house:
        yield house


@pytest.mark.parametrize(("client", "first", "second"), HANDS)
async def test_tools_and_thinking_survive_the_change(fake_provider, pair, client, first, second):
    call = {"call": "read", "arguments": {"path": "a"}}
    told = {"thinking": THOUGHT, "text": "I look.", "calls": [call, call]}
    await fake_provider.answer(told, door=first)
    terms = Terms(model=first, tools=(Tool("read"),), think=True)
    async with talking(client, pair.url, TOKEN, terms) as talk:
        heard = await talk.say("go")
        assert len(heard.calls) == 2
        await fake_provider.fault(
            {"status": 429, "style": "retry-after", "reset_s": 60}, door=first
        )
        results = [Result(one, f"result {at}") for at, one in enumerate(heard.calls)]
        after = await talk.answer(*results)
        assert "result 1" in after.text
        again = await talk.say("and now?")
        assert again.text == "echo: and now?"
    log = await fake_provider.log()
    assert [(one["door"], one["outcome"]) for one in log] == [
        (first, "ok"),
        (first, "scripted"),
        (second, "ok"),
        (second, "ok"),
    ]
    assert THOUGHT not in str([one["body"] for one in log[2:]])
    assert "helio:" not in str([one["body"] for one in log])
