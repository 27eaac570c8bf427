"""A halt is an order on disk until a dispatcher has taken it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from actors.clock import SystemClock
from engine.errors import Unavailable
from serve.supervisor.halting import Halting
from store.home import Home


class Dispatcher:
    """Takes commands when it is there."""

    def __init__(self) -> None:
        self.there = True
        self.heard: list[tuple[str, str]] = []
        self.news = asyncio.Event()

    async def command(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self.news.set()
        if not self.there:
            raise Unavailable("Away.")
        self.heard.append((name, body["by"]))
        return {"halted_at": 1}


async def test_an_order_that_is_taken_leaves_no_mark_on_disk(tmp_path: Path) -> None:
    dispatcher = Dispatcher()
    halting = Halting(Home.at(tmp_path), SystemClock(), dispatcher.command)
    assert await halting.order("me") == {"halted": True, "house": {"halted_at": 1}}
    assert dispatcher.heard == [("house.halt", "me")]
    assert not halting.pending


async def test_an_order_that_nobody_takes_outlives_the_supervisor_that_gave_it(
    tmp_path: Path,
) -> None:
    home, dispatcher = Home.at(tmp_path), Dispatcher()
    dispatcher.there = False
    answer = await Halting(home, SystemClock(), dispatcher.command).order("me")
    assert answer["halted"]
    assert "killed" in answer
    assert home.halted.stat().st_mode & 0o077 == 0
    next_one = Halting(home, SystemClock(), dispatcher.command)
    assert next_one.pending
    dispatcher.there = True
    dispatcher.news.clear()
    insisting = asyncio.create_task(next_one.insist())
    await asyncio.wait_for(dispatcher.news.wait(), 5)
    await asyncio.sleep(0)
    insisting.cancel()
    assert dispatcher.heard == [("house.halt", "me")]
    assert not next_one.pending


async def test_lifting_takes_back_an_order_that_nobody_took(tmp_path: Path) -> None:
    dispatcher = Dispatcher()
    dispatcher.there = False
    halting = Halting(Home.at(tmp_path), SystemClock(), dispatcher.command)
    await halting.order("me")
    with pytest.raises(Unavailable):
        await halting.lift("me")
    assert not halting.pending
