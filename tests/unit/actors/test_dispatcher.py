"""The dispatcher in process: real store, real sessions, real processes, no Ray."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.dispatcher import Dispatcher
from actors.dispatching.crew import FaceCrew
from actors.session import Outside, Session
from engine.errors import BadInput, Conflict, HelioError, NotADirectory, NotFound, from_problem
from store.home import Home

DEADLINE_S = 10


class NoSecrets:
    """A house in which nothing was registered."""

    def read(self, name):
        raise NotFound(name)

    def redactor(self):
        return self

    def feed(self, text):
        return text

    def flush(self):
        return ""


class LocalCrew(FaceCrew):
    """Sessions as objects of this process."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.sessions: dict[str, Session] = {}
        self.desk: Dispatcher | None = None
        self.published: list[dict] = []

    async def find(self, session):
        return self.sessions.get(session)

    async def make(self, session, directory):
        if session not in self.sessions:
            outside = Outside(
                find_desk=lambda: self.desk,
                find_hub=lambda: self,
                open_secrecy=lambda _: NoSecrets(),
            )
            self.sessions[session] = Session(session, str(self.home.root), directory, outside)
        return self.sessions[session]

    async def hub(self):
        return self

    async def publish(self, events):
        self.published += events

    async def retire(self, session):
        gone = self.sessions.pop(session, None)
        if gone is not None:
            await gone.close()

    async def close(self):
        for session in list(self.sessions):
            await self.retire(session)


class Place:
    """A dispatcher with its crew, and the questions that tests ask."""

    def __init__(self, home: Home) -> None:
        self.crew = LocalCrew(home)
        self.dispatcher = self.crew.desk = Dispatcher(str(home.root), self.crew)

    async def command(self, verb, **body):
        return self._opened(await self.dispatcher.command(verb, body))

    async def query(self, question, **body):
        return self._opened(await self.dispatcher.query(question, body))

    @staticmethod
    def _opened(answer):
        if "problem" in answer:
            raise from_problem(answer["problem"])
        return answer["ok"]

    async def submit(self, **request):
        return (await self.command("job.submit", jobs=[request]))["ids"][0]

    async def until(self, job, *states):
        async with asyncio.timeout(DEADLINE_S):
            while True:
                view = await self.query("job.show", id=job)
                if view["state"] in states:
                    return view
                await asyncio.sleep(0.01)

    async def ready(self):
        async with asyncio.timeout(DEADLINE_S):
            while not self.dispatcher.health()["ready"]:
                await asyncio.sleep(0.01)


async def appears(path: Path) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not path.exists():
            await asyncio.sleep(0.01)


@pytest.fixture
async def place(tmp_path) -> AsyncIterator[Place]:
    home = Home.at(tmp_path / "home")
    home.root.mkdir()
    made = Place(home)
    await made.ready()
    yield made
    await made.crew.close()
    await made.dispatcher.close()


async def test_a_command_runs_and_its_output_is_the_result(place):
    job = await place.submit(run=["echo", "hello"])
    view = await place.until(job, "succeeded")
    assert view["result"]["text"] == "hello"
    assert view["attempts"][0]["outcome"] == "done"


async def test_a_failing_command_fails_with_cause_and_remedy(place):
    job = await place.submit(sh="echo broken >&2; exit 3")
    view = await place.until(job, "failed")
    assert view["error"]["cause"] == "tool"
    assert "broken" in view["error"]["message"]
    assert view["error"]["remedy"]


async def test_jobs_of_one_directory_run_one_after_the_other(place, tmp_path):
    line = "echo start >> log; sleep 0.05; echo end >> log"
    jobs = [await place.submit(sh=line, cwd=str(tmp_path)) for _ in range(4)]
    for job in jobs:
        await place.until(job, "succeeded")
    assert (tmp_path / "log").read_text().split() == ["start", "end"] * 4


async def test_a_running_job_is_cancelled_and_its_tree_is_gone(place, tmp_path):
    job = await place.submit(sh="echo $$ > new && mv new pid; sleep 600", cwd=str(tmp_path))
    await appears(tmp_path / "pid")
    asked = await place.command("job.cancel", id=job)
    assert asked["cancel_requested_at"]
    await place.until(job, "cancelled")
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


async def test_a_pipeline_fans_out_and_in(place):
    pipeline = {
        "name": "fan",
        "steps": {
            "left": {"run": ["echo", "l"]},
            "right": {"run": ["echo", "r"]},
            "join": {
                "run": ["echo", "{{results.left}} {{results.right}}"],
                "needs": ["left", "right"],
            },
        },
    }
    run = await place.command("pipeline.run", pipeline=pipeline)
    view = await place.until(run["id"], "succeeded", "failed")
    assert view["state"] == "succeeded"
    joined = await place.query("job.show", id=run["steps"]["join"])
    assert joined["result"]["text"].split() == ["l", "r"]


