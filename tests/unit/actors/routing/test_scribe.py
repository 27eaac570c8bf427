"""What the core says is durable before anything is done about it, in few appends, once."""

from __future__ import annotations

import asyncio

import pytest

from actors.routing.scribe import Scribe
from engine.errors import StoreFull
from routing.ports import Entry, EntryKind


class Book:
    """A ledger that is as slow and as full as the test wants."""

    def __init__(self):
        self.batches = []
        self.open = asyncio.Event()
        self.open.set()
        self.full = False

    async def append(self, entries):
        await self.open.wait()
        if self.full:
            raise StoreFull("The disk is full.")
        self.batches.append([entry.key for entry in entries])


class Core:
    def __init__(self):
        self.said = []

    def say(self, *keys, kind=EntryKind.STATE):
        self.said += [Entry(kind, key, {"a": 1}) for key in keys]

    def take(self):
        taken, self.said = self.said, []
        return taken


@pytest.fixture
async def made():
    book, core, news = Book(), Core(), []
    return book, core, Scribe(book, core.take, lambda: news.append(1)), news


async def test_nothing_said_costs_nothing(made):
    book, _, scribe, _ = made
    await scribe.durable()
    assert book.batches == []


async def test_callers_that_come_together_share_one_append(made):
    book, core, scribe, _ = made
    book.open.clear()
    core.say("first")
    first = asyncio.create_task(scribe.durable())
    await asyncio.sleep(0)
    waiting = []
    for n in range(20):
        core.say(f"k{n}")
        waiting.append(asyncio.create_task(scribe.durable()))
        await asyncio.sleep(0)
    assert not first.done()
    book.open.set()
    await asyncio.gather(first, *waiting)
    assert book.batches == [["first"], [f"k{n}" for n in range(20)]]


async def test_what_somebody_else_took_is_awaited_too(made):
    book, core, scribe, _ = made
    book.open.clear()
    core.say("a")
    first = asyncio.create_task(scribe.durable())
    await asyncio.sleep(0)
    second = asyncio.create_task(scribe.durable())
    await asyncio.sleep(0.01)
    assert not second.done(), "it would answer before what was said is on disk"
    book.open.set()
    await asyncio.gather(first, second)


async def test_a_caller_that_goes_away_neither_loses_nor_doubles_anything(made):
    book, core, scribe, _ = made
    book.open.clear()
    core.say("a")
    gone = asyncio.create_task(scribe.durable())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    book.open.set()
    core.say("b")
    await scribe.durable()
    assert book.batches == [["a"], ["b"]]


async def test_what_a_full_disk_refused_is_written_with_the_next(made):
    book, core, scribe, _ = made
    book.full = True
    core.say("a")
    with pytest.raises(StoreFull):
        await scribe.durable()
    with pytest.raises(StoreFull):
        await scribe.durable()
    book.full = False
    core.say("b")
    await scribe.durable()
    assert book.batches == [["a", "b"]]


async def test_shipping_hears_of_calls_and_of_nothing_else(made):
    _, core, scribe, news = made
    core.say("a")
    await scribe.durable()
    assert news == []
    core.say("b", kind=EntryKind.CALL)
    await scribe.durable()
    assert news == [1]
