"""Jobs through `/v1`, over the real dispatcher."""

import asyncio

import httpx
import pytest

from engine.failures import Cause, Failure
from engine.outcomes import Failed
from interfaces.routes import ROUTES, call_of
from serve.api import shapes


async def test_one_job_goes_in_and_is_shown(owner):
    made = await owner.post("/v1/jobs", json={"run": ["echo", "hi"], "lane": "P1", "name": "greet"})
    assert made.status_code == 201
    (job,) = made.json()["ids"]
    shown = await owner.get(f"/v1/jobs/{job[-8:]}")
    view = shapes.JobDetail.model_validate(shown.json())
    assert (view.id, view.lane, view.name) == (job, "P1", "greet")


async def test_many_jobs_go_in_together_or_not_at_all(owner):
    good = {"jobs": [{"key": "a", "run": ["true"]}, {"sh": "true", "needs": ["a"]}]}
    made = await owner.post("/v1/jobs", json=good)
    assert len(made.json()["ids"]) == 2
    bad = {"jobs": [{"run": ["true"]}, {"run": ["true"], "needs": ["nobody"]}]}
    assert (await owner.post("/v1/jobs", json=bad)).status_code == 404
    assert len((await owner.get("/v1/jobs")).json()["items"]) == 2


async def test_the_same_key_gives_the_same_job_and_says_so(owner):
    key = {"Idempotency-Key": "k1"}
    first = await owner.post("/v1/jobs", json={"run": ["true"]}, headers=key)
    again = await owner.post("/v1/jobs", json={"run": ["true"]}, headers=key)
    other = await owner.post("/v1/jobs", json={"run": ["false"]}, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (again.json()["ids"], again.json()["replayed"]) == (first.json()["ids"], True)
    assert other.status_code == 409
    assert other.json()["type"].endswith(":idempotency-mismatch")


async def test_lists_are_filtered_and_come_by_pages(owner, house):
    for lane in ("P0", "P3", "P3"):
        await house.submit(lane=lane, name=f"in {lane}")
    found = (await owner.get("/v1/jobs", params={"lanes": ["P3"], "limit": 1})).json()
    assert [job["lane"] for job in found["items"]] == ["P3"]
    shapes.Page[shapes.JobView].model_validate(found)
    rest = await owner.get("/v1/jobs", params={"lanes": ["P3"], "cursor": found["next_cursor"]})
    assert len(rest.json()["items"]) == 1
    named = await owner.get("/v1/jobs", params={"text": "in P0", "states": ["running", "ready"]})
    assert len(named.json()["items"]) == 1


@pytest.mark.parametrize(
    "query", [{"state": "running"}, {"states": "busy"}, {"limit": "0"}, {"lanes": "2"}]
)
async def test_a_filter_that_is_not_understood_is_refused_not_ignored(owner, query):
    refused = await owner.get("/v1/jobs", params=query)
    assert refused.status_code == 400
    assert refused.json()["type"] == "urn:heliograph:problem:bad-input"


async def test_cancel_retry_and_signal_are_carried_out(owner, house):
    job = await house.submit(run_at=4_000_000_000_000_000)
    cancelled = await owner.post(f"/v1/jobs/{job}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    again = await owner.post(f"/v1/jobs/{job}/retry")
    assert again.status_code == 201
    assert (await house.job(again.json()["id"]))["retry_of"] == job
    waits = await house.submit(wait={"signal": "go"})
    told = await owner.post(f"/v1/jobs/{waits}/signal", json={"name": "go", "payload": {"n": 1}})
    assert (told.json()["accepted"], told.json()["first"]) == (True, True)


async def test_a_waiter_is_told_when_the_job_is_at_rest(owner, house):
    job = await house.submit()
    waiter = asyncio.create_task(owner.get(f"/v1/jobs/{job}/wait", params={"timeout_s": 20}))
    await house.end(await house.ordered(job))
    shown = (await asyncio.wait_for(waiter, 5)).json()
    assert (shown["state"], shown["result"]["text"]) == ("succeeded", "done\n")
    at_once = await asyncio.wait_for(owner.get(f"/v1/jobs/{job}/wait"), 5)
    assert at_once.json()["state"] == "succeeded"


async def test_a_waiter_whose_time_is_over_gets_the_job_as_it_stands(owner, house):
    job = await house.submit(wait={"signal": "never"})
    shown = await owner.get(f"/v1/jobs/{job}/wait", params={"timeout_s": 0.05})
    assert (shown.status_code, shown.json()["state"]) == (200, "waiting")


async def test_a_look_with_wait_ends_at_the_next_change(owner, house):
    job = await house.submit(wait={"signal": "go"})
    await house.until(job, "waiting")
    look = asyncio.create_task(owner.get(f"/v1/jobs/{job}", params={"wait_s": 20}))
    await house.followed()
    await house.desk.command("job.signal", {"id": job, "name": "go"})
    assert (await asyncio.wait_for(look, 5)).json()["state"] == "succeeded"


async def test_a_wait_goes_on_without_the_hub(owner, house):
    job = await house.submit()
    order = await house.ordered(job)
    await house.hub.close()
    house.crew.the_hub = None
    house.hub._ready = False
    waiter = asyncio.create_task(owner.get(f"/v1/jobs/{job}/wait", params={"timeout_s": 2}))
    await house.end(order)
    assert (await asyncio.wait_for(waiter, 5)).json()["state"] == "succeeded"


async def test_a_failure_shows_its_cause_and_remedy(owner, house):
    job = await house.submit()
    failure = Failed(Failure(cause=Cause.PERMISSION, message="Not for you."))
    await house.end(await house.ordered(job), failure)
    view = shapes.JobDetail.model_validate((await owner.get(f"/v1/jobs/{job}")).json())
    assert view.error is not None
    assert (view.error["cause"], bool(view.error["remedy"])) == ("permission", True)


PIPELINE = {
    "name": "greet",
    "inputs": {"who": {"type": "string"}},
    "steps": {
        "hello": {"run": ["echo", "{{input.who}}"]},
        "again": {"run": ["echo", "{{prev_result}}"], "needs": ["hello"]},
    },
}


async def test_a_pipeline_is_rendered_and_run(owner):
    body = {"pipeline": PIPELINE, "inputs": {"who": "you"}}
    shown = (await owner.post("/v1/pipelines/render", json=body)).json()
    assert shapes.Rendered.model_validate(shown).order.index("hello") == 0
    assert (await owner.get("/v1/jobs")).json()["items"] == []
    run = await owner.post("/v1/pipelines/run", json=body | {"lane": "P3"})
    started = shapes.PipelineStarted.model_validate(run.json())
    assert set(started.steps) == {"hello", "again"}
    inside = await owner.get("/v1/jobs", params={"root": started.id, "kinds": "task"})
    assert {job["lane"] for job in inside.json()["items"]} == {"P3"}


async def test_a_circle_is_refused_with_its_path(owner):
    steps = {"a": {"run": ["true"], "needs": ["b"]}, "b": {"run": ["true"], "needs": ["a"]}}
    body = {"pipeline": {"name": "round", "steps": steps}, "inputs": {}}
    refused = await owner.post("/v1/pipelines/run", json=body)
    assert refused.status_code == 400
    assert refused.json()["type"].endswith(":cycle")
    assert "a" in refused.json()["detail"]


async def test_every_desk_word_of_the_client_has_a_route(owner: httpx.AsyncClient, app):
    paths = app.openapi()["paths"]
    for word, route in ROUTES.items():
        assert route.method.lower() in paths[route.path], word
    call = call_of("worker.show", {"name": "session/a-b"})
    answer = await owner.request(call.method, call.path)
    assert answer.json()["detail"].startswith("There is no worker session/a-b")
