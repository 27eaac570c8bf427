"""Jobs that ask models, through a real dispatcher and real sessions, at a gateway of paper."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.session import Outside, Session
from engine.errors import BadInput
from store.home import Home
from tests.unit.actors.asking.kit import Gateway, Router, refuses, says
from tests.unit.actors.test_dispatcher import LocalCrew, NoSecrets, Place


class Desk:
    """The dispatcher as a session sees it."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def report(self, session, incarnation, reports):
        return await self._place.dispatcher.report(session, incarnation, reports)

    async def query(self, name, body):
        return await self._place.query(name, **body)


class Crew(LocalCrew):
    """Sessions that reach the paper gateway."""

    place: Place
    router: Router

    async def make(self, session, directory):
        if session not in self.sessions:
            outside = Outside(
                find_desk=lambda: Desk(self.place),
                find_hub=lambda: self,
                find_router=lambda: self.router,
                open_secrecy=lambda _: NoSecrets(),
            )
            self.sessions[session] = Session(session, str(self.home.root), directory, outside)
        return self.sessions[session]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    made = Gateway(Router(), [says("Hello there.")])
    await made.open(tmp_path / "g.sock")
    yield made
    await made.close()


@pytest.fixture
async def place(tmp_path: Path, gateway: Gateway, monkeypatch) -> AsyncIterator[Place]:
    home = Home.at(tmp_path / "home")
    home.root.mkdir()
    home.config.write_text("[llm]\nturns = 4\n")
    home.config.chmod(0o600)
    monkeypatch.setattr("tests.unit.actors.test_dispatcher.LocalCrew", Crew)
    made = Place(home)
    made.crew.place, made.crew.router = made, gateway.router
    await made.ready()
    yield made
    await made.crew.close()
    await made.dispatcher.close()


async def ask(place, prompt, **said):
    return await place.submit(backend="llm", prompt=prompt, **said)


async def test_a_prompt_becomes_an_answer_that_says_who_gave_it(place, gateway):
    view = await place.until(await ask(place, "Who?", lane="P1"), "succeeded")
    assert view["result"]["text"] == "Hello there."
    assert view["result"]["served"]["model"] == "fake-mid"
    assert gateway.router.bound[0]["lane"] == 1
    assert [worker["name"] for worker in (await place.query("worker.list"))["items"]] == [
        "session/pool-llm-0"
    ]


async def test_a_conversation_is_kept_and_goes_on_in_the_next_job(place, gateway):
    gateway.scripts = [says("Blue."), says("Green."), says("Red.")]
    jobs = [await ask(place, f"Colour {n}?", conversation="chat", project="p") for n in range(3)]
    for job in jobs:
        await place.until(job, "succeeded")
    assert gateway.most == 1, "its jobs go one at a time"
    assert [m["content"] for m in gateway.asked[2]["messages"]] == [
        "Colour 0?", "Blue.", "Colour 1?", "Green.", "Colour 2?",
    ]  # fmt: skip
    (kept,) = (await place.query("conversation.list"))["items"]
    assert (kept["name"], kept["project"], kept["turns"]) == ("chat", "p", 6)
    page = await place.query("turn.list", conversation="chat", project="p", limit=4)
    assert [turn["blocks"][-1]["text"] for turn in page["items"]] == [
        "Colour 1?", "Green.", "Colour 2?", "Red.",
    ]  # fmt: skip
    older = await place.query("turn.list", session=kept["id"], cursor=page["next_cursor"])
    assert [turn["role"] for turn in older["items"]] == ["user", "assistant"]
    assert older["next_cursor"] is None


async def test_a_step_may_be_a_question_and_its_data_goes_on(place, gateway):
    gateway.scripts = [says('{"city": "Oslo"}')]
    steps = {
        "where": {"prompt": "Which?", "backend": "llm", "schema": {"required": ["city"]}},
        "tell": {"run": ["echo", "{{results.where.city}}"], "needs": "where"},
    }
    run = await place.command("pipeline.run", pipeline={"steps": steps})
    view = await place.until(run["steps"]["tell"], "succeeded")
    assert view["result"]["text"] == "Oslo"


async def test_a_schema_that_cannot_be_used_is_refused_before_anything_is_stored(place):
    with pytest.raises(BadInput, match="ask: The schema of the answer cannot be used: at type"):
        await ask(place, "x", schema={"type": "objekt"}, name="ask")
    step = {"prompt": "x", "backend": "llm", "map": [1], "schema": {"$ref": "http://x/"}}
    with pytest.raises(BadInput, match=r"each: .* nothing is fetched"):
        await place.command("pipeline.run", pipeline={"steps": {"each": step}})
    assert (await place.query("job.list"))["items"] == []


async def test_a_limit_delays_the_job_until_it_resets_and_counts_no_failure(place, gateway):
    gateway.scripts = [refuses(429, "All closed.", retry_after="1"), says("Open again.")]
    job = await ask(place, "x")
    view = await place.until(job, "delayed")
    assert (view["reason"], view["failures"]) == ("rate_limit", 0)
    view = await place.until(job, "succeeded")
    assert (view["result"]["text"], view["failures"]) == ("Open again.", 0)


async def test_a_budget_delays_the_job_and_says_so(place, gateway):
    until = str(2**51)
    gateway.scripts = [refuses(429, "Spent.", x_helio_error="budget_exceeded", x_helio_until=until)]
    view = await place.until(await ask(place, "x"), "delayed")
    assert (view["reason"], view["run_at"], view["failures"]) == ("budget", 2**51, 0)
    assert "[budgets]" in view["error"]["remedy"]


async def test_nothing_configured_ends_the_job_with_the_sentence_that_says_what_to_do(
    place, gateway
):
    told = "No provider of models is configured. Run `helio model init`."
    said_apart = {
        "x_helio_error": "nothing_configured",
        "x_helio_remedy": "Run `helio model init`.",
    }
    gateway.scripts = [refuses(503, told, **said_apart)]
    view = await place.until(await ask(place, "x"), "failed")
    said = "No provider of models is configured."
    assert (view["error"]["message"], view["error"]["retryable"]) == (said, False)
    assert view["error"]["remedy"] == "Run `helio model init`."


async def test_a_cancelled_question_ends_at_the_gateway_too(place, gateway):
    gateway.scripts = [says("never", hold=asyncio.Event())]
    job = await ask(place, "x")
    async with asyncio.timeout(10):
        while not gateway.under_way:
            await asyncio.sleep(0.01)
        await place.command("job.cancel", id=job)
        await place.until(job, "cancelled")
        while gateway.under_way:
            await asyncio.sleep(0.01)
