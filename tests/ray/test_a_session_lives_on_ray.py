"""The session as a real actor: it runs orders, survives its own death, and leaves no process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import ray

from actors.plans import NAMESPACE, Kind, raise_actor, shell
from actors.refs import RaySession, Ref
from engine.errors import Unavailable
from tests.unit.actors.sessions.kit import marked, order, until

pytestmark = pytest.mark.ray
NAME = "session/test-0123456789"


class Desk:
    """A dispatcher that takes every report."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    async def report(self, session: str, incarnation: str, reports: list[dict[str, Any]]) -> bool:
        self.taken += reports
        return True

    async def all(self) -> list[dict[str, Any]]:
        return self.taken

    async def health(self) -> dict[str, Any]:
        return {"ready": True}

    async def version(self) -> str:
        return "1"


@pytest.fixture
async def desk(cluster: str, home: Path) -> AsyncIterator[Ref]:
    """Raise a desk and one session beside it, in the namespace in which it will look for it."""
    shell(Desk, name=str(Kind.DISPATCHER), max_concurrency=100).remote()
    raise_actor(Kind.SESSION, NAME, NAME, str(home), "")
    yield Ref(str(Kind.DISPATCHER))
    for name in (NAME, str(Kind.DISPATCHER)):
        with contextlib.suppress(ValueError):
            ray.kill(ray.get_actor(name, namespace=NAMESPACE), no_restart=True)


async def outcome(desk: Ref, job: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            for report in await desk.call("all"):
                if report["job"] == job and report["kind"] == "outcome":
                    return dict(report["data"])
            await asyncio.sleep(0.01)


async def health(session: Ref) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(Unavailable):
                found = await session.call("health")
                if found["ready"]:
                    return dict(found)
            await asyncio.sleep(0.05)


def tree(mark: str) -> str:
    return f"""
        trap '' TERM; setsid sleep {mark} &
        (env -i setsid sh -c 'trap "" TERM; sleep {mark} & sleep {mark}; :' &)
        sleep {mark}; :
    """


async def test_an_order_runs_on_an_actor_and_its_outcome_reaches_the_dispatcher(desk: Ref) -> None:
    session = RaySession(NAME)
    answer = await session.start([order(sh="echo hello; env")])
    assert answer["accepted"] == [["j1", 1]]
    told = await outcome(desk, "j1")
    assert told["outcome"] == "done"
    assert told["result"]["text"].startswith("hello\n")
    assert "RAY_" not in told["result"]["text"]


@pytest.mark.parametrize("how", ["kill -9", "ray.kill"])
async def test_a_killed_session_comes_back_empty_and_its_tree_is_gone(desk: Ref, how: str) -> None:
    session, mark = RaySession(NAME), f"7{Random().randrange(10**8, 10**9)}.5"
    before = await health(session)
    await session.start([order(sh=tree(mark))])
    await until(lambda: len(marked(mark)) >= 5)
    if how == "kill -9":
        os.kill(before["pid"], signal.SIGKILL)
    else:
        ray.kill(ray.get_actor(NAME, namespace=NAMESPACE), no_restart=False)
    await until(lambda: not marked(mark), "the end of the tree")
    await until(lambda: not Path(f"/proc/{before['pid']}").exists())
    after = await health(session)
    assert after["incarnation"] != before["incarnation"]
    assert (await session.status())["running"] == []
    await session.start([order("j2", sh="echo again")])
    assert (await outcome(desk, "j2"))["outcome"] == "done"
