"""Jobs that ask models, end to end: dispatcher, sessions, router and a strict fake provider."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors import system
from actors.plans import Kind
from actors.refs import RayDesk, Ref
from store.home import Home
from tests.fake_provider.client import FakeProvider
from tests.fake_provider.fixtures import fake_provider, fake_provider_url  # noqa: F401
from tests.unit.actors.routing.kit import PROVIDER, TOKEN

pytestmark = pytest.mark.ray
CONFIG = "[models]\nport = 0\nhold_s = 0\nship_every_s = 0.02\nbackoff_first_s = 1\n"
DEADLINE_S = 60
OFFICIAL = """
import anthropic, openai
asked = [{"role": "user", "content": "ahoy"}]
one = anthropic.Anthropic().messages.create(model="tiny", max_tokens=50, messages=asked)
two = openai.OpenAI().chat.completions.create(model="tiny", messages=asked)
print(one.content[0].text, "and", two.choices[0].message.content)
"""
STUBBORN = """
import json, os, time, urllib.error, urllib.request
url, key = os.environ["HELIOGRAPH_MODELS_URL"], os.environ["HELIOGRAPH_MODELS_KEY"]
body = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}
ask = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(),
                             {"x-api-key": key, "content-type": "application/json"})
try:
    print(json.load(urllib.request.urlopen(ask))["choices"][0]["message"]["content"])
