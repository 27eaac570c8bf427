"""Calls under way end at a halt or with their key, settle first, and say why."""

from __future__ import annotations

import asyncio

import pytest

from actors.routing.underway import Underway, halted
from engine.errors import Denied, Halted
from routing.requests import Who

ONE, OTHER = Who(job="j1", epoch=1), Who(job="j2", epoch=1)


class Served:
    """A request in the gateway: it waits for a provider, and settles whatever happens."""

    def __init__(self, underway, who, settle_s=0.0):
        self.settled = ""
        self._settle_s = settle_s
        self.task = asyncio.create_task(self._serve(underway, who))

    async def _serve(self, underway, who):
        with underway.call(who, refuse=None):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.settled = "cancelled"
                await asyncio.sleep(self._settle_s)
                raise


async def test_the_calls_of_one_key_end_and_the_others_go_on():
    underway = Underway()
    mine, other = Served(underway, ONE), Served(underway, OTHER)
    await asyncio.sleep(0)
    await underway.end(lambda who: who == ONE, Denied("over"), 5)
    with pytest.raises(Denied, match="over"):
        await mine.task
    assert mine.settled == "cancelled"
    assert len(underway) == 1
    assert not other.task.done()
    other.task.cancel()


async def test_the_end_is_awaited_until_the_call_has_settled():
    underway = Underway()
    slow = Served(underway, ONE, settle_s=0.05)
    await asyncio.sleep(0)
    await underway.end(lambda _: True, halted(), 5)
    assert len(underway) == 0
    with pytest.raises(Halted):
        await slow.task


async def test_a_call_that_does_not_settle_holds_nobody_for_ever():
    underway = Underway()
    stuck = Served(underway, ONE, settle_s=60)
    await asyncio.sleep(0)
    await underway.end(lambda _: True, halted(), 0.05)
    assert not stuck.task.done()
    stuck.task.cancel()


async def test_a_client_that_goes_away_is_still_a_cancellation():
    underway = Underway()
    mine = Served(underway, ONE)
    await asyncio.sleep(0)
    mine.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await mine.task
    assert len(underway) == 0


async def test_in_a_halted_house_no_call_begins():
    underway = Underway()
    with pytest.raises(Halted) as caught, underway.call(ONE, refuse=halted()):
        raise AssertionError
    assert "helio resume" in caught.value.remedy
    assert len(underway) == 0


async def test_a_call_that_fails_by_itself_says_so():
    underway = Underway()
    with pytest.raises(ValueError, match="mine"), underway.call(ONE, refuse=None):
        raise ValueError("mine")
