"""Finished calls reach the main store exactly once, whichever side dies or repeats itself."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random

import pytest

from actors.routing.shipping import Shipping
from engine.errors import Unavailable
from routing.ledger import Ledger
from routing.ports import Entry, EntryKind


class Clock:
    def now(self):
        return 1_795_348_800_000_000

    def monotonic(self):
        return 0.0


class Desk:
    """The dispatcher's side: counts by the ledger's identity, fails and repeats as it is told."""

    def __init__(self, rng=None):
        self.cursors = {}
        self.rows = []
        self.rng = rng or Random(0)
        self.away = 0.0  # chance to be away, before or after the rows were taken
        self.down = False
        self.commands = 0

    async def command(self, name, body):
        assert name == "call.take"
        self.commands += 1
        if self.down or self.rng.random() < self.away:
            raise Unavailable("The dispatcher does not answer.")
        for seq, fact in body["calls"]:
            if seq > self.cursors.get(body["ledger"], 0):
                self.rows.append(fact["id"])
                self.cursors[body["ledger"]] = seq
        if self.rng.random() < self.away:
            raise Unavailable("It died after the commit.")
        return {"taken": self.cursors[body["ledger"]]}


def call(name):
    return Entry(EntryKind.CALL, name, {"id": name, "at": Clock().now(), "usd": 0.0})


@pytest.fixture
def opener(tmp_path):
    opened = []

    def open_one(name="router.db"):
        opened.append(Ledger(tmp_path / name, Clock(), lambda call: []))
        return opened[-1]

    yield open_one
    for ledger in opened:
        ledger.close()


async def until_shipped(shipping, deadline_s=10):
    async with asyncio.timeout(deadline_s):
        while True:
            try:
                return await shipping.ship()
            except Unavailable:
                await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(5))
async def test_each_call_is_taken_once_over_deaths_of_either_side(opener, seed):
    rng = Random(seed)
    desk = Desk(rng)
    desk.away = 0.4
    ledger = opener()
    names = []
    for turn in range(30):
        names.append(f"r:{turn}")
        await ledger.append([call(names[-1])])
        if rng.random() < 0.3:  # the router dies: what it has not shipped is in its file
            ledger.close()
            ledger = opener()
        shipping = Shipping(ledger, lambda: desk, 0)
        with contextlib.suppress(Unavailable):
            await shipping.ship()
    desk.away = 0
    await until_shipped(Shipping(ledger, lambda: desk, 0))
    assert desk.rows == names
    assert await ledger.unshipped(10) == []


async def test_more_than_a_page_is_shipped_in_order(opener):
    ledger, desk = opener(), Desk()
    names = [f"r:{n}" for n in range(450)]
    await ledger.append([call(name) for name in names])
    await Shipping(ledger, lambda: desk, 0).ship()
    assert (desk.rows, desk.commands) == (names, 3)


async def test_a_ledger_from_an_old_copy_ships_under_a_new_name_so_that_nothing_is_lost(
    opener, tmp_path
):
    ledger, desk = opener(), Desk()
    await ledger.append([call("old")])
    ledger.close()
    copy = (tmp_path / "router.db").read_bytes()
    ledger = opener()
    await ledger.append([call(f"r:{n}") for n in range(5)])
    await Shipping(ledger, lambda: desk, 0).ship()
    ledger.close()
    (tmp_path / "router.db").write_bytes(copy)
    ledger = opener()
    await ledger.append([call("after")])
    await Shipping(ledger, lambda: desk, 0).ship()
    assert "after" in desk.rows
    assert len(desk.cursors) == 2


async def test_the_loop_ships_what_comes_and_outlives_an_absence(opener):
    ledger, desk = opener(), Desk()
    shipping = Shipping(ledger, lambda: desk, 0)
    desk.down = True
    running = asyncio.create_task(shipping.run())
    await ledger.append([call("r:1")])
    shipping.nudge()
    async with asyncio.timeout(10):
        while desk.commands < 2:
            await asyncio.sleep(0.005)
        assert "does not answer" in shipping.said
        desk.down = False
        while desk.rows != ["r:1"] or shipping.said != "well":
            await asyncio.sleep(0.005)
    running.cancel()


async def test_waiting_for_an_absent_desk_ends_and_says_why(opener):
    ledger, desk = opener(), Desk()
    desk.down = True
    await ledger.append([call("r:1")])
    with pytest.raises(Unavailable, match=r"not in the main store yet.*does not answer"):
        await Shipping(ledger, lambda: desk, 0).ship_within(0.15)
    assert len(await ledger.unshipped(10)) == 1


async def test_a_desk_that_takes_nothing_is_not_believed(opener):
    class Deaf(Desk):
        async def command(self, name, body):
            return {"taken": 0}

    ledger = opener()
    await ledger.append([call("r:1")])
    with pytest.raises(Unavailable, match="took none"):
        await Shipping(ledger, Deaf, 0).ship()
    assert len(await ledger.unshipped(10)) == 1
