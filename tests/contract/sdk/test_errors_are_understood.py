"""What the gateway refuses, the official clients raise as their own errors, and do not repeat."""

from __future__ import annotations

import anthropic
import openai
import pytest
from google.genai import errors as google

from tests.contract.sdk.clients import CLIENTS, GOOGLES, talking
from tests.contract.sdk.house import IDS, TOKEN
from tests.contract.sdk.responses_talk import StreamFailed
from tests.contract.sdk.talks import Terms

pytestmark = pytest.mark.filterwarnings(GOOGLES)
THROTTLED = {
    "anthropic": anthropic.RateLimitError,
    "chat": openai.RateLimitError,
    "responses": openai.RateLimitError,
    "gemini": google.ClientError,
}
UNKNOWN = {
    "anthropic": anthropic.NotFoundError,
    "chat": openai.NotFoundError,
    "responses": openai.NotFoundError,
    "gemini": google.ClientError,
}
KEYLESS = {
    "anthropic": anthropic.AuthenticationError,
    "chat": openai.AuthenticationError,
    "responses": openai.AuthenticationError,
    "gemini": google.ClientError,
}
CUT = {
    "anthropic": anthropic.APIStatusError,
    "chat": openai.APIError,
    "responses": StreamFailed,
    "gemini": google.APIError,
}


def status_of(error: Exception) -> int:
    return int(getattr(error, "status_code", 0) or getattr(error, "code", 0))


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_closed_provider_is_a_rate_limit_that_names_its_end(fake_provider, house, client):
    styles = {"anthropic": "anthropic", "gemini": "gemini-retry-info"}
    for door in IDS:
        style = styles.get(door, "x-ratelimit")
        await fake_provider.fault({"status": 429, "style": style, "reset_s": 90}, door=door)
    async with talking(client, house.url, TOKEN, Terms(model=client)) as talk:
        for _ in range(3):
            with pytest.raises(THROTTLED[client]) as told:
                await talk.say("hi")
            assert status_of(told.value) == 429
    headers = told.value.response.headers
    assert 80 <= int(headers["retry-after"]) <= 91
    assert headers["x-should-retry"] == "false"
    assert len(await fake_provider.log()) == len(IDS)


@pytest.mark.parametrize("client", CLIENTS)
async def test_an_unknown_model_is_not_found(house, client):
    async with talking(client, house.url, TOKEN, Terms(model="nobody-knows")) as talk:
        with pytest.raises(UNKNOWN[client], match="nobody-knows") as told:
            await talk.say("hi")
    assert status_of(told.value) == 404


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_wrong_key_is_refused(fake_provider, house, client):
    async with talking(client, house.url, "hk-nobodys", Terms(model=client)) as talk:
        with pytest.raises(KEYLESS[client]) as told:
            await talk.say("hi")
    assert status_of(told.value) == 401
    assert await fake_provider.log() == []


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("dialect", IDS)
async def test_a_stream_that_breaks_ends_in_an_error(fake_provider, house, client, dialect):
    script = {"answer": {"text": "one two three four", "chunks": 9}, "fault": {"cut": 6}}
    await fake_provider.script(script)
    async with talking(client, house.url, TOKEN, Terms(model=dialect, stream=True)) as talk:
        with pytest.raises(CUT[client]):
            await talk.say("hi")
    assert len(await fake_provider.log()) == 1


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_bad_request_is_told_in_the_providers_words(fake_provider, house, client):
    await fake_provider.fault({"worded": "content"})
    async with talking(client, house.url, TOKEN, Terms(model=client)) as talk:
        with pytest.raises(Exception, match=r"polic|safety|PROHIBITED") as told:
            await talk.say("hi")
    assert status_of(told.value) == 400
    assert len(await fake_provider.log()) == 1
