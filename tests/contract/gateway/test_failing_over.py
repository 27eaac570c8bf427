"""Before the first byte another provider answers; after it nobody else goes on."""

from __future__ import annotations

import json

import pytest

from engine.jobs import Lane
from routing.conversation import Dialect
from routing.models import Transport
from tests.contract.gateway.house import House, Place, body_of, events_of, open_gateway, path_of
from tests.contract.gateway.words import streamed_text

CHAT = path_of(Dialect.CHAT)
BEFORE_THE_FIRST_BYTE = [
    {"status": 429, "style": "retry-after", "reset_s": 60},
    {"status": 503},
    {"status": 500},
    {"status": 401},
    {"status": 404},
    {"cut": "head"},
    {"cut": 1},
    {"error": 1, "status": 529, "code": "overloaded_error", "message": "busy"},
    {"bad_json": 1},
    {"worded": "context"},
    {"worded": "credit"},
]


def two(fake, transport=Transport.DIRECT, dialect=Dialect.ANTHROPIC, **models) -> House:
    first = Place(
        door="one", url=fake.at("one"), dialect=dialect, transport=transport, context=100_000
    )
    second = Place(door="two", url=fake.at("two"), dialect=Dialect.CHAT)
    return House(first, second, **models)


@pytest.mark.parametrize("transport", [Transport.DIRECT, Transport.RELAY])
@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_BYTE, ids=json.dumps)
async def test_a_stream_falls_over_before_its_first_word(fault, transport, fake_provider):
    await fake_provider.fault(fault, door="one")
    house = two(fake_provider, transport)
    async with open_gateway(house) as client:
        said = await client.post("/v1/messages", body_of(Dialect.ANTHROPIC, stream=True))
    assert said.status == 200, said.body
    assert said.headers["x-helio-provider"] == "two"
    assert said.headers["x-helio-attempts"] == "2"
    assert said.headers["x-helio-skips"].startswith("one/a/")
    assert streamed_text(Dialect.ANTHROPIC, said.body) == "echo: hello"
    assert b"error" not in said.body
    assert [call["ok"] for call in house.calls] == [False, True]
    assert [len(await fake_provider.log(door=door)) for door in ("one", "two")] == [1, 1]


@pytest.mark.parametrize("transport", [Transport.DIRECT, Transport.RELAY])
@pytest.mark.parametrize(
    "fault", [fault for fault in BEFORE_THE_FIRST_BYTE if "error" not in fault], ids=json.dumps
)
async def test_a_whole_answer_that_is_bad_is_made_elsewhere(fault, transport, fake_provider):
    await fake_provider.fault(fault, door="one")
    house = two(fake_provider, transport)
    async with open_gateway(house) as client:
        said = await client.post("/v1/messages", body_of(Dialect.ANTHROPIC))
    assert said.status == 200, said.body
    assert said.headers["x-helio-provider"] == "two"
    assert [call["ok"] for call in house.calls] == [False, True]
    assert house.calls[0]["usd"] >= 0.0


async def test_a_provider_that_is_down_is_passed_over(fake_provider):
    url = await fake_provider.open_door("gone")
    await fake_provider.shut_door("gone")
    house = House(Place(door="gone", url=url), Place(door="two", url=fake_provider.at("two")))
    async with open_gateway(house) as client:
        said = await client.post(CHAT, body_of(Dialect.CHAT))
    assert said.headers["x-helio-provider"] == "two"
    assert [call["fault"] for call in house.calls] == ["connect", ""]
    assert house.calls[0]["usd"] == 0.0


async def test_a_provider_that_hangs_is_left(fake_provider):
    await fake_provider.fault({"hang": "head"}, door="one")
    async with open_gateway(two(fake_provider, first_byte_s=0.2)) as client:
        said = await client.post("/v1/messages", body_of(Dialect.ANTHROPIC, stream=True))
    assert said.headers["x-helio-provider"] == "two"


async def test_a_closed_provider_is_not_asked_again(fake_provider):
    await fake_provider.fault({"status": 429, "style": "anthropic", "reset_s": 60}, door="one")
    house = two(fake_provider)
    async with open_gateway(house) as client:
        for _ in range(5):
            said = await client.post("/v1/messages", body_of(Dialect.ANTHROPIC))
            assert said.status == 200
    assert len(await fake_provider.log(door="one")) == 1
    assert "=rate_limited" in said.headers["x-helio-skips"]


@pytest.mark.parametrize("asked", list(Dialect))
@pytest.mark.parametrize("fault", [{"cut": 4}, {"error": 4, "status": 529}, {"bad_json": 4}])
async def test_after_its_first_word_a_stream_ends_with_an_error(asked, fault, fake_provider):
    words = "one two three four five six seven eight"
    await fake_provider.script(
        {"match": {"door": "one"}, "answer": {"text": words, "chunks": 20}, "fault": fault}
    )
    house = two(fake_provider)
    async with open_gateway(house) as client:
        said = await client.post(path_of(asked, stream=True), body_of(asked, stream=True))
    assert said.status == 200
    assert said.headers["x-helio-provider"] == "one"
    assert b"error" in said.body or b"failed" in said.body
    assert b"echo" not in said.body
    (call,) = house.calls
    assert not call["ok"]
    assert call["usd"] > 0
    assert await fake_provider.log(door="two") == []


