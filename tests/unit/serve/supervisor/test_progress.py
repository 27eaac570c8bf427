"""Whoever follows a start hears every phase once, however late he comes."""

from __future__ import annotations

import asyncio
from typing import Any

from engine.errors import PortBusy
from serve.supervisor.progress import Phase, Progress


class Standing:
    def now(self) -> int:
        return 7

    def monotonic(self) -> float:
        return 0.0


async def heard(progress: Progress) -> list[str]:
    return [told["phase"] async for told in progress.follow()]


async def test_a_follower_hears_what_was_and_what_comes_up_to_ready() -> None:
    progress = Progress(Standing())
    progress.tell(Phase.HEAD, "")
    follower = asyncio.create_task(heard(progress))
    await asyncio.sleep(0)
    progress.tell(Phase.CREW, "")
    progress.tell(Phase.READY, "")
    assert await follower == ["head", "crew", "ready"]


async def test_who_comes_after_ready_is_told_at_once() -> None:
    progress = Progress(Standing())
    progress.tell(Phase.HEAD, "")
    progress.tell(Phase.READY, "")
    assert await heard(progress) == ["head", "ready"]


async def test_a_ready_of_yesterday_does_not_end_the_wait_for_todays() -> None:
    progress = Progress(Standing())
    progress.tell(Phase.READY, "")
    progress.tell(Phase.DEGRADED, "the head died")
    follower = asyncio.create_task(heard(progress))
    await asyncio.sleep(0)
    assert not follower.done()
    progress.tell(Phase.READY, "")
    assert await follower == ["degraded", "ready"]


async def test_a_failure_carries_its_problem() -> None:
    progress = Progress(Standing())
    progress.tell(Phase.FAILED, "taken", PortBusy("taken", remedy="move"))
    told: list[dict[str, Any]] = [one async for one in progress.follow()]
    assert told[0]["problem"]["remedy"] == "move"
    assert told[0]["at"] == 7
    await asyncio.wait_for(progress.be_heard(30), 1)
