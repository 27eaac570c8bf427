"""Every dialect of a client is served by a provider of every dialect, whole and streamed."""

from __future__ import annotations

from typing import Any

import pytest

from routing.conversation import Dialect
from routing.models import Transport
from tests.contract.gateway.house import (
    House,
    Place,
    body_of,
    events_of,
    open_gateway,
    path_of,
)

import json

DIALECTS = list(Dialect)


def text_of(dialect: Dialect, body: Any) -> str:
    match dialect:
        case Dialect.ANTHROPIC:
            return "".join(part["text"] for part in body["content"] if part["type"] == "text")
        case Dialect.CHAT:
            return body["choices"][0]["message"]["content"]
        case Dialect.RESPONSES:
            said = [item for item in body["output"] if item["type"] == "message"]
            return "".join(part["text"] for part in said[0]["content"])
        case Dialect.GEMINI:
            return "".join(part["text"] for part in body["candidates"][0]["content"]["parts"])


def streamed_text(dialect: Dialect, body: bytes) -> str:
    said = []
    for data in events_of(body):
        if data == "[DONE]":
            continue
        event = json.loads(data)
        match dialect:
            case Dialect.ANTHROPIC:
                said.append(event.get("delta", {}).get("text", ""))
            case Dialect.CHAT:
                for choice in event["choices"]:
                    said.append(choice["delta"].get("content") or "")
            case Dialect.RESPONSES:
                if event["type"] == "response.output_text.delta":
                    said.append(event["delta"])
            case Dialect.GEMINI:
                for candidate in event.get("candidates", []):
                    parts = candidate.get("content", {}).get("parts", [])
                    said += [part.get("text", "") for part in parts]
    return "".join(said)


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
