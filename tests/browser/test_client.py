"""The client of the CLI against the API, over a socket: both sides mean the same."""

import asyncio
from itertools import islice

import pytest

from engine.errors import BadInput, Denied, NotFound
from interfaces.client import Client
from tests.unit.serve.conftest import TOKEN


@pytest.fixture
async def ask(url):
    """Ask as the CLI does, on a thread of its own."""
    client = Client(url, TOKEN)

    async def on_a_thread(word, **body):
        return await asyncio.to_thread(client.ask, word, body)

    on_a_thread.client = client
    yield on_a_thread
    client.close()


async def test_words_go_there_and_answers_come_back(ask, house):
    made = await ask("job.submit", jobs=[{"run": ["true"], "source": "cli"}], idem_key="k")
    (job,) = made["ids"]
    assert (await ask("job.submit", jobs=[{"run": ["true"], "source": "cli"}], idem_key="k"))[
        "replayed"
    ]
    order = await house.ordered(job)
    await house.tell(order, "hello\n")
    page = await asyncio.to_thread(ask.client.log, job, wait_s=5)
    assert (page["text"], page["epoch"], page["at_rest"]) == ("hello\n", 1, False)
    waiter = asyncio.create_task(ask("job.show", id=job, wait_s=20))
    await house.end(order)
    assert (await waiter)["state"] in ("running", "succeeded")
    await house.until(job, "succeeded")
    listed = await ask("job.list", states=["succeeded"], lanes=["P2"], limit=5)
    assert [one["id"] for one in listed["items"]] == [job]


async def test_events_are_followed_as_they_come(ask, house):
    job = await house.submit()

    def first(count):
        return list(islice(ask.client.events(0, ["job."], job), count))

    frames = await asyncio.wait_for(asyncio.to_thread(first, 2), 20)
    assert frames[0].kind == "job.submitted"
    assert frames[1].seq > frames[0].seq > 0


async def test_refusals_arrive_as_the_errors_they_were(ask, url):
    with pytest.raises(NotFound) as gone:
        await ask("job.show", id="zzzzzzzz")
    assert gone.value.remedy
    with pytest.raises(BadInput):
        await ask("job.submit", jobs=[{"run": ["true"], "lane": 2}])
    stranger = Client(url, "wrong")
    with pytest.raises(Denied):
        await asyncio.to_thread(stranger.ask, "house.status")
    stranger.close()


async def test_switches_take_who_turned_them(ask):
    assert (await ask("house.pause", by="cli"))["paused_at"] > 0
    assert (await ask("house.resume", by="cli"))["paused_at"] == 0
