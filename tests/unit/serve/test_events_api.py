"""Events: pages, and live streams without a gap and without a double."""

import asyncio

import pytest

from serve.api import shapes

from .line import Line

STREAM = "/v1/events/stream"


async def stored(house) -> int:
    return (await house.desk.query("house.status", {}))["last_seq"]


def place(beat: str) -> int:
    return int(beat.partition("id: ")[2].strip())


async def test_pages_of_events_lead_from_one_to_the_next(owner, house):
    job = await house.submit()
    await house.end(await house.ordered(job))
    await house.until(job, "succeeded")
    first = shapes.EventPage.model_validate((await owner.get("/v1/events?limit=2")).json())
    assert [event.seq for event in first.items] == [1, 2]
    rest = (await owner.get("/v1/events", params={"after": first.cursor})).json()
    assert rest["items"][0]["seq"] == 3
    wanted = {"prefixes": ["job.succ", "job.sub"], "subject": job}
    found = (await owner.get("/v1/events", params=wanted)).json()
    assert [event["kind"] for event in found["items"]] == ["job.submitted", "job.succeeded"]


async def test_a_stream_without_a_place_begins_now(app, house):
    await house.submit()
    await house.hub.after(await stored(house) - 1, (), "", 5)
    async with Line(app, STREAM) as line:
        assert (await line.text()).startswith(": beat\nid: ")
        job = await house.submit()
        assert (await line.frame()).data["subject"] == job


async def test_a_stream_goes_on_where_the_reader_was_and_then_lives(app, house):
    for _ in range(3):
        await house.submit()
    last = await stored(house)
    async with Line(app, STREAM, {"after": 2}) as line:
        assert await line.seqs(last - 2) == list(range(3, last + 1))
        await house.submit()
        assert (await line.frame()).seq == last + 1


async def test_last_event_id_counts_more_than_the_address(app, house):
    await house.submit()
    last = await stored(house)
    async with Line(app, STREAM, {"after": 0}, last_event_id=str(last - 1)) as line:
        assert await line.seqs(1) == [last]


async def test_the_event_stream_is_also_given_to_who_accepts_it(app, house):
    await house.submit()
    async with Line(app, "/v1/events", {"after": 0}, accept="text/event-stream") as line:
        assert await line.seqs(2) == [1, 2]


async def test_filters_let_through_only_what_was_asked_for(app, house):
    async with Line(app, STREAM, {"after": 0, "prefix": ["job.submitted"]}) as line:
        one, two = await house.submit(), await house.submit()
        subjects = [(await line.frame()).data["subject"] for _ in range(2)]
    assert subjects == [one, two]
    async with Line(app, STREAM, {"after": 0, "subject": two}) as line:
        assert (await line.frame()).data["subject"] == two


async def test_passing_events_come_only_to_those_who_ask(app, house):
    job = await house.submit()
    order = await house.ordered(job)
    await house.hub.after(-1, (), "", 5)  # until it is ready it takes nothing that passes
    async with Line(app, STREAM, {"passing": "true", "prefix": "job.output"}) as line:
        await line.text()
        await house.tell(order, "hello\n")
        frame = await line.frame()
    assert (frame.kind, frame.data["data"]["text"], frame.seq) == ("job.output", "hello\n", 0)


async def test_a_reader_who_comes_before_the_hub_is_ready_still_hears_what_passes(app, house):
    order = await house.ordered(await house.submit())
    await house.hub.after(-1, (), "", 5)
    house.hub._ready = False
    async with Line(app, STREAM, {"passing": "true", "prefix": "job.output"}) as line:
        await line.text()
        house.hub._ready = True
        await house.tell(order, "hello\n")
        assert (await line.frame()).data["data"]["text"] == "hello\n"


async def test_unnamed_frames_are_for_onmessage(app, house):
    async with Line(app, STREAM, {"named": "false", "after": 0}) as line:
        await house.submit()
        frame = await line.frame()
    assert (frame.kind, bool(frame.data["kind"])) == ("message", True)


async def test_a_silent_stream_beats_and_tells_how_far_it_is(app, house):
    async with Line(app, STREAM, {"prefix": "nothing."}) as line:
        await line.text()
        await house.submit()
        last = await stored(house)
        async with asyncio.timeout(10):
            while place(beat := await line.text()) < last:
                assert beat.startswith(": beat\n")


async def test_a_reader_older_than_the_ring_reads_the_store_first(app, house):
    for _ in range(4):
        await house.submit()
    last = await stored(house)
    await house.hub.after(last - 1, (), "", 5)
    house.hub._ring.refill([])
    house.hub._ring._drop(last - 2)  # as if the ring were full
    async with Line(app, STREAM, {"after": 0}) as line:
        assert await line.seqs(last) == list(range(1, last + 1))


async def test_nothing_is_lost_or_doubled_while_the_hub_dies_and_comes_back(app, house):
    async with Line(app, STREAM, {"after": 0}) as line:
        seen = await line.seqs(1)
        await house.submit()
        await house.hub.close()
        house.hub._ready = False
        await house.submit()
        house.hub._main = asyncio.create_task(house.hub._live())
        await house.submit()
        while len(seen) < (last := await stored(house)):
            seen += await line.seqs(1)
    assert seen == list(range(1, last + 1))


async def test_a_reader_who_hangs_up_leaves_nothing_waiting(app, house):
    async with Line(app, STREAM) as line:
        await line.text()
        await house.followed()
    await house.unfollowed()


@pytest.mark.parametrize("query", [{"after": "-1"}, {"after": "x"}])
async def test_a_place_that_is_none_is_refused(owner, query):
    assert (await owner.get(STREAM, params=query)).status_code == 400
