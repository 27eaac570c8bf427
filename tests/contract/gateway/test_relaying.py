"""A relay passes bytes on: what it changes, what it never changes, and when it must not be used."""

from __future__ import annotations

import json

import pytest

from routing.conversation import Dialect
from routing.models import ProviderKind, Transport
from tests.contract.gateway.house import (
    KEY,
    SECRET,
    House,
    Place,
    body_of,
    events_of,
    open_gateway,
    path_of,
)

ODD = (
    b'{ "tools": [{"name":"t","input_schema":{"type":"object","properties":{"model":{}}}}],\n'
    b'  "model" :"the-model", "max_tokens":50,'
    b'"temperature":1.00, "messages":[{"role":"user","content":"h\\u00e9llo \\"model\\": x"}] }'
)


def relaying(fake, dialect=Dialect.ANTHROPIC, **more) -> House:
    place = Place(
        door="one", url=fake.at("one"), dialect=dialect, transport=Transport.RELAY, **more
    )
    return House(place)


async def test_only_the_models_name_changes_in_a_request(fake_provider):
    async with open_gateway(relaying(fake_provider)) as client:
        said = await client.post("/v1/messages?beta=true", ODD, content_type="application/json")
    assert said.status == 200, said.body
    seen = await fake_provider.last()
    assert seen["body"] == json.loads(ODD.replace(b'"the-model"', b'"claude-sonnet-4-5"'))
    assert seen["path"] == "/at/one/v1/messages?beta=true"


async def test_headers_go_on_but_keys_and_connections_do_not(fake_provider):
    async with open_gateway(relaying(fake_provider)) as client:
        await client.post(
            "/v1/messages",
            body_of(Dialect.ANTHROPIC),
            anthropic_version="2023-06-01",
            anthropic_beta="context-1m-2025-08-07,oauth-2025-04-20",
            authorization=f"Bearer {KEY}",
            x_stainless_lang="python",
            cookie="a=b",
            x_forwarded_for="10.0.0.1",
        )
    seen = (await fake_provider.last())["headers"]
    assert seen["x-api-key"] == SECRET
    assert seen["anthropic-beta"] == "context-1m-2025-08-07"
    assert seen["x-stainless-lang"] == "python"
    gone = {"authorization", "cookie", "x-forwarded-for", "x-helio-key"}
    assert gone & set(seen) == set()
    assert KEY not in json.dumps(seen)


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_relayed_stream_is_the_providers_own_bytes(dialect, fake_provider):
    house = relaying(fake_provider, dialect, model="gpt-4.1", id="gpt-4.1")
    path = path_of(dialect, stream=True).replace("the-model", "gpt-4.1")
    body = body_of(dialect, stream=True)
    if dialect is not Dialect.GEMINI:
        body["model"] = "gpt-4.1"
    if dialect is Dialect.CHAT:
        body["stream_options"] = {"include_usage": True}
    await fake_provider.answer({"text": "one two", "comments": True}, times=2)
    async with open_gateway(house) as client:
        said = await client.post(path, body)
        client.url = fake_provider.at("one")
        client.headers = {"x-api-key": "k", "authorization": "Bearer k", "x-goog-api-key": "k"}
        own = await client.post(path, body, anthropic_version="2023-06-01")
    assert own.status == said.status == 200, own.body
    assert _without_numbers(said.body) == _without_numbers(own.body)
    assert house.calls[0]["usd_known"]


def _without_numbers(body: bytes) -> list[str]:
    """The lines, without the ids that the fake provider counts up."""
    return ["".join(c for c in line if not c.isdigit()) for line in body.decode().split("\n")]


async def test_usage_is_asked_for_and_kept_from_a_client_that_did_not_ask(fake_provider):
    house = relaying(fake_provider, Dialect.CHAT)
    async with open_gateway(house) as client:
        said = await client.post("/v1/chat/completions", body_of(Dialect.CHAT, stream=True))
    assert (await fake_provider.last())["body"]["stream_options"] == {"include_usage": True}
    chunks = [json.loads(data) for data in events_of(said.body) if data != "[DONE]"]
    assert all(chunk["choices"] for chunk in chunks)
    assert events_of(said.body)[-1] == "[DONE]"
    (call,) = house.calls
    assert call["usd_known"]
    assert call["output"] > 0


async def test_a_client_that_asked_for_usage_gets_it(fake_provider):
    async with open_gateway(relaying(fake_provider, Dialect.CHAT)) as client:
        body = body_of(Dialect.CHAT, stream=True, stream_options={"include_usage": True})
        said = await client.post("/v1/chat/completions", body)
    chunks = [json.loads(data) for data in events_of(said.body) if data != "[DONE]"]
    assert chunks[-1]["usage"]["total_tokens"] > 0


