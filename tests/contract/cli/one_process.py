"""A whole house in one process, without Ray: dispatcher, sessions, hub and API, all real.

It lives on a thread with its own event loop and serves HTTP on loopback, so that `helio` can stand
before it as it does before the house on Ray.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from actors.dispatcher import Dispatcher
from actors.dispatching.crew import FaceCrew
from actors.hub import Hub
from actors.session import Outside, Session
from engine.errors import from_problem
from serve.api import build_app
from store.config import load_settings
from store.home import Home
from tests.unit.actors.sessions.kit import OpenBook

_DEADLINE_S = 30
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


class Crew(FaceCrew):
    """Sessions in this process."""

    def __init__(self, home: Home) -> None:
        self._home = str(home.root)
        self.sessions: dict[str, Session] = {}
        self.dispatcher: Dispatcher
        self.the_hub: Hub

    async def find(self, session):
        return self.sessions.get(session)

    async def make(self, session, directory):
        if session not in self.sessions:
            outside = Outside(
                find_desk=lambda: self.dispatcher,
                find_hub=lambda: self.the_hub,
                open_secrecy=lambda _: OpenBook({"GREETING": "hello from the vault"}),
            )
            self.sessions[session] = Session(session, self._home, directory, outside)
        return self.sessions[session]

    async def hub(self):
        return self.the_hub

    async def retire(self, session):
        if gone := self.sessions.pop(session, None):
            await gone.close()


class OneProcess:
    """The house's life: up, serving, down."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._up = threading.Event()
        self._down: asyncio.Event
        self.dispatcher: Dispatcher
        self._loop: asyncio.AbstractEventLoop
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        assert self._up.wait(_DEADLINE_S), "the house did not come up"
        if self._fault:
            raise self._fault

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._down.set)
        self._thread.join(_DEADLINE_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as fault:  # noqa: BLE001  it is raised in the test's thread
            self._fault = fault
            self._up.set()

    async def _live(self) -> None:
        self._loop, self._down = asyncio.get_running_loop(), asyncio.Event()
        crew = Crew(self._home)
        crew.dispatcher = Dispatcher(str(self._home.root), crew)
        self.dispatcher = crew.dispatcher
        desk = Desk(crew.dispatcher)
        crew.the_hub = Hub(str(self._home.root), lambda: desk)
        async with asyncio.timeout(_DEADLINE_S):
            while not crew.dispatcher.health()["ready"]:
                await asyncio.sleep(0.005)
        app = build_app(desk, crew.the_hub, self._home, settings=load_settings(self._home))
        await self._serve(app)
        for session in crew.sessions.values():
            await session.close()
        await crew.the_hub.close()
        await crew.dispatcher.close()

    async def _serve(self, app) -> None:
        config = uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        server.capture_signals = _no_signals
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        self._home.ports.write_text(json.dumps({"api": f"http://127.0.0.1:{port}"}))
        self._up.set()
        await self._down.wait()
        server.should_exit = True
        await serving


@contextmanager
def _no_signals() -> Iterator[None]:
    """The server is on a thread of its own, where no signal arrives."""
    yield


@contextmanager
def one_process(home: Home) -> Iterator[OneProcess]:
    """Open a house in a home, and close it."""
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.token.write_text(TOKEN)
    home.token.chmod(0o600)
    house = OneProcess(home)
    house.start()
    try:
        yield house
    finally:
        house.stop()
