"""Clients that go away, that do not read, and houses that are halted under them."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from actors.gateway.server import Gateway
from actors.routing.underway import halted
from routing.conversation import Dialect
from routing.models import Transport
from tests.contract.gateway.house import KEY, House, Place, body_of, open_gateway

WORDS = " ".join(f"word{n}" for n in range(400))


def one(fake, transport=Transport.DIRECT, **models) -> House:
    return House(
        Place(
            door="one",
            url=fake.at("one"),
            dialect=Dialect.ANTHROPIC,
            transport=transport,
            context=0,
        ),
        **models,
    )


async def settled(house: House, count: int = 1):
    async with asyncio.timeout(5):
        while len(house.calls) < count:
            await asyncio.sleep(0.005)
    return house.calls


@pytest.mark.parametrize("transport", [Transport.DIRECT, Transport.RELAY])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_before_the_answer_ends_the_call(
    stream, transport, fake_provider
):
    await fake_provider.fault({"hang": "head"}, door="one")
    house = one(fake_provider, transport)
    async with open_gateway(house) as client:
        body = body_of(Dialect.ANTHROPIC, stream=stream)
        asking = asyncio.create_task(client.post("/v1/messages", body))
        await fake_provider.until(lambda seen: len(seen) == 1, door="one")
        asking.cancel()
        (call,) = await settled(house)
        await fake_provider.until(lambda seen: seen[0]["outcome"] == "left", door="one")
    assert (call["ok"], call["fault"]) == (False, "cancelled")
    assert call["usd"] > 0
    assert not call["usd_known"]


@pytest.mark.parametrize("transport", [Transport.DIRECT, Transport.RELAY])
async def test_a_client_that_leaves_in_mid_stream_pays_for_what_was_made(transport, fake_provider):
    answer = {"text": WORDS, "chunks": 100, "delay_s": 0.02, "usage": {"input": 1000, "output": 9}}
    await fake_provider.answer(answer, door="one")
    house = one(fake_provider, transport)
    async with open_gateway(house) as client:
        body = body_of(Dialect.ANTHROPIC, stream=True)
        url = f"{client.url}/v1/messages"
        async with client.session.post(url, json=body, headers=client.headers) as response:
            async for line in response.content:
                if b"word" in line:
                    break
            response.close()
        (call,) = await settled(house)
        await fake_provider.until(lambda seen: seen[0]["outcome"] == "left", door="one")
    assert (call["ok"], call["fault"]) == (False, "cancelled")
    assert call["usd_known"]
    assert call["input"] == 1000
    assert 0 < call["output"] < 500


async def test_a_slow_client_slows_its_provider_and_fills_no_memory(fake_provider, tmp_path):
    await fake_provider.answer({"chunks": 2_000}, door="one")
    house = one(fake_provider)
    body = json.dumps(body_of(Dialect.ANTHROPIC, "xxxx " * 4_000_000, stream=True)).encode()
    gateway = Gateway(house)
    await gateway.start("127.0.0.1", 0, str(tmp_path / "s"))
    reader, writer = await asyncio.open_unix_connection(tmp_path / "s", limit=2**12)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-helio-key: {KEY}\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    await reader.readuntil(b"xxxx")
    told = -1
    while told != (told := (await fake_provider.last())["events"]):
        await asyncio.sleep(0.1)
    assert 0 < told < 1_600  # the rest waits at the provider; the kernel holds what was sent
    writer.close()
    (call,) = await settled(house)
    assert call["fault"] == "cancelled"
    await gateway.close()
    await house.close()


async def test_a_client_that_takes_nothing_for_too_long_has_gone(fake_provider, tmp_path):
    await fake_provider.answer({"chunks": 2_000}, door="one")
    house = one(fake_provider, whole_s=0.3)
    body = json.dumps(body_of(Dialect.ANTHROPIC, "xxxx " * 1_000_000, stream=True)).encode()
    gateway = Gateway(house)
    await gateway.start("127.0.0.1", 0, str(tmp_path / "s"))
    _, writer = await asyncio.open_unix_connection(tmp_path / "s", limit=2**12)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-helio-key: {KEY}\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    (call,) = await settled(house)
    assert call["fault"] == "cancelled"
    writer.close()
    await gateway.close()
    await house.close()


async def halt(house: House) -> None:
    house.halted = True
    await house.underway.end(lambda _: True, halted(), 2)


async def test_a_halt_before_the_first_word_is_told(fake_provider):
    await fake_provider.fault({"hang": "head"}, door="one")
    house = one(fake_provider)
    async with open_gateway(house) as client:
        body = body_of(Dialect.ANTHROPIC, stream=True)
        asking = asyncio.create_task(client.post("/v1/messages", body))
        await fake_provider.until(lambda seen: len(seen) == 1, door="one")
        await halt(house)
        assert (await asking).status == 503
    assert [call["fault"] for call in house.calls] == ["cancelled"]


async def test_a_halt_in_mid_stream_cuts_it(fake_provider):
    answer = {"text": WORDS, "chunks": 20}
    await fake_provider.script({"match": {"door": "one"}, "answer": answer, "fault": {"hang": 5}})
    house = one(fake_provider)
    async with open_gateway(house) as client:
        url, body = f"{client.url}/v1/messages", body_of(Dialect.ANTHROPIC, stream=True)
        async with client.session.post(url, json=body, headers=client.headers) as response:
            async for line in response.content:
                if b"word" in line:
                    break
            await halt(house)
            with pytest.raises(aiohttp.ClientError):
                await response.read()
    assert [call["fault"] for call in house.calls] == ["cancelled"]
