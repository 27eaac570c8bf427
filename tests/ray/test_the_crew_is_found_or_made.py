"""Raising the crew: from nothing, from what is there, and over an outdated version."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Any

import pytest

from actors import plans, system
from actors.plans import Kind
from actors.refs import Ref
from engine.errors import NewerSchema, Unavailable
from serve.vigil import Sight, look

pytestmark = pytest.mark.ray
HOME = "/nowhere"


class Member:
    """The least that every actor is."""

    told_version = installed_version("heliograph")
    ready = True

    def __init__(self, *told: str) -> None:
        self.told = told

    async def health(self) -> dict[str, Any]:
        return {"ready": self.ready, "beat_age_s": 0.0, "said": "opening"}

    async def version(self) -> str:
        return self.told_version

    async def whoami(self) -> tuple[int, list[str]]:
        return os.getpid(), list(self.told)


class Outdated(Member):
    told_version = "0.0.1"


class NeverReady(Member):
    ready = False


class Troubled(NeverReady):
    async def health(self) -> dict[str, Any]:
        return await super().health() | {"problem": NewerSchema("Too new.").as_problem()}


class Hanging(Member):
    async def health(self) -> dict[str, Any]:
        return {"ready": True, "beat_age_s": 31.0}


@dataclass(frozen=True, slots=True)
class Cast:
    """A plan whose class is given, not imported."""

    kind: Kind
    cls: type[Any]
    max_concurrency: int = 10

    def load(self) -> type[Any]:
        return self.cls


@pytest.fixture
async def cast(cluster: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    def play(cls: type[Any]) -> None:
        monkeypatch.setattr(plans, "PLANS", {kind: Cast(kind, cls) for kind in Kind})

    yield play
    for name in await system.names():
        await system.retire(name)


async def test_the_crew_is_made_from_nothing_and_found_the_second_time(cast: Any) -> None:
    cast(Member)
    await system.raise_crew(HOME, 20)
    assert await system.names() == ["council", "dispatcher", "hub", "router"]
    first = await Ref("dispatcher").call("whoami")
    assert first[1] == [HOME]
    await system.raise_crew(HOME, 20)
    assert await Ref("dispatcher").call("whoami") == first


async def test_an_actor_of_another_version_is_replaced(cast: Any) -> None:
    cast(Outdated)
    plans.raise_actor(Kind.HUB, Kind.HUB, HOME)
    old = await Ref("hub").call("whoami")
    cast(Member)
    await system.raise_singleton(Kind.HUB, HOME)
    async with asyncio.timeout(20):
        assert (await Ref("hub").call("whoami"))[0] != old[0]
    assert await Ref("hub").call("version") == Member.told_version


async def test_a_crew_that_does_not_get_ready_says_what_it_said_last(cast: Any) -> None:
    cast(NeverReady)
    with pytest.raises(Unavailable, match=r"The \w+ was not ready within 1 s.*opening"):
        await system.raise_crew(HOME, 1)


async def test_a_trouble_that_lasts_is_told_at_once_as_what_it_is(cast: Any) -> None:
    cast(Troubled)
    with pytest.raises(NewerSchema, match="Too new"):
        await system.raise_crew(HOME, 60)


async def test_a_session_gets_its_name_and_directory_and_is_born_once(cast: Any) -> None:
    cast(Member)
    for _ in range(2):
        await system.spawn_session("session/web-0f3a9b21cc", HOME, "/srv/web")
    assert await system.names() == ["session/web-0f3a9b21cc"]
    _, told = await Ref("session/web-0f3a9b21cc").call("whoami")
    assert told == ["session/web-0f3a9b21cc", HOME, "/srv/web"]
    await system.retire("session/web-0f3a9b21cc")
    assert await system.names() == []


async def test_retiring_a_name_that_nobody_has_is_no_error(cluster: str) -> None:
    await system.retire("session/nobody")
    assert system.restart("session/nobody") is False


async def test_the_vigil_sees_breath_hanging_and_absence(cast: Any) -> None:
    cast(Member)
    assert await look(Kind.HUB) is Sight.GONE
    plans.raise_actor(Kind.HUB, Kind.HUB, HOME)
    plans.raise_actor(Kind.DISPATCHER, Kind.DISPATCHER, HOME)
    await Ref("hub").call("version")
    assert await look(Kind.HUB) is Sight.BREATHES
    cast(Hanging)
    await system.retire(Kind.HUB)
    plans.raise_actor(Kind.HUB, Kind.HUB, HOME)
    await Ref("hub").call("version")
    assert await look(Kind.HUB) is Sight.HANGS


async def test_a_restarted_actor_is_another_process_of_the_same_name(cast: Any) -> None:
    cast(Member)
    plans.raise_actor(Kind.HUB, Kind.HUB, HOME)
    ref = Ref("hub")
    before = (await ref.call("whoami"))[0]
    assert system.restart(Kind.HUB)
    async with asyncio.timeout(20):
        while True:
            try:
                after = (await ref.call("whoami"))[0]
            except Unavailable:
                await asyncio.sleep(0.05)
                continue
            if after != before:
                return
