"""End to end through `litellm.acompletion`, to providers whose dialects nobody else here speaks:
Cohere's, with tools, and Ollama's own, as a stream. (LiteLLM 1.106.2 cannot read Cohere's streams.)
"""

from __future__ import annotations

import pytest

from tests.contract.sdk.clients import CLIENTS, GOOGLES, talking
from tests.contract.sdk.house import TOKEN, no_refusals, open_house
from tests.contract.sdk.talks import Result, Terms, Tool

pytestmark = pytest.mark.filterwarnings(GOOGLES)
MODEL = """
[providers.{name}]
dialect = "chat"
url = "{url}"
transport = "litellm"
litellm_prefix = "{prefix}"
keys = ["env:FAKE_KEY"]

[[models]]
name = "{name}"
provider = "{name}"
id = "{name}-fake"
family = "{name}"
tier = "mid"
input_usd = 1.0
output_usd = 2.0

"""
USAGE = {"input": 120, "output": 30}


async def test_providers_that_only_litellm_speaks_to(fake_provider, tmp_path, monkeypatch):
    """One house and one process of LiteLLM for all clients: its start is what takes the time."""
    monkeypatch.setenv("FAKE_KEY", "sk-of-the-provider")
    far = MODEL.format(name="far", url=fake_provider.at("far") + "/v2/chat", prefix="cohere/")
    near = MODEL.format(name="near", url=fake_provider.at("near"), prefix="ollama_chat/")
    async with open_house(tmp_path, far + near) as house:
        for client in CLIENTS:
            await tools_are_called(fake_provider, house.url, client)
            await fake_provider.answer({"text": "one two three", "usage": USAGE}, door="near")
            async with talking(client, house.url, TOKEN, Terms(model="near", stream=True)) as talk:
                heard = await talk.say("hi")
            assert (heard.text, heard.stop) == ("one two three", "end")
            assert (heard.input, heard.output) == (120, 30)
        await no_refusals(fake_provider)
        log = await fake_provider.log()
        assert {one["dialect"] for one in log} == {"cohere", "ollama"}
        calls = await house.settled()
    assert len(log) == len(calls) == 3 * len(CLIENTS)
    assert "hk-" not in str(log)
    assert [one["fault"] for one in calls if not one["ok"]] == []
    assert calls[0]["usd"] == pytest.approx((120 * 1.0 + 30 * 2.0) / 1e6)


async def tools_are_called(fake_provider, url: str, client: str) -> None:
    call = {"call": "read", "arguments": {"path": "a"}}
    await fake_provider.answer({"calls": [call, call], "usage": USAGE}, door="far")
    terms = Terms(model="far", tools=(Tool("read"),))
    async with talking(client, url, TOKEN, terms) as talk:
        heard = await talk.say("go")
        assert [one.arguments for one in heard.calls] == [{"path": "a"}] * 2
        assert (heard.input, heard.output, heard.stop) == (120, 30, "tool_use")
        after = await talk.answer(*(Result(one, "the file") for one in heard.calls))
        assert "the file" in after.text
