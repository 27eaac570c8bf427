"""Decisions, projects, workers and the house through `/v1`."""

import pytest

from serve.api import shapes


@pytest.fixture
async def decision(house):
    job = await house.submit(wait={"ask": "Publish?", "options": ["yes", "no"]})
    view = await house.until(job, "waiting")
    return view["decisions"][0]["id"] if view["decisions"] else (
        await house.desk.query("decision.list", {})
    )["items"][0]["id"]  # fmt: skip


async def test_a_decision_is_listed_shown_and_answered_once(owner, decision, house):
    listed = (await owner.get("/v1/decisions", params={"state": "open"})).json()
    assert [one["id"] for one in listed["items"]] == [decision]
    shown = await owner.get(f"/v1/decisions/{decision}")
    view = shapes.DecisionView.model_validate(shown.json())
    tag = shown.headers["ETag"]
    assert tag == f'"{view.version}"'
    said = await owner.post(
        f"/v1/decisions/{decision}/answer", json={"option": "yes"}, headers={"If-Match": tag}
    )
    assert (said.status_code, said.json()["answer"], said.json()["state"]) == (
        200, "yes", "answered",
    )  # fmt: skip
    again = await owner.post(f"/v1/decisions/{decision}/answer", json={"option": "no"})
    assert again.status_code == 409
    assert "yes" in again.json()["detail"]


async def test_an_unchanged_decision_is_not_sent_again(owner, decision):
    tag = (await owner.get(f"/v1/decisions/{decision}")).headers["ETag"]
    same = await owner.get(f"/v1/decisions/{decision}", headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")


async def test_an_answer_to_an_older_version_is_refused(owner, decision):
    url = f"/v1/decisions/{decision}/answer"
    old = await owner.post(url, json={"option": "yes"}, headers={"If-Match": '"0"'})
    assert old.status_code == 409
    odd = await owner.post(url, json={"option": "yes"}, headers={"If-Match": '"x"'})
    assert odd.status_code == 400


async def test_projects_are_added_and_listed(owner, tmp_path):
    body = {"name": "Site Web", "roots": [str(tmp_path)], "lane": "P1"}
    added = await owner.post("/v1/projects", json=body)
    assert added.status_code == 201
    project = shapes.ProjectView.model_validate(added.json())
    assert (await owner.get(f"/v1/projects/{project.id}")).json()["name"] == "Site Web"
    listed = (await owner.get("/v1/projects")).json()["items"]
    assert project.id in [one["id"] for one in listed]


async def test_workers_whose_names_have_a_slash_are_shown_and_retired(owner, house, tmp_path):
    job = await house.submit(cwd=str(tmp_path), persistent=True)
    await house.end(await house.ordered(job))
    await house.until(job, "succeeded")
    (worker,) = (await owner.get("/v1/workers")).json()["items"]
    name = shapes.WorkerView.model_validate(worker).name
    assert name.startswith("session/")
    assert (await owner.get(f"/v1/workers/{name}")).json()["directory"] == str(tmp_path)
    retired = await owner.post(f"/v1/workers/{name}/retire")
    assert (retired.status_code, retired.json()["state"]) == (200, "retired")


async def test_the_house_is_halted_and_resumed(owner, house):
    before = shapes.Status.model_validate((await owner.get("/v1/status")).json())
    assert (before.ready, before.halted_at) == (True, 0)
    halted = shapes.Status.model_validate((await owner.post("/v1/house/halt")).json())
    assert halted.halted_at > 0
    assert (await owner.post("/v1/house/resume", json={"by": "me"})).json()["halted_at"] == 0
    assert (await owner.post("/v1/house/pause")).json()["paused_at"] > 0


async def test_watching_machines_need_no_token(stranger):
    assert (await stranger.get("/healthz")).text == "ok\n"
    assert (await stranger.get("/readyz")).text == "ready\n"
    metrics = await stranger.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'heliograph_actor_up{actor="dispatcher"} 1.0' in metrics.text


async def test_readiness_fails_while_the_dispatcher_is_away_and_liveness_does_not(stranger, house):
    await house.dispatcher.close()
    house.dispatcher._bureau = None
    away = await stranger.get("/readyz")
    assert (away.status_code, away.json()["type"]) == (503, "urn:heliograph:problem:unavailable")
    assert (await stranger.get("/healthz")).status_code == 200
