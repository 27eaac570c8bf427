"""The council asks through the gateway, each member as itself, and ends within its time."""

import asyncio
import contextlib
import json

import pytest
from aiohttp import web

from actors.backends.council import CouncilAttempt
from actors.council import Council
from engine.messages import Order

CANDIDATES = [
    {"model": "opus", "family": "claude", "tier": "ultra", "state": "open"},
    {"model": "gpt", "family": "gpt", "tier": "ultra", "state": "open"},
    {"model": "gemini", "family": "gemini", "tier": "mid", "state": "open"},
    {"model": "off", "family": "grok", "tier": "ultra", "state": "disabled"},
]


class Listing:
    """The router, as far as the council asks it."""

    async def query(self, name, body):
        assert name == "model.list"
        return {"candidates": CANDIDATES}


class Gateway:
    """Speaks chat completions on a unix socket; `script` says what each model does."""

    def __init__(self, socket):
        self.socket = socket
        self.asked = []
        self.script = {}
        self.release = asyncio.Event()

    async def answer(self, request):
        body = await request.json()
        model = body["model"]
        self.asked.append((model, request.headers.get("x-helio-pin"), body["messages"]))
        said = self.script.get(model, f"{model} says yes")
        if said == "hang":
            await self.release.wait()
        if isinstance(said, int):
            return web.json_response({"error": {"message": "closed"}}, status=said)
        headers = {"x-helio-served-model": f"{model}-1", "x-helio-cost-usd": "0.25"}
        message = {"role": "assistant", "content": said}
        return web.json_response({"choices": [{"message": message}]}, headers=headers)


@contextlib.asynccontextmanager
async def serving(socket):
    gateway = Gateway(socket)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", gateway.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.UnixSite(runner, socket).start()
    try:
        yield gateway
    finally:
        gateway.release.set()
        await runner.cleanup()


class Still:
    """A clock that stands still."""

    def now(self):
        return 0

    def monotonic(self):
        return 0.0


@pytest.fixture
async def gateway(tmp_path):
    async with serving(str(tmp_path / "g.sock")) as open_one:
        yield open_one


@pytest.fixture
async def council(tmp_path):
    one = Council(str(tmp_path), Listing, Still())
    yield one
    await one.close()


async def ask(council, gateway, **more):
    body = {"question": "Is it so?", "key": "hk-x", "socket": gateway.socket} | more
    return await council.ask(body)


async def test_different_families_are_asked_pinned_and_weighed_by_the_middle(council, gateway):
    weighed = {"answer": "it is", "dissent": [{"member": "B", "says": "hardly"}]}
    gateway.script["mid"] = json.dumps(weighed)
    verdict = (await ask(council, gateway))["ok"]
    assert (verdict["answer"], verdict["label"]) == ("it is", "3 of 3 answered")
    assert verdict["dissent"] == [{"model": "gpt", "says": "hardly"}]
    assert verdict["usd"] == 1.0
    assert sorted(model for model, pin, _ in gateway.asked if pin) == ["gemini", "gpt", "opus"]
    assert [model for model, pin, _ in gateway.asked if not pin] == ["mid"]
    assert verdict["votes"][0]["served"] == "opus-1"


async def test_named_members_sit_and_a_closed_one_is_missing(council, gateway):
    gateway.script |= {"opus": 429}
    verdict = (await ask(council, gateway, members=["opus", "gpt"], quorum=1))["ok"]
    assert (verdict["answer"], verdict["label"]) == ("gpt says yes", "1 of 2 answered")
    assert verdict["votes"][0]["why"] == "closed"


async def test_who_hangs_does_not_hold_the_others(council, gateway):
    gateway.script |= {"gemini": "hang", "mid": "both say yes"}
    verdict = (await ask(council, gateway, total_s=0.5))["ok"]
    assert verdict["label"] == "2 of 3 answered"
    assert verdict["answer"] == "both say yes"


async def test_a_missed_quorum_has_a_label_and_no_answer(council, gateway):
    gateway.script |= {"opus": 429, "gpt": 500}
    verdict = (await ask(council, gateway))["ok"]
    assert (verdict["answer"], verdict["label"]) == ("", "0 of 3 answered; 2 are needed")


async def test_a_quorum_that_cannot_come_is_refused_with_a_remedy(council, gateway):
    problem = (await ask(council, gateway, quorum=4))["problem"]
    assert "3 families are configured" in problem["detail"]
    assert problem["status"] == 409, "nothing is away, so that waiting would not help"
    problem = (await ask(council, gateway, members=["opus"], quorum=2))["problem"]
    assert problem["status"] == 400
    assert gateway.asked == []


async def test_a_gateway_that_is_away_is_told_and_not_raised(council, gateway):
    gateway.socket += ".gone"
    verdict = (await ask(council, gateway))["ok"]
    assert verdict["votes"][0]["why"].startswith("the gateway does not answer")


async def test_it_says_how_it_is(council):
    async with asyncio.timeout(5):
        while not (await council.health())["ready"]:
            await asyncio.sleep(0)


def test_a_sitting_ends_before_its_job_is_stopped():
    order = Order(job="j", epoch=1, backend="council", payload={"prompt": "So?"}, total_s=10)
    assert CouncilAttempt(order, None)._question() == {"question": "So?", "total_s": 9.0}