async def test_a_relayed_stream_that_is_cut_ends_with_an_error_and_no_half_frame(fake_provider):
    await fake_provider.script(
        {
            "match": {"door": "one"},
            "answer": {"text": "a b c d e f", "chunks": 6},
            "fault": {"cut": 5},
        }
    )
    async with open_gateway(two(fake_provider, Transport.RELAY)) as client:
        said = await client.post("/v1/messages", body_of(Dialect.ANTHROPIC, stream=True))
    kinds = [json.loads(data)["type"] for data in events_of(said.body)]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "error"


@pytest.mark.parametrize("transport", [Transport.DIRECT, Transport.RELAY])
async def test_a_wrong_request_is_refused_once_in_the_providers_words(transport, fake_provider):
    house = two(fake_provider, transport)
    fault = {"status": 400, "message": "messages.0: no good", "code": "invalid_request_error"}
    await fake_provider.fault(fault, door="one")
    async with open_gateway(house) as client:
        said = await client.post("/v1/messages", body_of(Dialect.ANTHROPIC))
    assert said.status == 400
    assert said.headers["x-should-retry"] == "false"
    assert said.json["error"]["message"] == "messages.0: no good"
    assert await fake_provider.log(door="two") == []


@pytest.mark.parametrize("asked", list(Dialect))
async def test_when_all_is_closed_the_client_is_told_until_when(asked, fake_provider):
    await fake_provider.fault({"status": 429, "style": "retry-after", "reset_s": 60}, times=0)
    house = two(fake_provider)
    house.lane(Lane.P3)
    async with open_gateway(house) as client:
        for stream in (False, True):
            said = await client.post(path_of(asked, stream=stream), body_of(asked, stream=stream))
            assert said.status == 429, said.body
            assert 50 <= int(said.headers["retry-after"]) <= 62
            assert said.headers["x-should-retry"] == "false"
            assert "closed" in json.dumps(said.json)
    assert [refusal.kind for refusal in house.refusals] == ["closed", "closed"]
    assert len(await fake_provider.log()) <= 2


@pytest.mark.parametrize("lane", [Lane.P0, Lane.P2, Lane.P3])
async def test_a_near_reset_is_waited_for_in_any_lane(fake_provider, lane):
    await fake_provider.fault(
        {"status": 429, "style": "retry-after-ms", "reset_s": 0.2}, door="one"
    )
    house = House(Place(door="one", url=fake_provider.at("one")), hold_s=2)
    house.lane(lane)
    async with open_gateway(house) as client:
        said = await client.post(CHAT, body_of(Dialect.CHAT))
    assert said.status == 200, said.body
    assert said.headers["x-helio-attempts"] == "2"
    first, second = await fake_provider.log(door="one")
    assert second["at"] - first["at"] >= 200_000


async def test_a_far_reset_is_not_waited_for(fake_provider):
    await fake_provider.fault({"status": 429, "style": "retry-after-ms", "reset_s": 9}, door="one")
    house = House(Place(door="one", url=fake_provider.at("one")), hold_s=1)
    async with open_gateway(house) as client:
        said = await client.post(CHAT, body_of(Dialect.CHAT))
    assert said.status == 429


async def test_a_prompt_too_long_for_all_is_the_clients_to_shorten(fake_provider):
    await fake_provider.fault({"worded": "context"}, times=0)
    async with open_gateway(two(fake_provider, Transport.RELAY)) as client:
        said = await client.post("/v1/messages", body_of(Dialect.ANTHROPIC))
    assert said.status == 400
    assert said.headers["x-should-retry"] == "false"
    assert said.json["type"] == "error"


async def test_a_prompt_that_fits_nowhere_is_told_so_in_words_that_agents_know(fake_provider):
    house = House(Place(door="one", url=fake_provider.at("one"), context=100))
    async with open_gateway(house) as client:
        said = await client.post(CHAT, body_of(Dialect.CHAT, "word " * 500))
    assert said.status == 400
    assert "prompt is too long" in said.json["error"]["message"]
    assert said.json["error"]["code"] == "context_length_exceeded"
    assert await fake_provider.log() == []


async def test_a_wrong_key_of_ours_is_not_blamed_on_the_client(fake_provider):
    house = House(Place(door="one", url=fake_provider.at("one")))
    house.secrets["one"] = "bad-secret-of-the-house"
    async with open_gateway(house) as client:
        said = await client.post(CHAT, body_of(Dialect.CHAT))
    assert said.status in (502, 503)
    assert b"bad-secret" not in said.body


async def test_a_key_that_is_echoed_is_hidden(fake_provider):
    fault = {"status": 400, "message": "what is sk-the-secret-of-a-provider?"}
    await fake_provider.fault(fault, door="one")
    house = House(Place(door="one", url=fake_provider.at("one")))
    async with open_gateway(house) as client:
        said = await client.post(CHAT, body_of(Dialect.CHAT))
    assert said.status == 400
    assert b"what is [redacted]?" in said.body


async def test_a_substitute_says_so(fake_provider):
    await fake_provider.fault({"status": 503}, door="one")
    house = House(
        Place(door="one", url=fake_provider.at("one")),
        Place(door="two", url=fake_provider.at("two"), model="another"),
    )
    async with open_gateway(house) as client:
        said = await client.post(CHAT, body_of(Dialect.CHAT))
        assert said.headers["x-helio-requested-model"] == "the-model"
        assert said.headers["x-helio-model"] == "another"
        assert said.headers["x-helio-substituted"] == "true"
        assert said.headers["x-helio-served-model"]
        await fake_provider.fault({"status": 503}, door="one")
        said = await client.post(CHAT, body_of(Dialect.CHAT), x_helio_pin="1")
        assert said.status == 503
