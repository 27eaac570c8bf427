"""From a client of one dialect to a provider that only LiteLLM speaks to: the whole way."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.unit.actors.routing.kit import TOKEN, House, ok, until
from tests.unit.actors.transports.upstream import upstream

CATALOGUE = """
[providers.lama]
preset = "litellm"
litellm_prefix = "ollama_chat/"
url = "{url}"
[[models]]
provider = "lama"
name = "lama"
tier = "mid"
input_usd = 1.0
output_usd = 2.0
"""
ASK = {
    "model": "lama",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "who are you?"}],
}


@pytest.fixture
async def house(tmp_path):
    made = House(tmp_path / "home")
    yield made
    await made.close()


async def test_anthropic_s_messages_reach_ollama_s_own_api_through_litellm(house):
    async with upstream() as served:
        house.home.models.write_text(CATALOGUE.format(url=served.url))
        router = await house.ready()
        url = ok(await router.query("gateway.where", {}))["url"]
        async with aiohttp.ClientSession(url, headers={"x-api-key": TOKEN}) as client:
            await whole(client)
            await streamed(client)
        asked = [one["messages"][0]["content"] for one in served.asked]
        assert asked == ["who are you?", "who are you?"]
        await until(lambda: _shipped(house), "two shipped calls")
        for call in house.desk.calls:
            assert (call["provider"], call["ok"], call["usd"]) == (
                "lama", True, pytest.approx(13e-6),
            )  # fmt: skip


async def whole(client):
    async with client.post("/v1/messages", json=ASK) as answer:
        body = await answer.json()
        assert answer.status == 200, body
        assert answer.headers["x-helio-provider"] == "lama"
    assert body["content"] == [{"type": "text", "text": "hello from a lama"}]
    assert (body["usage"]["input_tokens"], body["usage"]["output_tokens"]) == (5, 4)


async def streamed(client):
    async with client.post("/v1/messages", json=ASK | {"stream": True}) as answer:
        lines = (await answer.text()).splitlines()
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    text = "".join(
        one["delta"].get("text", "") for one in told if one["type"] == "content_block_delta"
    )
    assert text == "hello from a lama"
    assert told[-1]["type"] == "message_stop"


async def _shipped(house):
    return len(house.desk.calls) == 2
