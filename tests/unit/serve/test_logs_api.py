"""Output of a job: from any byte, live, over several attempts, and never a broken character."""

import asyncio
import json

import pytest

from engine.failures import Cause, Failure
from engine.outcomes import Failed
from serve.api import shapes

from .line import Line


@pytest.fixture
async def order(house):
    return await house.ordered(await house.submit(delays_s=[0]))


async def test_output_is_read_from_any_byte_on(owner, house, order):
    house.write(order, b"first\nsecond\n")
    whole = (await owner.get(f"/v1/jobs/{order.job}/log")).json()
    page = shapes.LogPage.model_validate(whole)
    assert (page.text, page.next_offset, page.at_rest) == ("first\nsecond\n", 13, False)
    rest = (await owner.get(f"/v1/jobs/{order.job[-8:]}/log?offset=6&epoch=1")).json()
    assert (rest["text"], rest["offset"], rest["epoch"]) == ("second\n", 6, 1)
    tail = (await owner.get(f"/v1/jobs/{order.job}/log?tail=4")).json()
    assert (tail["text"], tail["offset"]) == ("ond\n", 9)


async def test_a_job_that_never_ran_has_no_output_and_rests_with_it(owner, house):
    job = await house.submit(run_at=4_000_000_000_000_000)
    page = (await owner.get(f"/v1/jobs/{job}/log")).json()
    assert (page["text"], page["epoch"], page["at_rest"]) == ("", 0, False)
    await owner.post(f"/v1/jobs/{job}/cancel")
    assert (await owner.get(f"/v1/jobs/{job}/log")).json()["at_rest"]


async def test_a_reader_who_waits_gets_output_when_it_comes(owner, house, order):
    url = f"/v1/jobs/{order.job}/log?wait_s=20"
    reader = asyncio.create_task(owner.get(url))
    await house.followed()
    await house.tell(order, "here\n")
    assert (await asyncio.wait_for(reader, 5)).json()["text"] == "here\n"


async def test_a_character_is_never_cut_in_two(owner, house, order):
    house.write(order, "né".encode()[:2])
    page = (await owner.get(f"/v1/jobs/{order.job}/log")).json()
    assert (page["text"], page["next_offset"]) == ("n", 1)
    house.write(order, "né".encode()[2:])
    rest = (await owner.get(f"/v1/jobs/{order.job}/log?offset=1")).json()
    assert (rest["text"], rest["next_offset"]) == ("é", 3)


async def test_long_output_comes_in_pieces_that_fit_together(owner, house, order):
    text = "0123456789é\n" * 50_000
    house.write(order, text.encode())
    await house.end(order)
    await house.until(order.job, "succeeded")
    read, offset, rest = "", 0, False
    while not rest:
        page = (await owner.get(f"/v1/jobs/{order.job}/log?offset={offset}")).json()
        read, offset, rest = read + page["text"], page["next_offset"], page["at_rest"]
    assert read == text


async def test_a_stream_follows_output_over_attempts_and_ends_with_the_job(app, house, order):
    house.write(order, b"one\n")
    async with Line(app, f"/v1/jobs/{order.job}/log/stream") as line:
        assert (await line.frame()).data["text"] == "one\n"
        await house.end(order, Failed(Failure(cause=Cause.OTHER, message="again")))
        second = await house.ordered(order.job)
        await house.tell(second, "two\n")
        again = await line.frame()
        assert (again.data["epoch"], again.data["text"]) == (2, "two\n")
        await house.end(second)
        last = await line.frame(timeout_s=10)
    assert (last.kind, last.data["at_rest"]) == ("end", True)


async def test_a_stream_goes_on_from_its_last_event_id(app, house, order):
    house.write(order, b"one\ntwo\n")
    url = f"/v1/jobs/{order.job}/log/stream"
    async with Line(app, url, last_event_id="1:4") as line:
        await line.text()
        text = await line.text()
    assert "id: 1:8\n" in text
    assert json.loads(text.split("data: ")[1])["text"] == "two\n"


async def test_the_log_of_no_job_is_a_problem_not_a_stream(app):
    async with Line(app, "/v1/jobs/zzzzzzzz/log/stream") as line:
        assert line.status == 404
        assert (await line.body())["type"].endswith(":not-found")


@pytest.mark.parametrize("name", ["..%2f..%2ftoken", "../../token", "%2e%2e"])
async def test_no_id_leads_out_of_the_logs(owner, house, name):
    answer = await owner.get(f"/v1/jobs/{name}/log")
    assert answer.status_code in (400, 404)
    assert "the-token" not in answer.text
