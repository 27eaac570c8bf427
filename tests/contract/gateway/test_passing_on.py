"""Embeddings and transcriptions are chosen as everything else is, and passed on as they are."""

from __future__ import annotations

import aiohttp
import pytest

from routing.conversation import Dialect
from routing.models import Tier
from tests.contract.gateway.house import SECRET, House, Place, open_gateway


def place(fake, door: str, model: str, tier: Tier, **more) -> Place:
    return Place(door=door, url=fake.at(door), model=model, id=f"{model}-v2", tier=tier, **more)


def form(**fields: str) -> aiohttp.MultipartWriter:
    made = aiohttp.MultipartWriter("form-data")
    for name, value in fields.items():
        made.append(value).set_content_disposition("form-data", name=name)
    sound = made.append(b"RIFF\x00\r\n--\xff" * 50, {"content-type": "audio/wav"})
    sound.set_content_disposition("form-data", name="file", filename="a.wav")
    return made


@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.RESPONSES])
async def test_embeddings_go_to_their_own_model(dialect, fake_provider):
    house = House(place(fake_provider, "one", "embedder", Tier.EMBED, dialect=dialect))
    async with open_gateway(house) as client:
        said = await client.post("/v1/embeddings", {"model": "embedder", "input": ["a", "b"]})
    assert said.status == 200, said.body
    assert len(said.json["data"]) == 2
    seen = await fake_provider.last()
    assert seen["body"]["model"] == "embedder-v2"
    assert seen["headers"]["authorization"] == f"Bearer {SECRET}"
    (call,) = house.calls
    assert (call["ok"], call["purpose"], call["usd_known"]) == (True, "embed", True)


async def test_embeddings_never_fall_to_another_space(fake_provider):
    await fake_provider.fault({"status": 503}, door="one", times=0)
    house = House(
        place(fake_provider, "one", "embedder", Tier.EMBED),
        place(fake_provider, "two", "other", Tier.EMBED),
    )
    async with open_gateway(house) as client:
        said = await client.post("/v1/embeddings", {"model": "embedder", "input": "a"})
    assert said.status == 503
    assert await fake_provider.log(door="two") == []


async def test_a_transcription_keeps_its_sound(fake_provider):
    house = House(place(fake_provider, "one", "listener", Tier.AUDIO))
    async with (
        open_gateway(house) as client,
        client.session.post(
            f"{client.url}/v1/audio/transcriptions",
            data=form(model="listener", language="en"),
            headers=client.headers,
        ) as response,
    ):
        assert response.status == 200, await response.text()
        assert response.headers["x-helio-provider"] == "one"
    seen = await fake_provider.last()
    assert seen["model"] == "listener-v2"
    assert house.calls[0]["purpose"] == "transcribe"


async def test_a_transcription_falls_over(fake_provider):
    await fake_provider.fault({"status": 503}, door="one")
    house = House(
        place(fake_provider, "one", "listener", Tier.AUDIO),
        place(fake_provider, "two", "listener", Tier.AUDIO),
    )
    async with open_gateway(house) as client:
        url = f"{client.url}/v1/audio/transcriptions"
        data = form(model="listener")
        async with client.session.post(url, data=data, headers=client.headers) as response:
            assert response.status == 200, await response.text()
            assert response.headers["x-helio-provider"] == "two"


@pytest.mark.parametrize("body", [{"input": "a"}, {"model": 7, "input": "a"}])
async def test_an_embedding_without_a_model_is_refused(body, fake_provider):
    house = House(place(fake_provider, "one", "embedder", Tier.EMBED))
    async with open_gateway(house) as client:
        assert (await client.post("/v1/embeddings", body)).status == 400
        said = await client.post("/v1/audio/transcriptions", b"no form")
    assert said.status == 400
