"""The hub streams, fills holes from the store, and counts on after its death."""

import asyncio
from typing import Any

import pytest

from actors.hub import Hub
from engine.errors import Unavailable

HOUSE = {"ready": True, "term": 1, "slots": 20, "running": 0, "counts": {}}


def event(seq: int, kind: str = "job.ready", subject: str = "a") -> dict[str, Any]:
    return {"seq": seq, "at": seq, "kind": kind, "subject": subject, "project": "", "data": {}}


class StoreDesk:
    """The desk's reading side over a list of events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.away = False
        self.asked = asyncio.Event()

    def write(self, *kinds: str) -> list[dict[str, Any]]:
        first = len(self.events) + 1
        new = [event(seq, kind) for seq, kind in enumerate(kinds, first)]
        self.events += new
        return new

    async def query(self, name: str, body: Any) -> dict[str, Any]:
        self.asked.set()
        if self.away:
            raise Unavailable("The dispatcher does not answer.")
        if name == "house.status":
            return HOUSE | {"last_seq": len(self.events)}
        if name == "event.list":
            items = [one for one in self.events if one["seq"] > body["after"]][: body["limit"]]
            return {"items": items, "cursor": items[-1]["seq"] if items else body["after"]}
        return {"items": [], "next_cursor": None}


@pytest.fixture
def desk() -> StoreDesk:
    return StoreDesk()


@pytest.fixture
async def births(tmp_path, desk):
    """Make hubs of one home; all are closed at the end."""
    made = []

    def born() -> Hub:
        made.append(Hub(str(tmp_path), lambda: desk))
        return made[-1]

    yield born
    for hub in made:
        await hub.close()


async def seqs(hub: Hub, cursor: int, **more: Any) -> list[int]:
    found = await hub.after(cursor, more.pop("prefixes", ()), "", 5, **more)
    return [one["seq"] for one in found["events"]]


async def test_a_reader_who_waits_gets_what_is_published(births, desk):
    hub = births()
    reader = asyncio.create_task(hub.after(0, ["job."], "", 5))
    await desk.asked.wait()
    await hub.publish(desk.write("worker.born", "job.ready"))
    found = await reader
    assert [one["kind"] for one in found["events"]] == ["job.ready"]
    assert found["cursor"] == 2


async def test_history_is_there_when_the_hub_is_ready(births, desk):
    desk.write(*["job.ready"] * 1203)
    assert await seqs(births(), 1200) == [1201, 1202, 1203]


async def test_a_hole_is_filled_from_the_store_at_once(births, desk):
    hub = births()
    await hub.publish(desk.write("job.ready"))
    assert await seqs(hub, 0) == [1]
    desk.write("job.running", "job.blocked")  # these two never arrive
    reader = asyncio.create_task(seqs(hub, 1))
    await hub.publish(desk.write("job.succeeded"))
    assert await asyncio.wait_for(reader, 2) == [2, 3, 4]


async def test_a_wait_ends_at_its_time_with_nothing_and_the_position(births, desk):
    desk.write("job.ready")
    found = await births().after(1, (), "", 0.01)
    assert found == {"events": [], "cursor": 1, "tick": -1}


async def test_now_answers_at_once_and_passing_events_follow_from_there(births):
    hub = births()
    now = await hub.after(-1, (), "", 5)
    await hub.publish([event(0, "job.output")])
    assert await seqs(hub, now["cursor"], tick=now["tick"]) == [0]
    assert (await hub.after(now["cursor"], (), "", 0))["events"] == []


async def test_a_hub_that_cannot_reach_the_desk_says_so_and_comes_up_later(births, desk):
    desk.away = True
    hub = births()
    await desk.asked.wait()
    assert not (await hub.health())["ready"]
    desk.write("job.ready")
    desk.away = False
    assert await seqs(hub, 0) == [1]
    assert (await hub.health())["ready"]


async def test_counters_survive_death_and_are_neither_lost_nor_doubled(births, desk):
    first = births()
    await first.publish(desk.write("job.ready", "job.ready"))
    assert await seqs(first, 0) == [1, 2]
    await first.close()
    desk.write("job.ready")  # while nobody listens
    second = births()
    assert await seqs(second, 2) == [3]
    assert 'heliograph_events_total{kind="job.ready"} 3.0' in await second.metrics()


async def test_counters_of_a_newer_store_than_this_one_are_dropped(births, desk):
    first = births()
    await first.publish(desk.write("job.ready", "job.ready"))
    assert await seqs(first, 0) == [1, 2]
    await first.close()
    del desk.events[1:]
    second = births()
    assert await seqs(second, 0) == [1]
    assert 'heliograph_events_total{kind="job.ready"} 1.0' in await second.metrics()


async def test_damaged_counters_are_counted_again(births, desk, tmp_path):
    (tmp_path / "tally.json").write_text("{")
    desk.write("job.ready")
    hub = births()
    assert await seqs(hub, 0) == [1]
    assert 'heliograph_events_total{kind="job.ready"} 1.0' in await hub.metrics()


async def test_metrics_are_given_while_the_desk_is_away(births, desk):
    hub = births()
    await hub.after(-1, (), "", 5)
    desk.away = True
    assert 'heliograph_actor_up{actor="dispatcher"} 0.0' in await hub.metrics()