except urllib.error.HTTPError as refused:
    print("refused", refused.code, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def house(
    cluster: str,
    tmp_path_factory: pytest.TempPathFactory,
    fake_provider_url: str,  # noqa: F811
) -> Iterator[Home]:
    """Raise the whole crew over a home whose one provider is the fake."""
    home = Home.at(tmp_path_factory.mktemp("models") / "home")
    for directory in (home.root, home.empty, home.secrets):
        directory.mkdir(mode=0o700)
    url = f"{fake_provider_url}/at/one"
    said = {"name": "one", "url": url, "secret": "ONE_KEY", "model": "tiny"}
    for path, text in (
        (home.token, TOKEN),
        (home.config, CONFIG),
        (home.secrets / "ONE_KEY", "sk-of-one"),
        (home.models, PROVIDER.format(**said)),
    ):
        path.write_text(text)
        path.chmod(0o600)
    asyncio.run(system.raise_crew(str(home.root), DEADLINE_S))
    yield home
    asyncio.run(_end())


async def _end() -> None:
    for name in await system.names():
        await system.retire(name)


class Place:
    """The dispatcher, and the questions that these tests ask it."""

    def __init__(self) -> None:
        self.desk = RayDesk(Kind.DISPATCHER)

    async def submit(self, **request: Any) -> str:
        made = await self.desk.command("job.submit", {"jobs": [request]})
        return str(made["ids"][0])

    async def until(self, job: str, *states: str) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                view = await self.desk.query("job.show", {"id": job})
                if view["state"] in states:
                    return view
                assert view["state"] not in ("failed", "succeeded"), view["error"] or view
                await asyncio.sleep(0.02)


@pytest.fixture
async def place(house: Home, fake_provider: FakeProvider) -> AsyncIterator[Place]:  # noqa: F811
    await Ref(Kind.ROUTER).call("command", "model.reset", {"name": "one"})
    return Place()


async def test_a_prompt_is_answered_and_its_cost_is_the_jobs(place: Place) -> None:
    job = await place.submit(backend="llm", prompt="ahoy", lane="P1")
    view = await place.until(job, "succeeded")
    served = view["result"]["served"]
    assert view["result"]["text"] == "echo: ahoy"
    assert (served["model"], served["provider"], served["asked"]) == ("tiny", "one", "auto")
    (call,) = view["calls"]
    assert (call["ok"], call["lane"], call["session"]) == (True, 1, "session/pool-llm-0")
    assert view["cost_usd"] == served["cost_usd"] == call["usd"] > 0


async def test_many_at_once_share_a_session_and_a_conversation_keeps_its_order(
    place: Place,
) -> None:
    jobs = [await place.submit(backend="llm", prompt=f"n{n}") for n in range(6)]
    talk = [await place.submit(backend="llm", prompt=f"t{n}", conversation="c") for n in range(3)]
    views = [await place.until(job, "succeeded") for job in [*jobs, *talk]]
    assert {view["owner"] for view in views} <= {"session/pool-llm-0", "session/pool-llm-1"}
    turns = (await place.desk.query("turn.list", {"conversation": "c"}))["items"]
    said = [turn["blocks"][-1]["text"] for turn in turns]
    assert said == ["t0", "echo: t0", "t1", "echo: t1", "t2", "echo: t2"]


async def test_a_promised_shape_is_kept_and_a_file_is_read(
    place: Place,
    tmp_path: Path,
    fake_provider: FakeProvider,  # noqa: F811
) -> None:
    (tmp_path / "notes.txt").write_text("the tide is high")
    schema = {
        "type": "object",
        "properties": {"tide": {"enum": ["high", "low"]}},
        "required": ["tide"],
        "additionalProperties": False,
    }
    await fake_provider.answer({"text": "It is high."})
    await fake_provider.answer({"text": '{"tide": "high"}'})
    more = {"schema": schema, "attach": ["notes.txt"], "cwd": str(tmp_path)}
    view = await place.until(
        await place.submit(backend="llm", prompt="How is the tide?", **more), "succeeded"
    )
    assert view["result"]["data"] == {"tide": "high"}
    asked = await fake_provider.log()
    assert "the tide is high" in json.dumps(asked[0]["body"])
    assert "does not have the promised shape" in json.dumps(asked[1]["body"])
    assert len(view["calls"]) == 2


async def test_a_script_with_official_clients_has_lane_budget_and_costs(place: Place) -> None:
    job = await place.submit(run=[sys.executable, "-c", OFFICIAL], models=True, lane="P3")
    view = await place.until(job, "succeeded")
    assert view["result"]["text"] == "echo: ahoy and echo: ahoy"
    assert [(call["dialect"], call["lane"]) for call in view["calls"]] == [
        ("anthropic", 3),
        ("chat", 3),
    ]
    assert view["cost_usd"] == pytest.approx(sum(call["usd"] for call in view["calls"]))


async def test_a_script_whose_models_are_all_closed_is_interrupted_and_goes_on_at_the_reset(
    place: Place,
    fake_provider: FakeProvider,  # noqa: F811
) -> None:
    await fake_provider.fault({"status": 429, "style": "retry-after", "reset_s": 4}, door="one")
    job = await place.submit(run=[sys.executable, "-c", STUBBORN], models=True)
    view = await place.until(job, "delayed")
    assert (view["reason"], view["failures"]) == ("rate_limit", 0)
    (refused,) = await fake_provider.log()
    until_us = refused["at"] + 4_000_000
    assert abs(view["run_at"] - until_us) < 1_500_000
    view = await place.until(job, "succeeded")
    assert (view["result"]["text"], view["failures"], view["epoch"]) == ("echo: hi", 0, 2)
    times = [one["at"] for one in await fake_provider.log()]
    assert len(times) == 2
    assert times[1] >= until_us - 50_000, "nobody was asked before the reset"


async def test_a_question_is_delayed_by_a_limit_and_answered_after_it(
    place: Place,
    fake_provider: FakeProvider,  # noqa: F811
) -> None:
    await fake_provider.fault({"status": 429, "style": "retry-after", "reset_s": 2}, door="one")
    job = await place.submit(backend="llm", prompt="ahoy")
    assert (await place.until(job, "delayed"))["reason"] == "rate_limit"
    view = await place.until(job, "succeeded")
    assert (view["failures"], len(await fake_provider.log())) == (0, 2)


async def test_a_router_that_dies_in_mid_answer_costs_a_question_nothing_but_time(
    place: Place,
    fake_provider: FakeProvider,  # noqa: F811
) -> None:
    await fake_provider.answer({"text": "one two three four", "chunks": 4, "delay_s": 1.0})
    job = await place.submit(backend="llm", prompt="ahoy", lane="P1")
    await fake_provider.until(lambda seen: len(seen) == 1, within_s=20)
    pid = (await Ref(Kind.ROUTER).call("health"))["pid"]
    os.kill(pid, signal.SIGKILL)
    view = await place.until(job, "succeeded")
    assert (view["result"]["text"], view["epoch"], view["failures"]) == ("echo: ahoy", 1, 0)
