"""The doors of the gateway: addresses, keys, methods, sizes, and what is said at each."""

from __future__ import annotations

import gzip
import json
from random import Random

import aiohttp
import pytest

from actors.gateway.server import Gateway
from engine.errors import PortBusy
from routing.conversation import Dialect
from routing.models import Catalogue
from tests.contract.gateway.house import (
    KEY,
    House,
    Place,
    body_of,
    open_gateway,
    path_of,
)


def one(fake, **models) -> House:
    return House(Place(door="one", url=fake.at("one")), **models)


@pytest.mark.parametrize(
    ("headers", "prefix", "query"),
    [
        ({"x-api-key": KEY}, "", ""),
        ({"authorization": f"Bearer {KEY}"}, "", ""),
        ({"x-goog-api-key": KEY}, "", ""),
        ({"x-helio-key": KEY}, "", ""),
        ({}, "", f"?key={KEY}"),
        ({}, f"/k/{KEY}", ""),
        ({"x-api-key": "anything", "authorization": f"Bearer {KEY}"}, "", ""),
    ],
)
async def test_a_key_is_found_wherever_a_client_can_put_it(headers, prefix, query, fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        client.headers = headers
        said = await client.post(f"{prefix}/v1/chat/completions{query}", body_of(Dialect.CHAT))
    assert said.status == 200, said.body
    assert KEY not in json.dumps(await fake_provider.last())


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("headers", [{}, {"x-api-key": "hk-dead"}])
async def test_without_a_living_key_nothing_is_asked(headers, dialect, fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        client.headers = headers
        said = await client.post(path_of(dialect), body_of(dialect))
    assert said.status == 401
    assert "key" in json.dumps(said.json)
    assert await fake_provider.log() == []


async def test_a_dead_key_in_the_path_is_not_healed_by_another(fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        client.headers = {"x-api-key": KEY}
        said = await client.post("/k/hk-dead/v1/chat/completions", body_of(Dialect.CHAT))
    assert said.status == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/messages", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/healthz", 405),
        ("POST", "/v1/files", 404),
        ("GET", "/", 404),
        ("POST", "/v1beta/models/x:batchGenerate", 404),
        ("GET", "/api/hello", 200),
        ("HEAD", "/api/hello", 200),
        ("GET", "/healthz", 200),
    ],
)
async def test_addresses_and_methods(method, path, status, fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        client.headers = {}
        said = await client.send(method, path, None)
    assert said.status == status
    if status == 405:
        assert said.headers["allow"]


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_json_object_is_refused_in_the_dialect(dialect, body, fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        said = await client.post(path_of(dialect), body or b" ")
    assert said.status == 400, said.body
    assert "JSON" in json.dumps(said.json["error"])


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_request_that_is_not_the_dialects_is_refused(dialect, fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        broken = {"messages": 7, "input": 7, "contents": 7, "model": "the-model"}
        said = await client.post(path_of(dialect), broken)
    assert said.status == 400, said.body
    assert said.json["error"]
    assert await fake_provider.log() == []


async def test_a_body_over_the_limit_is_refused_also_when_it_was_packed(fake_provider):
    async with open_gateway(one(fake_provider, request_bytes=10_000)) as client:
        large = json.dumps(body_of(Dialect.CHAT, "x" * 20_000)).encode()
        said = await client.post("/v1/chat/completions", large)
        assert said.status == 413
        packed = await client.post(
            "/v1/chat/completions", gzip.compress(large), content_encoding="gzip"
        )
        assert packed.status == 413
        small = gzip.compress(json.dumps(body_of(Dialect.CHAT)).encode())
        said = await client.post("/v1/chat/completions", small, content_encoding="gzip")
        assert said.status == 200
        said = await client.post("/v1/chat/completions", b"no gzip", content_encoding="gzip")
        assert said.status == 400
        said = await client.post("/v1/chat/completions", b"x", content_encoding="zstd")
        assert said.status == 400
        assert b"zstd" in said.body


async def test_a_client_that_waits_for_leave_to_send_gets_it(fake_provider):
    house = one(fake_provider)
    async with open_gateway(house) as client:
        said = await client.post(
            "/v1/chat/completions", body_of(Dialect.CHAT), expect="100-continue"
        )
    assert said.status == 200


async def test_an_unknown_model_is_named(fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        body = body_of(Dialect.CHAT) | {"model": "the-modl"}
        said = await client.post("/v1/chat/completions", body)
    assert said.status == 404
    assert "the-model" in said.json["error"]["message"]


async def test_with_nothing_configured_it_is_said_what_to_do():
    house = House()
    assert house.catalogue == Catalogue()
    async with open_gateway(house) as client:
        said = await client.post("/v1/chat/completions", body_of(Dialect.CHAT))
    assert said.status == 503
    assert said.headers["x-should-retry"] == "false"
    assert "models.toml" in said.json["error"]["message"]


async def test_a_halted_house_calls_nobody(fake_provider):
    house = one(fake_provider)
    house.halted = True
    async with open_gateway(house) as client:
        said = await client.post("/v1/chat/completions", body_of(Dialect.CHAT))
        assert (await client.get("/healthz")).json == {"status": "halted"}
    assert said.status == 503
    assert said.headers["x-should-retry"] == "false"
    assert await fake_provider.log() == []


async def test_the_models_are_listed_in_each_shape(fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        openai = (await client.get("/v1/models")).json
        anthropic = (await client.get("/v1/models", anthropic_version="2023-06-01")).json
        gemini = (await client.get("/v1beta/models")).json
        single = (await client.get("/v1/models/the-model")).json
        missing = await client.get("/v1/models/none")
    assert openai["data"][0]["id"] == "the-model"
    assert anthropic["data"][0]["display_name"] == "the-model"
    assert gemini["models"][0]["name"] == "models/the-model"
    assert single == openai["data"][0]
    assert missing.status == 404


async def test_tokens_are_counted_without_a_provider(fake_provider):
    async with open_gateway(one(fake_provider)) as client:
        body = body_of(Dialect.ANTHROPIC, "word " * 100)
        del body["max_tokens"]
        said = await client.post("/v1/messages/count_tokens", body)
        gemini = body_of(Dialect.GEMINI, "word " * 100)
        bare = await client.post("/v1beta/models/the-model:countTokens", gemini)
        wrapped = {"generateContentRequest": {"model": "models/the-model", **gemini}}
        inner = await client.post("/v1beta/models/the-model:countTokens", wrapped)
    assert 100 <= said.json["input_tokens"] <= 200
    assert bare.json == inner.json == {"totalTokens": said.json["input_tokens"]}
    assert await fake_provider.log() == []


async def test_a_gemini_stream_without_sse_is_one_json_list(fake_provider):
    house = House(Place(door="one", url=fake_provider.at("one"), dialect=Dialect.GEMINI))
    async with open_gateway(house) as client:
        path = "/v1beta/models/the-model:streamGenerateContent"
        said = await client.post(path, body_of(Dialect.GEMINI))
    assert said.headers["content-type"] == "application/json"
    assert len(said.json) > 1
    assert all("candidates" in part for part in said.json)


async def test_the_unix_socket_serves_the_same(fake_provider, tmp_path):
    house = one(fake_provider)
    gateway = Gateway(house, Random(1))
    socket = tmp_path / "gateway.sock"
    socket.touch()
    url = await gateway.start("127.0.0.1", 0, str(socket))
    assert socket.stat().st_mode & 0o777 == 0o600
    headers = {"x-api-key": KEY}
    body = body_of(Dialect.CHAT)
    connector = aiohttp.UnixConnector(str(socket))
    async with (
        aiohttp.ClientSession(connector=connector, headers=headers) as session,
        session.post("http://gateway/v1/chat/completions", json=body) as response,
    ):
        assert response.status == 200
    with pytest.raises(PortBusy):
        await Gateway(house).start("127.0.0.1", int(url.rpartition(":")[2]))
    await gateway.close()
    await house.close()
