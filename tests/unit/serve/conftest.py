"""A house in this process: the real dispatcher on a real store, the real hub, sessions of paper.

A paper session takes every order and does nothing by itself; a test lets it write output and
come to an end. So the API is tested over what it will meet, and no process is started.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from actors.clock import SystemClock
from actors.dispatcher import Dispatcher
from actors.dispatching.crew import FaceCrew
from actors.hub import Hub
from engine.errors import from_problem
from engine.jobs import Result
from engine.messages import Order, Report, ReportKind
from engine.outcomes import Done, Outcome, to_wire
from engine.settings import ServeSettings, Settings
from serve.api import build_app
from store.home import Home

DEADLINE_S = 20
TOKEN = "the-token-of-the-house"


class Desk:
    """The dispatcher without a border between."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    async def command(self, name, body):
        return self._opened(await self.dispatcher.command(name, body))

    async def query(self, name, body):
        return self._opened(await self.dispatcher.query(name, body))

    @staticmethod
    def _opened(answer):
        if "problem" in answer:
            raise from_problem(answer["problem"])
        return answer["ok"]


class PaperSession:
    """Takes orders and keeps them."""

    def __init__(self, name: str, orders: dict[str, tuple[str, Order]]) -> None:
        self.name = name
        self._orders = orders

    async def start(self, orders):
        taken = [Order.from_wire(one) for one in orders]
        self._orders |= {order.job: (self.name, order) for order in taken}
        accepted = [[order.job, order.epoch] for order in taken]
        return {"incarnation": "paper", "accepted": accepted, "refused": []}

    async def stop(self, job, epoch, why):
        pass

    async def status(self):
        mine = [[o.job, o.epoch] for name, o in self._orders.values() if name == self.name]
        told = {"incarnation": "paper", "ready": True}
        return told | {"running": mine, "queued": [], "unreported": []}


class PaperCrew(FaceCrew):
    """Sessions of paper, and a hub that may not be there yet."""

    def __init__(self) -> None:
        self.orders: dict[str, tuple[str, Order]] = {}
        self.sessions: dict[str, PaperSession] = {}
        self.the_hub: Hub | None = None

    async def find(self, session):
        return self.sessions.get(session)

    async def make(self, session, directory):
        return self.sessions.setdefault(session, PaperSession(session, self.orders))

    async def hub(self):
        return self.the_hub

    async def retire(self, session):
        self.sessions.pop(session, None)


class House:
    """Everything behind the API, and what tests do to it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.crew = PaperCrew()
        self.dispatcher = Dispatcher(str(home.root), self.crew)
        self.desk = Desk(self.dispatcher)
        self.hub = self.crew.the_hub = Hub(str(home.root), lambda: self.desk)

    async def submit(self, **request: Any) -> str:
        body = {"jobs": [{"run": ["true"]} | request if "wait" not in request else request]}
        return (await self.desk.command("job.submit", body))["ids"][0]

    async def job(self, job: str) -> dict[str, Any]:
        return await self.desk.query("job.show", {"id": job})

    async def until(self, job: str, state: str) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_S):
            while (view := await self.job(job))["state"] != state:
                await asyncio.sleep(0.005)
        return view

    async def ordered(self, job: str) -> Order:
        """Wait until a session has been given the job."""
        await until(lambda: job in self.crew.orders)
        return self.crew.orders[job][1]

    def write(self, order: Order, data: bytes) -> None:
        """Let the job write output to its log."""
        log = self.home.log_of(order.job, order.epoch)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            file.write(data)

    async def tell(self, order: Order, text: str) -> None:
        """Let the job write output, and the session tell the hub."""
        self.write(order, text.encode())
        body = {"seq": 0, "at": 1, "kind": "job.output", "subject": order.job, "project": ""}
        await self.hub.publish([body | {"data": {"epoch": order.epoch, "text": text}}])

    async def end(self, order: Order, outcome: Outcome | None = None) -> None:
        """Let the job come to an end."""
        name, _ = self.crew.orders.pop(order.job)
        data = to_wire(outcome or Done(Result(text="done\n", exit_code=0)))
        now = SystemClock().now()
        report = Report(
            job=order.job, epoch=order.epoch, kind=ReportKind.OUTCOME, at=now, data=data
        )
        assert await self.dispatcher.report(name, "paper", [report.to_wire()])

    async def followed(self) -> None:
        """Wait until somebody waits for the hub."""
        await until(lambda: self.hub._news._waiters)

    async def unfollowed(self) -> None:
        """Wait until nobody waits for the hub."""
        await until(lambda: not self.hub._news._waiters)

    async def close(self) -> None:
        await self.hub.close()
        await self.dispatcher.close()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that becomes true by itself."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home.at(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    home.token.write_text(TOKEN + "\n")
    home.token.chmod(0o600)
    return home


@pytest.fixture
async def house(home) -> AsyncIterator[House]:
    made = House(home)
    await until(lambda: made.dispatcher.health()["ready"])
    yield made
    await made.close()


@pytest.fixture
def settings() -> Settings:
    return Settings(serve=ServeSettings(request_bytes=4096, beat_s=1))


@pytest.fixture
def app(house, settings):
    return build_app(house.desk, house.hub, house.home, settings=settings)


@pytest.fixture
async def stranger(app) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8420") as client:
        yield client


@pytest.fixture
async def owner(stranger) -> httpx.AsyncClient:
    """A client with the token."""
    stranger.headers["Authorization"] = f"Bearer {TOKEN}"
    return stranger
