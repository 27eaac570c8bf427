"""Every dialect of a client is served by a provider of every dialect, whole and streamed."""

from __future__ import annotations

import pytest

from routing.conversation import Dialect
from routing.models import Transport
from tests.contract.gateway.house import House, Place, body_of, open_gateway, path_of
from tests.contract.gateway.words import streamed_text, text_of

DIALECTS = list(Dialect)


@pytest.mark.parametrize("transport", [Transport.DIRECT, Transport.RELAY])
@pytest.mark.parametrize("served", DIALECTS)
@pytest.mark.parametrize("asked", DIALECTS)
async def test_a_whole_answer_comes_in_the_clients_dialect(asked, served, transport, fake_provider):
    place = Place(door="one", url=fake_provider.at("one"), dialect=served, transport=transport)
    house = House(place)
    async with open_gateway(house) as client:
        said = await client.post(path_of(asked), body_of(asked))
    assert said.status == 200, said.body
    assert text_of(asked, said.json) == "echo: hello"
    assert said.headers["x-helio-provider"] == "one"
    assert float(said.headers["x-helio-cost-usd"]) > 0
    assert [call["ok"] for call in house.calls] == [True]


@pytest.mark.parametrize("transport", [Transport.DIRECT, Transport.RELAY])
@pytest.mark.parametrize("served", DIALECTS)
@pytest.mark.parametrize("asked", DIALECTS)
async def test_a_stream_comes_in_the_clients_dialect(asked, served, transport, fake_provider):
    place = Place(door="one", url=fake_provider.at("one"), dialect=served, transport=transport)
    house = House(place)
    async with open_gateway(house) as client:
        path = path_of(asked, stream=True)
        said = await client.post(path, body_of(asked, stream=True))
    assert said.status == 200, said.body
    assert said.headers["content-type"].startswith("text/event-stream")
    assert streamed_text(asked, said.body) == "echo: hello"
    (call,) = house.calls
    assert call["ok"]
    assert call["usd_known"]
    assert call["output"] > 0
