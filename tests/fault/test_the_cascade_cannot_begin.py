"""A provider that said until when it is closed is not asked before, whatever dies in between; one
that did not say is asked by one call at a time. Counted at the provider, across kills."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import aiohttp
import pytest

from tests.fake_provider.client import FakeProvider
from tests.fake_provider.fixtures import running
from tests.fault.lone_router import TOKEN, LoneRouter, lone_router

pytestmark = pytest.mark.fault
US = 1_000_000
SIDE_BY_SIDE = 12
MODELS = """
[providers.first]
dialect = "chat"
url = "{url}/at/first"
transport = "direct"
keys = ["env:FAKE_KEY"]

[providers.second]
dialect = "chat"
url = "{url}/at/second"
transport = "relay"
keys = ["env:FAKE_KEY"]

[[models]]
name = "worker"
provider = "first"
id = "worker-1"
family = "fake"
tier = "mid"
input_usd = 1.0
output_usd = 2.0

[[models]]
name = "worker"
provider = "second"
id = "worker-1"
family = "fake"
tier = "mid"
input_usd = 1.0
output_usd = 2.0
"""


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    with running() as url:
        async with FakeProvider(url) as provider:
            yield provider


async def ask(router: LoneRouter, times: int = SIDE_BY_SIDE) -> list[str]:
    """Ask so many times at once; give who answered each."""
    body = {"model": "worker", "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {TOKEN}"}

    async def one(session: aiohttp.ClientSession) -> str:
        url = f"{router.url}/v1/chat/completions"
        async with session.post(url, json=body, headers=headers) as response:
            assert response.status == 200, await response.text()
            return response.headers["x-helio-provider"]

    async with aiohttp.ClientSession() as session:
        return list(await asyncio.gather(*(one(session) for _ in range(times))))


@pytest.mark.parametrize("style", ["retry-after", "x-ratelimit", "retry-after-ms"])
async def test_before_its_reset_a_closed_provider_is_never_asked(provider, tmp_path, style):
    match = {"door": "first"}
    with lone_router(tmp_path, MODELS.format(url=provider.url)) as router:
        assert set(await ask(router, 1)) == {"first"}
        until = await provider.quota(1000, match=match, style=style, closed_s=4)
        assert set(await ask(router, 1)) == {"second"}
        closed = await provider.log(door="first", outcome="throttled")
        for _ in range(2):
            await ask(router)
            router.kill()
            router.live()
        async with asyncio.timeout(20):
            while "first" not in await ask(router, 2):
                await asyncio.sleep(0.05)
    after = [one for one in await provider.log(door="first") if one["number"] > closed[0]["number"]]
    assert len(closed) == 1
    assert all(one["at"] >= until for one in after)
    assert {one["outcome"] for one in after} == {"ok"}


async def test_a_provider_that_names_no_end_is_asked_by_one_call_at_a_time(provider, tmp_path):
    match = {"door": "first"}
    with lone_router(tmp_path, MODELS.format(url=provider.url)) as router:
        await provider.quota(0, match=match, style="none")
        assert set(await ask(router)) == {"second"}
        burst = len(await provider.log(door="first"))
        assert burst <= SIDE_BY_SIDE
        router.kill()
        router.live()
        async with asyncio.timeout(30):
            while len(await provider.log(door="first")) < burst + 2:
                assert set(await ask(router)) == {"second"}
    probes = (await provider.log(door="first"))[burst:]
    assert all((b["at"] - a["ended_at"]) > US / 2 for a, b in pairwise(probes))
