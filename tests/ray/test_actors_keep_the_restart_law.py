"""Any plain class that goes through the factory restarts, answers and fails by the same law."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
import ray

from actors.plans import shell
from actors.refs import RayDesk, Ref
from engine.errors import Conflict, Unavailable

pytestmark = pytest.mark.ray


class Desk:
    """A dispatcher in ten lines: enough to be hurt."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.calls = 0
        self.beat = time.monotonic()
        self.main = asyncio.get_running_loop().create_task(self.live())

    async def live(self) -> None:
        while True:
            self.beat = time.monotonic()
            await asyncio.sleep(0.05)

    async def health(self) -> dict[str, Any]:
        return {"ready": True, "beat_age_s": time.monotonic() - self.beat}

    async def version(self) -> str:
        return "1"

    async def pid(self) -> int:
        return os.getpid()

    async def count(self) -> int:
        self.calls += 1
        return self.calls

    async def block(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251, TID251  the fault that is planted

    async def leave_a_mark_and_hang(self, path: str) -> None:
        before = Path(path).read_text() if Path(path).exists() else ""
        Path(path).write_text(before + "x")
        await asyncio.sleep(600)

    async def command(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if name == "refuse":
            fault = Conflict("It was decided at noon.", remedy="Ask again tomorrow.", at=12)
            return {"problem": fault.as_problem()}
        return {"ok": {"name": name, **body}}


@pytest.fixture
def desk(namespace: str) -> Ref:
    shell(Desk, name="dispatcher", max_concurrency=100, namespace=namespace).remote("/h")
    return RayDesk("dispatcher", namespace)


async def until_back(ref: Ref, method: str, deadline_s: float = 30.0) -> Any:
    """Call again while the actor restarts."""
    async with asyncio.timeout(deadline_s):
        while True:
            try:
                return await ref.call(method)
            except Unavailable:
                await asyncio.sleep(0.05)


async def test_a_killed_actor_comes_back_with_another_process_and_an_empty_memory(
    desk: Ref,
) -> None:
    before = await desk.call("pid")
    assert [await desk.call("count") for _ in range(3)] == [1, 2, 3]
    os.kill(before, 9)
    after = await until_back(desk, "pid")
    assert after != before
    assert await desk.call("count") == 1


async def test_a_call_that_its_actor_did_not_survive_is_never_made_again(
    desk: Ref, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    pid = await desk.call("pid")
    hanging = asyncio.create_task(desk.call("leave_a_mark_and_hang", str(marks)))
    async with asyncio.timeout(20):
        while not marks.exists():
            await asyncio.sleep(0.02)
    os.kill(pid, 9)
    with pytest.raises(Unavailable, match="does not answer"):
        await hanging
    await until_back(desk, "pid")
    assert marks.read_text() == "x"


async def test_health_answers_and_tells_the_truth_while_the_main_loop_is_blocked(
    desk: Ref,
) -> None:
    await desk.call("health")
    blocked = asyncio.create_task(desk.call("block", 3.0))
    async with asyncio.timeout(2.5):
        while (said := await desk.call("health"))["beat_age_s"] < 1.0:
            await asyncio.sleep(0.05)
    assert not blocked.done()
    assert said["ready"]
    await blocked


async def test_raising_an_actor_twice_finds_the_first_one(desk: Ref, namespace: str) -> None:
    pid = await desk.call("pid")
    again = shell(Desk, name="dispatcher", max_concurrency=100, namespace=namespace)
    assert await again.remote("/other").pid.remote() == pid


async def test_a_refusal_crosses_as_the_error_it_was(desk: Ref) -> None:
    assert isinstance(desk, RayDesk)
    with pytest.raises(Conflict, match="decided at noon") as caught:
        await desk.command("refuse", {})
    assert caught.value.remedy == "Ask again tomorrow."
    assert caught.value.facts == {"at": 12}
    assert await desk.command("do", {"n": 1}) == {"name": "do", "n": 1}


async def test_a_name_that_nobody_has_is_unavailable(namespace: str) -> None:
    with pytest.raises(Unavailable, match="No actor has that name"):
        await RayDesk("nobody", namespace).query("house.status", {})


async def test_a_reference_outlives_the_actor_that_was_replaced(desk: Ref, namespace: str) -> None:
    first = await desk.call("pid")
    ray.kill(ray.get_actor("dispatcher", namespace=namespace), no_restart=True)
    with pytest.raises(Unavailable):
        await until_gone(desk)
    shell(Desk, name="dispatcher", max_concurrency=100, namespace=namespace).remote("/h")
    assert await until_back(desk, "pid") != first


async def until_gone(ref: Ref) -> None:
    """Call until it fails."""
    async with asyncio.timeout(20):
        while True:
            await ref.call("pid")
            await asyncio.sleep(0.02)