async def test_the_same_key_gives_the_same_job(place):
    body = {"jobs": [{"run": ["true"]}], "idem_key": "once"}
    first = await place.command("job.submit", **body)
    again = await place.command("job.submit", **body)
    assert again["ids"] == first["ids"]
    assert (first["replayed"], again["replayed"]) == (False, True)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"run": ["true"], "lane": 1}, BadInput),
        ({"run": ["true"], "backend": "nobody"}, HelioError),
        ({"run": ["true"], "cwd": "/nowhere/at/all"}, NotADirectory),
        ({"run": ["echo", "{{nonsense}}"]}, HelioError),
        ({"run": ["echo", "x" * 300_000]}, HelioError),
    ],
)
async def test_bad_input_is_refused_and_leaves_nothing(place, request_, error):
    with pytest.raises(error) as refusal:
        await place.submit(**request_)
    assert refusal.value.remedy
    assert (await place.query("job.list"))["items"] == []


async def test_unknown_jobs_and_finished_jobs_are_told_apart(place):
    with pytest.raises(NotFound):
        await place.command("job.cancel", id="nosuchjob")
    job = await place.submit(run=["true"])
    await place.until(job, "succeeded")
    with pytest.raises(Conflict):
        await place.command("job.cancel", id=job)


async def test_a_wait_costs_no_slot_and_goes_on_with_the_signal(place):
    waiting = await place.submit(wait={"signal": "go"})
    after = await place.submit(run=["echo", "{{prev_result}}"], needs=[waiting])
    await place.until(waiting, "waiting")
    assert (await place.query("house.status"))["running"] == 0
    await place.command("job.signal", id=waiting, name="go", payload="now")
    view = await place.until(after, "succeeded")
    assert view["result"]["text"] == "now"


async def test_halt_stops_what_runs_and_resume_lets_it_go_on(place, tmp_path):
    job = await place.submit(sh="test -e go || sleep 600", cwd=str(tmp_path))
    await place.until(job, "running")
    await place.command("house.halt")
    await place.until(job, "ready")
    (tmp_path / "go").touch()
    await place.command("house.resume")
    view = await place.until(job, "succeeded")
    assert view["failures"] == 0
    assert view["epoch"] == 2


async def test_a_new_dispatcher_adopts_what_still_runs(place, tmp_path):
    text = "touch began; while test ! -e go; do sleep 0.01; done; echo done"
    job = await place.submit(sh=text, cwd=str(tmp_path))
    await appears(tmp_path / "began")
    await place.dispatcher.close()
    place.dispatcher = place.crew.desk = Dispatcher(str(place.crew.home.root), place.crew)
    await place.ready()
    (tmp_path / "go").touch()
    view = await place.until(job, "succeeded")
    assert view["epoch"] == 1


async def test_a_dead_session_gives_its_job_back(place, tmp_path):
    job = await place.submit(
        sh="test -e go && echo done || { touch go; sleep 600; }", cwd=str(tmp_path)
    )
    await appears(tmp_path / "go")
    await place.crew.close()
    view = await place.until(job, "succeeded")
    assert (view["epoch"], view["reclaims"], view["failures"]) == (2, 1, 0)


async def test_a_large_result_keeps_its_end_and_becomes_a_file(place):
    job = await place.submit(sh="seq 1 50000")
    view = await place.until(job, "succeeded")
    assert view["result"]["truncated"]
    assert view["result"]["text"].endswith("50000")
    assert len(view["result"]["text"]) <= 64 * 1024
    (kept,) = view["artefacts"]
    digest = kept["sha256"]
    whole = (place.crew.home.artefacts / digest[:2] / digest).read_text()
    assert whole.split() == [str(n) for n in range(1, 50001)]


async def test_an_order_to_halt_that_nobody_took_is_taken_before_anything_runs(place):
    home = place.crew.home
    await place.submit(wait={"signal": "go"})
    await place.dispatcher.close()
    home.halted.touch()
    place.dispatcher = place.crew.desk = Dispatcher(str(home.root), place.crew)
    await place.ready()
    job = await place.submit(run=["true"])
    assert (await place.query("house.status"))["halted_at"]
    assert (await place.query("job.show", id=job))["state"] == "ready"
    assert not home.halted.exists()
