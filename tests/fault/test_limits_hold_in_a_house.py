"""What is closed stays unasked and costs time only: limits, halts, fences, secrets."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest

from tests.fault.house import House, eventually
from tests.fault.provided import KEYS, Provided, provided

pytestmark = pytest.mark.fault
US = 1_000_000
# What an agent does with an official client: asks once, and when refused gives up or hangs about.
AGENT = """
import os, pathlib, signal, time
import anthropic
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # so that it could try again, if it wanted to
asked = pathlib.Path("asked")
pathlib.Path("ready").touch()
def note(request):
    with asked.open("a") as log: log.write("asked\\n")
while not pathlib.Path("go").exists(): time.sleep(0.05)
client = anthropic.Anthropic(
    http_client=anthropic.DefaultHttpxClient(event_hooks={"request": [note]}))
try:
    said = client.messages.create(
        model="claude-middle", max_tokens=50, messages=[{"role": "user", "content": "hi"}])
except anthropic.RateLimitError:
    if os.environ["HANGS"] == "no": raise
    time.sleep(3600)
print(said.content[0].text)
"""
KEEPS_ITS_KEY = """
echo "$HELIOGRAPH_MODELS_KEY" > "key.$HELIO_EPOCH"
echo $$ > "pid.$HELIO_EPOCH"
test "$HELIO_EPOCH" = 1 && sleep 3600
true
"""
STREAMS = """
import json, os, urllib.request
body = {"model": "claude-middle", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "content-type": "application/json"})
said = urllib.request.urlopen(request).read()
print("whole" if b"[DONE]" in said else "cut")
"""


@pytest.fixture(scope="module")
def whole() -> Iterator[Provided]:
    with provided() as shop:
        shop.register_keys()
        yield shop


@pytest.fixture
def shop(whole: Provided) -> Provided:
    """The house with three makers, and a provider that has seen nothing yet."""
    whole.provide("ant", "oai", "gem")
    whole.forget()
    return whole


def python(code: str) -> list[str]:
    return [sys.executable, "-P", "-c", code]


def room(shop: Provided, name: str) -> Path:
    made = shop.house.home.root / name
    made.mkdir()
    return made


def gateway(shop: Provided, key: str, **body: object) -> httpx.Response:
    """Ask the gateway in the dialect of the door `oai`."""
    url = shop.gateway_url() + "/v1/chat/completions"
    said = {"model": "gpt-middle", "messages": [{"role": "user", "content": "hi"}]} | body
    return httpx.post(url, json=said, headers={"authorization": f"Bearer {key}"}, timeout=20)


def restart_router(house: House) -> None:
    house.await_another("router", house.kill("router"), 30)


# -- closed by a limit --------------------------------------------------------------------------
def test_urgent_work_spills_and_background_work_waits_for_the_reset(shop: Provided) -> None:
    shop.script({"delay_s": 0.1}, times=0)  # the probe takes long enough to be overtaken
    told = shop.close_door("ant", 8)
    urgent = shop.answered("now", model="claude-middle", lane="P1")
    assert (urgent["state"], urgent["result"]["served"]["substituted"]) == ("succeeded", True)
    assert urgent["result"]["served"]["model"] == "gpt-middle"

    late = [shop.ask(f"late {n}", model="claude-middle", lane="P4") for n in range(2)]
    for job in late:
        view = shop.house.await_job(job, "delayed")
        assert view["reason"] == "rate_limit"
        assert told <= view["run_at"] < told + 5 * US
    restart_router(shop.house)
    late.append(shop.ask("late 2", model="claude-middle", lane="P4"))
    shop.house.await_job(late[-1], "delayed")
    for job in late:
        assert shop.at_rest(job)["state"] == "succeeded"

    first, *after = shop.log(door="ant")
    assert first["outcome"] == "throttled"
    assert len(after) == len(late)
    assert all(one["at"] >= told for one in after)  # none before the reset
    assert after[1]["at"] >= after[0]["ended_at"]  # and then one, before there are more
    assert [one["outcome"] for one in after] == ["ok"] * len(late)


def test_agents_whose_models_are_closed_are_stopped_and_go_on_at_the_reset(shop: Provided) -> None:
    shop.provide("ant")
    rooms = {hangs: room(shop, f"hangs-{hangs}") for hangs in ("yes", "no")}
    jobs = [
        shop.submit(run=python(AGENT), cwd=str(here), models=True, env={"HANGS": hangs})
        for hangs, here in rooms.items()
    ]
    for here in rooms.values():
        eventually((here / "ready").exists, 30, "the client is imported")
    told = shop.close_door("ant", 14)  # what is looked at before must be done by then
    for job, here in zip(jobs, rooms.values(), strict=True):  # one after the other: two calls at
        (here / "go").touch()  # once would both be under way when the first is turned away
        view = shop.house.await_job(job, "delayed", "failed", deadline_s=20)
        assert (view["state"], view["reason"]) == ("delayed", "rate_limit"), view["error"]
        assert told <= view["run_at"] < told + 5 * US
    for here in rooms.values():
        assert (here / "asked").read_text() == "asked\n"  # no client tried again
    before = Counter(one["model"] for one in shop.log())
    assert set(before.values()) == {1}  # and nothing closed was asked twice
    for job in jobs:
        done = shop.at_rest(job, 60)
        assert (done["state"], done["failures"]) == ("succeeded", 0)
        assert done["result"]["text"] == "echo: hi"
    assert all(one["at"] >= told for one in shop.log(outcome="ok"))


def test_what_was_opened_by_hand_is_not_waited_for_any_longer(shop: Provided) -> None:
    assert shop.helio("model", "trip", "ant", "--for", "1h").code == 0
    job = shop.ask("hi", model="claude-middle", lane="P4")
    shop.house.await_job(job, "delayed")
    assert shop.helio("model", "reset", "ant").code == 0
    assert shop.at_rest(job, 10)["state"] == "succeeded"


# -- halt ---------------------------------------------------------------------------------------
def test_a_halt_cuts_jobs_in_mid_answer_and_resume_lets_them_go_on(shop: Provided) -> None:
    shop.script({"text": "a " * 500, "chunks": 500, "delay_s": 0.1}, times=2)
    jobs = [
        shop.ask("long", model="claude-middle"),
        shop.submit(run=python(STREAMS), models=True),
    ]
    eventually(lambda: len(shop.log()) == 2, 20, "both are under way")
    began = monotonic()
    assert shop.helio("halt").code == 0
    eventually(lambda: {one["outcome"] for one in shop.log()} == {"left"}, 5, "both are cut")
    assert monotonic() - began < 5
    for job in jobs:
        shop.house.await_job(job, "ready", "delayed", "blocked", deadline_s=10)
    assert len(shop.log()) == 2
    assert shop.helio("resume").code == 0
    ended = [shop.at_rest(job) for job in jobs]
    assert [one["result"]["text"] for one in ended] == ["echo: long", "whole"]
    assert [one["failures"] for one in ended] == [0, 0]


# -- keys ---------------------------------------------------------------------------------------
def test_the_key_of_an_attempt_that_was_superseded_opens_nothing(shop: Provided) -> None:
    here = room(shop, "fenced")
    job = shop.submit(sh=KEEPS_ITS_KEY, cwd=str(here), models=True)
    eventually((here / "pid.1").exists, 20, "the first attempt runs")
    eventually(lambda: (here / "pid.1").read_text().strip(), 5, "it wrote its pid")
    old = (here / "key.1").read_text().strip()
    assert gateway(shop, old).status_code == 200
    family = psutil.Process(int((here / "pid.1").read_text())).parents()
    session = next(one for one in family if "ray::Session" in " ".join(one.cmdline()))
    session.kill()
    assert shop.at_rest(job, 40)["state"] == "succeeded"
    new = (here / "key.2").read_text().strip()
    asked = len(shop.log())
    for key in (old, new, "hk-" + "x" * 43):
        refused = gateway(shop, key)
        assert refused.status_code == 401
        assert key not in refused.text
    assert len(shop.log()) == asked
    assert not shop.log(outcome="leaked")


def test_the_key_of_a_provider_is_nowhere_although_it_echoes_it(shop: Provided) -> None:
    shop.provide("oai")
    token = shop.house.home.token.read_text().strip()
    key = KEYS["OAI_KEY"]
    said: list[str] = []
    for status in (400, 401):
        shop.script(fault={"status": status, "message": f"Your key {key} is wrong."}, door="oai")
        answer = gateway(shop, token)
        assert answer.status_code >= 400
        said += [answer.text, str(answer.headers)]
        shop.house.call("POST", "/v1/models/oai/reset", {})
    shop.script({"text": f"You sent {key} to me."}, door="oai")
    shop.script(fault={"status": 400, "message": f"No: {key}"}, door="oai")
    jobs = [shop.answered("tell me", model="gpt-middle") for _ in range(2)]
    said += [str(job) for job in jobs]
    shop.script(fault={"error": 2, "message": f"No: {key}"}, times=2, door="oai")
    said.append(gateway(shop, token, stream=True).text)
    said.append(str(shop.house.call("GET", "/v1/events?limit=500")))
    said += [shop.helio("model", "list").out, shop.helio("job", "logs", jobs[0]["id"]).out]
    for text in said:
        assert key not in text
    files = [one for one in shop.house.home.root.rglob("*") if one.is_file()]
    held = [one for one in files if key.encode() in one.read_bytes()]
    assert [one.parent.name for one in held] == ["secrets"]
