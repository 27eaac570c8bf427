"""A slow first byte: a second provider is asked, the first good one wins, both are charged."""

from __future__ import annotations

from routing.conversation import Dialect
from tests.contract.gateway.house import House, Place, body_of, open_gateway
from tests.contract.gateway.words import streamed_text

STREAM = body_of(Dialect.CHAT, stream=True)
PATH = "/v1/chat/completions"


async def warm(client) -> None:
    """Teach the core how fast the first byte usually is."""
    for _ in range(25):
        assert (await client.post(PATH, STREAM)).status == 200


def two(fake) -> House:
    return House(
        Place(door="one", url=fake.at("one")),
        Place(door="two", url=fake.at("two")),
        hedge_share=1,
    )


async def test_the_second_wins_when_the_first_is_slow(fake_provider):
    house = two(fake_provider)
    async with open_gateway(house) as client:
        await warm(client)
        await fake_provider.fault({"hang": "head"}, door="one")
        said = await client.post(PATH, STREAM)
        assert said.status == 200
        assert said.headers["x-helio-provider"] == "two"
        assert said.headers["x-helio-attempts"] == "2"
        assert streamed_text(Dialect.CHAT, said.body) == "echo: hello"
        await fake_provider.until(lambda seen: seen[-1]["outcome"] == "left", door="one")
    lost, won = sorted(house.calls[-2:], key=lambda call: call["ok"])
    assert (lost["provider"], lost["fault"], lost["hedge"]) == ("one", "cancelled", False)
    assert lost["usd"] > 0
    assert (won["provider"], won["hedge"]) == ("two", True)


async def test_tools_are_never_asked_for_twice(fake_provider):
    house = two(fake_provider)
    async with open_gateway(house) as client:
        await warm(client)
        await fake_provider.answer({"text": "late", "delay_s": 0.1, "chunks": 1}, door="one")
        tool = {"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}
        said = await client.post(PATH, STREAM | {"tools": [tool]})
    assert said.headers["x-helio-attempts"] == "1"
    assert await fake_provider.log(door="two") == []
