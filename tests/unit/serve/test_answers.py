"""Refusals are problems, limits hold, and what is secret stays here."""

import json
import logging

import pytest

from engine.settings import ServeSettings, Settings
from serve.api import build_app
from store.secrets import Secrets

from .line import Line

SECRET = 'hunter2-"quoted"-geheim-ünd-lang'


async def problem(answer, status, slug):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:heliograph:problem:{slug}"
    assert {"title", "status", "detail"} <= set(body)
    assert body["status"] == status
    return body


async def test_an_address_that_is_not_there(owner):
    await problem(await owner.get("/v1/nothing"), 404, "not-found")


async def test_a_method_that_does_not_fit(owner):
    answer = await owner.delete("/v1/jobs")
    body = await problem(answer, 405, "wrong-method")
    assert answer.headers["Allow"] == body["allowed"]


async def test_a_body_with_wrong_parts_lists_them(owner, house):
    answer = await owner.post("/v1/jobs/xxxx/signal", json={"name": 3, "more": 1})
    body = await problem(answer, 400, "bad-input")
    assert {one["field"] for one in body["fields"]} == {"name", "more"}


@pytest.mark.parametrize(
    "body", [b"{", b"[1", b'{"a": NaN}', b"\xff\xfe", b"[" * 3000, b'"text"', b"[]", b"3", b""]
)
async def test_what_is_no_json_object_is_refused(owner, body):
    json_type = {"Content-Type": "application/json"}
    await problem(await owner.post("/v1/jobs", content=body, headers=json_type), 400, "bad-input")


@pytest.mark.parametrize(
    ("request_", "slug"),
    [
        ({"run": ["true"], "lane": 1}, "bad-input"),
        ({"run": ["true"], "backend": "nobody"}, "unknown-name"),
        ({"run": ["true"], "cwd": "/there/is/no/such/place"}, "not-a-directory"),
        ({"run": ["echo", "{{nobody}}"]}, "unknown-name"),
        ({"run": ["true"], "misspelt": 1}, "bad-input"),
        ({}, "bad-input"),
        ({"jobs": []}, "bad-input"),
    ],
)
async def test_a_job_that_cannot_be_is_refused_with_a_remedy(owner, request_, slug):
    body = await problem(await owner.post("/v1/jobs", json=request_), 400, slug)
    assert body["remedy"]
    assert (await owner.get("/v1/jobs")).json()["items"] == []


async def test_a_body_that_announces_too_much_is_not_read(owner):
    answer = await owner.post("/v1/jobs", json={"sh": "x" * 5000})
    body = await problem(answer, 413, "payload-too-large")
    assert "4096" in body["detail"]


async def test_a_body_that_grows_too_large_is_cut_off(owner):
    async def unannounced():
        for _ in range(50):
            yield b"x" * 1000

    headers = {"Content-Type": "application/json"}
    answer = await owner.post("/v1/jobs", content=unannounced(), headers=headers)
    await problem(answer, 413, "payload-too-large")


async def test_a_surprise_is_an_incident_and_no_stack_trace(house, caplog):
    Secrets(house.home.secrets).set("DEPLOY", SECRET)

    class Broken:
        async def query(self, name, body):
            raise RuntimeError(f"the inside of the machine, {SECRET}")

    app = build_app(Broken(), house.hub, house.home, settings=Settings())
    with caplog.at_level(logging.ERROR, "heliograph.api"):
        async with Line(app, "/v1/status") as line:
            text = await line.text()
    body = json.loads(text)
    assert (line.status, body["type"]) == (500, "urn:heliograph:problem:house-fault")
    assert "machine" not in text
    assert body["incident"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text


# -- secrets -------------------------------------------------------------------------------


async def test_a_registered_secret_leaves_in_no_answer(owner, house):
    job = await house.submit(name=f"use {SECRET}", env={"K": SECRET})
    order = await house.ordered(job)
    house.write(order, f"login with {SECRET} done\n".encode())
    shown = f"/v1/jobs/{job}"
    assert json.loads((await owner.get(shown)).text)["name"] == f"use {SECRET}"
    Secrets(house.home.secrets).set("DEPLOY", SECRET)
    for path in (shown, "/v1/jobs", "/v1/events", f"{shown}/log"):
        answer = await owner.get(path)
        assert answer.status_code == 200
        for form in (SECRET, json.dumps(SECRET)[1:-1], "hunter2"):
            assert form not in answer.text, path
        assert "[redacted]" in json.dumps(answer.json())


async def test_a_registered_secret_leaves_in_no_stream(app, house):
    Secrets(house.home.secrets).set("DEPLOY", SECRET)
    job = await house.submit(name=SECRET)
    order = await house.ordered(job)
    house.write(order, f"{SECRET}\n".encode())
    async with Line(app, "/v1/events/stream", {"after": 0, "prefix": "job.sub"}) as line:
        assert (await line.frame()).data["data"]["name"] == "[redacted]"
    async with Line(app, f"/v1/jobs/{job}/log/stream") as line:
        assert (await line.frame()).data["text"] == "[redacted]\n"


async def test_the_token_itself_leaves_in_no_answer(owner, house):
    await house.submit(name="the-token-of-the-house")
    assert (await owner.get("/v1/jobs")).json()["items"][0]["name"] == "[redacted]"


async def test_a_private_key_in_a_name_does_not_break_the_answer(owner, house):
    await house.submit(name="-----BEGIN RSA PRIVATE KEY-----", project="after")
    job = (await owner.get("/v1/jobs")).json()["items"][0]
    assert (job["name"], job["project"]) == ("[redacted]", "after")


async def test_text_of_a_program_that_is_no_text_still_comes_out(owner, house):
    await house.submit(name="caf\u00e9 \u2028 \x00\x1b[31m")
    assert (await owner.get("/v1/jobs")).json()["items"][0]["name"].startswith("caf\u00e9")


# -- headers -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/status", "/v1/none", "/static/house.js"])
async def test_every_answer_carries_the_security_headers(owner, path):
    headers = (await owner.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert "access-control-allow-origin" not in headers


async def test_answers_about_the_house_are_kept_by_no_cache(owner):
    assert (await owner.get("/v1/status")).headers["cache-control"] == "no-store"


def test_settings_are_read_from_the_home_where_none_are_given(house):
    (house.home.root / "config.toml").write_text("[serve]\nwait_s = 17\n")
    app = build_app(house.desk, house.hub, str(house.home.root))
    assert app.state.wiring.settings.serve == ServeSettings(wait_s=17)
