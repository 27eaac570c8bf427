"""The smaller endpoints, through the official clients: lists, counts, embeddings, transcripts."""

from __future__ import annotations

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.contract.sdk.clients import GOOGLES
from tests.contract.sdk.house import IDS, TOKEN, open_house

pytestmark = pytest.mark.filterwarnings(GOOGLES)
BESIDE = """
[[models]]
name = "vectors"
provider = "{door}"
id = "embed-fake"
family = "fake"
tier = "embed"
dimensions = 8
input_usd = 0.1
output_usd = 0.0

[[models]]
name = "ears"
provider = "{door}"
id = "whisper-fake"
family = "fake"
tier = "audio"
input_usd = 0.1
output_usd = 0.0
"""


@pytest.fixture
async def beside(fake_provider, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "sk-of-the-provider")
    head = f'[providers.up]\ndialect = "chat"\nurl = "{fake_provider.at("up")}"\n'
    head += 'transport = "direct"\nkeys = ["env:FAKE_KEY"]\n'
    async with open_house(tmp_path, head + BESIDE.format(door="up")) as house:
        yield house


async def test_each_client_lists_the_models(house):
    async with anthropic.AsyncAnthropic(base_url=house.url, api_key=TOKEN) as client:
        assert set(IDS) <= {model.id async for model in client.models.list()}
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=TOKEN) as client:
        assert set(IDS) <= {model.id async for model in client.models.list()}
    client = genai.Client(api_key=TOKEN, http_options=types.HttpOptions(base_url=house.url))
    listed = await client.aio.models.list()
    assert set(IDS) <= {str(model.name).removeprefix("models/") async for model in listed}
    await client.aio.aclose()
    client.close()


async def test_tokens_are_counted_without_asking_anybody(fake_provider, house):
    said = [{"role": "user", "content": "one two three four " * 50}]
    async with anthropic.AsyncAnthropic(base_url=house.url, api_key=TOKEN) as client:
        counted = await client.messages.count_tokens(model="anthropic", messages=said)
        assert 100 <= counted.input_tokens <= 400
    assert await fake_provider.log() == []


async def test_texts_become_vectors(fake_provider, beside):
    async with openai.AsyncOpenAI(base_url=f"{beside.url}/v1", api_key=TOKEN) as client:
        made = await client.embeddings.create(model="vectors", input=["a", "b"])
        assert [len(one.embedding) for one in made.data] == [8, 8]
    assert (await fake_provider.last())["body"]["model"] == "embed-fake"
    assert (await beside.settled())[0]["purpose"] == "embed"


async def test_speech_becomes_text(fake_provider, beside):
    async with openai.AsyncOpenAI(base_url=f"{beside.url}/v1", api_key=TOKEN) as client:
        heard = await client.audio.transcriptions.create(model="ears", file=("a.wav", b"RIFF1234"))
        assert heard.text == "heard 8 bytes of a.wav"
    assert (await fake_provider.last())["body"]["model"] == "whisper-fake"