async def test_marked_thinking_is_never_relayed(fake_provider):
    thought = {"type": "thinking", "thinking": "hm", "signature": "helio:gemini:gemini:abc"}
    body = body_of(Dialect.ANTHROPIC)
    body["messages"] += [
        {"role": "assistant", "content": [thought, {"type": "text", "text": "yes"}]},
        {"role": "user", "content": "and?"},
    ]
    async with open_gateway(relaying(fake_provider)) as client:
        said = await client.post("/v1/messages", body)
    assert said.status == 200, said.body
    assert "helio:" not in json.dumps((await fake_provider.last())["body"])


async def test_a_substitutes_thinking_is_marked(fake_provider):
    await fake_provider.fault({"status": 503}, door="one")
    first = Place(door="one", url=fake_provider.at("one"), dialect=Dialect.ANTHROPIC)
    second = Place(
        door="two",
        url=fake_provider.at("two"),
        dialect=Dialect.ANTHROPIC,
        transport=Transport.RELAY,
        model="other",
        id="claude-opus-4-1",
    )
    body = body_of(Dialect.ANTHROPIC, max_tokens=4000)
    body["thinking"] = {"type": "enabled", "budget_tokens": 2000}
    async with open_gateway(House(first, second)) as client:
        said = await client.post("/v1/messages", body)
    assert said.status == 200, said.body
    thinking = [block for block in said.json["content"] if block["type"] == "thinking"]
    assert thinking[0]["signature"].startswith("helio:anthropic:claude:")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_subscription_gets_the_clients_own_login(stream, fake_provider):
    house = relaying(fake_provider, kind=ProviderKind.SUBSCRIPTION, id="the-model")
    async with open_gateway(house) as client:
        client.headers = {"authorization": "Bearer sk-ant-oat-of-a-person"}
        body = body_of(Dialect.ANTHROPIC, stream=stream)
        said = await client.post(f"/k/{KEY}/v1/messages", body, anthropic_beta="oauth-2025-04-20")
    assert said.status == 200, said.body
    seen = await fake_provider.last()
    assert seen["headers"]["authorization"] == "Bearer sk-ant-oat-of-a-person"
    assert seen["headers"]["anthropic-beta"] == "oauth-2025-04-20"
    assert "x-api-key" not in seen["headers"]
    (call,) = house.calls
    assert (call["ok"], call["turns"], call["usd"]) == (True, 1, 0.0)


async def test_a_subscription_is_not_asked_for_a_client_without_a_login(fake_provider):
    house = relaying(fake_provider, kind=ProviderKind.SUBSCRIPTION)
    async with open_gateway(house) as client:
        said = await client.post("/v1/messages", body_of(Dialect.ANTHROPIC))
    assert said.status in (400, 503)
    assert await fake_provider.log() == []


async def test_a_login_that_ran_out_is_the_clients_to_renew(fake_provider):
    await fake_provider.fault({"status": 401, "message": "token expired"}, door="one")
    house = relaying(fake_provider, kind=ProviderKind.SUBSCRIPTION)
    async with open_gateway(house) as client:
        client.headers = {"authorization": "Bearer sk-ant-oat-old"}
        said = await client.post(f"/k/{KEY}/v1/messages", body_of(Dialect.ANTHROPIC))
        assert said.status == 401
        assert b"token expired" in said.body
        client.headers = {"authorization": "Bearer sk-ant-oat-new"}
        said = await client.post(f"/k/{KEY}/v1/messages", body_of(Dialect.ANTHROPIC))
    assert said.status == 200


async def test_a_login_never_reaches_another_provider(fake_provider):
    await fake_provider.fault({"status": 429, "style": "anthropic-unified"}, door="one")
    plan = Place(
        door="one",
        url=fake_provider.at("one"),
        dialect=Dialect.ANTHROPIC,
        transport=Transport.RELAY,
        kind=ProviderKind.SUBSCRIPTION,
    )
    other = Place(
        door="two",
        url=fake_provider.at("two"),
        dialect=Dialect.ANTHROPIC,
        transport=Transport.RELAY,
    )
    async with open_gateway(House(plan, other)) as client:
        client.headers = {"authorization": "Bearer sk-ant-oat-of-a-person"}
        said = await client.post(f"/k/{KEY}/v1/messages", body_of(Dialect.ANTHROPIC))
    assert said.status == 200, said.body
    assert said.headers["x-helio-provider"] == "two"
    (seen,) = await fake_provider.log(door="two")
    assert seen["headers"]["x-api-key"] == SECRET
    assert "authorization" not in seen["headers"]
