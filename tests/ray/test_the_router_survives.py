"""The router as a real actor: found or made, back after kill -9 with all that was closed, small."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray

from actors import system
from actors.plans import NAMESPACE, Kind, shell
from actors.refs import RayRouter, Ref
from engine.errors import Fenced, Unavailable
from store.home import Home
from tests.fake_provider.client import FakeProvider
from tests.fake_provider.fixtures import fake_provider, fake_provider_url  # noqa: F401
from tests.unit.actors.routing.kit import PROVIDER, TOKEN, chat_at, new_key, who

pytestmark = pytest.mark.ray
MOST_PRIVATE_BYTES = 80 * 2**20


class Desk:
    """A dispatcher in a process of its own: takes calls as the real one does."""

    def __init__(self) -> None:
        self.cursors: dict[str, int] = {}
        self.facts: list[dict[str, Any]] = []

    async def command(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        for seq, fact in body["calls"]:
            if seq > self.cursors.get(body["ledger"], 0):
                self.facts.append(fact)
                self.cursors[body["ledger"]] = seq
        return {"ok": {"taken": self.cursors[body["ledger"]]}}

    async def query(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"ok": {"halted_at": 0}}

    async def all(self) -> list[dict[str, Any]]:
        return [fact for fact in self.facts if fact["kind"] == "call"]

    async def health(self) -> dict[str, Any]:
        return {"ready": True}

    async def version(self) -> str:
        return "1"


@pytest.fixture
def provided(home: Path, fake_provider: FakeProvider) -> Home:  # noqa: F811
    made = Home.at(home)
    made.token.write_text(TOKEN)
    made.empty.mkdir()
    made.config.write_text("[models]\nport = 0\nship_every_s = 0.02\n")
    made.config.chmod(0o600)
    made.secrets.mkdir(mode=0o700)
    told = []
    for name in ("one", "two"):
        path = made.secrets / f"{name.upper()}_KEY"
        path.write_text(f"sk-of-{name}")
        path.chmod(0o600)
        said = {"name": name, "url": fake_provider.at(name), "secret": path.name, "model": "tiny"}
        told.append(PROVIDER.format(**said))
    made.models.write_text("".join(told))
    return made


@pytest.fixture
async def desk(cluster: str, provided: Home) -> AsyncIterator[Ref]:
    """Raise a desk and the router beside it, in the namespace in which it looks for the desk."""
    shell(Desk, name=str(Kind.DISPATCHER), max_concurrency=100).remote()
    await system.raise_singleton(Kind.ROUTER, str(provided.root))
    yield Ref(str(Kind.DISPATCHER))
    for name in (str(Kind.ROUTER), str(Kind.DISPATCHER)):
        with contextlib.suppress(ValueError):
            ray.kill(ray.get_actor(name, namespace=NAMESPACE), no_restart=True)
    while await system.names():
        await asyncio.sleep(0.02)


async def ready(but: int = 0) -> dict[str, Any]:
    """Wait until a router that is not this process answers, and listens."""
    async with asyncio.timeout(40):
        while True:
            with contextlib.suppress(Unavailable):
                health = await Ref(str(Kind.ROUTER)).call("health")
                if health["ready"] and health["pid"] != but:
                    return dict(health)
            await asyncio.sleep(0.02)


async def killed() -> dict[str, Any]:
    """Kill the router with -9 and give the health of the next one."""
    before = await ready()
    os.kill(before["pid"], signal.SIGKILL)
    return await ready(but=before["pid"])


async def test_the_router_is_made_once_and_found_after(desk: Ref, provided: Home) -> None:
    first = await ready()
    await system.raise_singleton(Kind.ROUTER, str(provided.root))
    assert (await ready())["pid"] == first["pid"]
    assert await RayRouter("router").query("gateway.where", {}) == {
        "url": first["url"],
        "socket": first["socket"],
    }
    status, body, _ = await chat_at(first["url"], TOKEN, "ahoy")
    assert (status, body["choices"][0]["message"]["content"]) == (200, "echo: ahoy")


async def test_a_closed_provider_gets_no_call_before_its_reset_however_often_the_router_dies(
    desk: Ref,
    fake_provider: FakeProvider,  # noqa: F811
) -> None:
    url = (await ready())["url"]
    for door in ("one", "two"):
        throttled = {"status": 429, "style": "retry-after", "reset_s": 300}
        await fake_provider.fault(throttled, door=door, times=0)
    assert (await chat_at(url, TOKEN))[0] == 429
    assert len(await fake_provider.log()) == 2, "each was asked once"
    for _ in range(3):
        assert (await killed())["url"] == url, "agents hold the address"
        answers = await asyncio.gather(*(chat_at(url, TOKEN) for _ in range(5)))
        assert {status for status, _, _ in answers} == {429}
    assert len(await fake_provider.log()) == 2
    await RayRouter("router").command("model.reset", {"name": "two"})
    await fake_provider.unscript()
    assert (await chat_at(url, TOKEN))[0] == 200
    doors = [one["door"] for one in await fake_provider.log()]
    assert doors == ["one", "two", "two"], "one is closed still"


async def test_keys_and_fences_outlive_the_router_and_each_call_is_shipped_once(
    desk: Ref,
) -> None:
    url = (await ready())["url"]
    router = RayRouter("router")
    old, new = new_key(), new_key()
    assert (await router.bind(old, who(incarnation="i1")))["url"] == url
    await router.bind(new, who(incarnation="i2", epoch=2))
    for _ in range(2):
        assert (await chat_at(url, old))[0] == 401
        assert (await chat_at(url, new))[0] == 200
        await killed()
        with pytest.raises(Fenced):
            await router.bind(new_key(), who(incarnation="i1", job="another"))
    await router.release(new)
    told = await desk.call("all")
    assert [(call["job"], call["epoch"], call["ok"]) for call in told] == [("j1", 2, True)] * 2
    assert (await chat_at(url, new))[0] == 401
    await killed()
    assert (await chat_at(url, new))[0] == 401
    assert len(await desk.call("all")) == 2


async def test_a_call_that_its_router_did_not_survive_is_charged_as_it_was_reserved(
    desk: Ref,
    fake_provider: FakeProvider,  # noqa: F811
) -> None:
    url = (await ready())["url"]
    await fake_provider.fault({"hang": "head"}, times=0)
    hanging = asyncio.create_task(chat_at(url, TOKEN))
    await fake_provider.until(lambda seen: len(seen) == 1)
    await killed()
    assert isinstance((await asyncio.gather(hanging, return_exceptions=True))[0], Exception)
    async with asyncio.timeout(20):
        while not (told := await desk.call("all")):
            await asyncio.sleep(0.02)
    assert (told[0]["ok"], told[0]["usd"] > 0) == (False, True)
    assert len(await fake_provider.log()) == 1, "it is not asked again by itself"


async def test_a_hundred_calls_later_the_router_is_small(desk: Ref) -> None:
    health = await ready()
    for _ in range(10):
        answers = await asyncio.gather(*(chat_at(health["url"], TOKEN) for _ in range(10)))
        assert {status for status, _, _ in answers} == {200}
    process = psutil.Process(health["pid"])
    assert process.memory_full_info().uss < MOST_PRIVATE_BYTES
