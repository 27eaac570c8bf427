"""What tests of the router share: a home with a catalogue, a desk and sessions on paper."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from actors.clock import SystemClock
from actors.router import Router
from actors.routing.office import Outside
from engine.errors import Unavailable, from_problem
from store.home import Home

TOKEN = "t" * 43
PATIENCE_S = 15.0
PROVIDER = """
[providers.{name}]
url = "{url}"
dialect = "chat"
transport = "direct"
keys = ["secret:{secret}"]
[[models]]
name = "{model}"
provider = "{name}"
id = "{model}-1"
family = "{model}"
tier = "mid"
input_usd = 1.0
output_usd = 2.0
context = 100000
"""


class MovedClock(SystemClock):
    """Real time plus what the test moved it by."""

    def __init__(self) -> None:
        self.moved_us = 0

    def now(self) -> int:
        return super().now() + self.moved_us


class Desk:
    """A dispatcher on paper: takes calls, and says whether the house is halted."""

    def __init__(self) -> None:
        self.calls: list[Mapping[str, Any]] = []
        self.notices: list[Mapping[str, Any]] = []
        self.cursor = 0
        self.halted_at = 0
        self.down = False

    async def command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._answers()
        assert name == "call.take"
        for seq, fact in body["calls"]:
            if seq > self.cursor:
                (self.calls if fact["kind"] == "call" else self.notices).append(fact)
                self.cursor = seq
        return {"taken": self.cursor}

    async def query(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._answers()
        assert name == "house.status"
        return {"halted_at": self.halted_at}

    def _answers(self) -> None:
        if self.down:
            raise Unavailable("The dispatcher does not answer.")


class Sessions:
    """Sessions on paper: what they were told."""

    def __init__(self) -> None:
        self.throttled: list[tuple[str, str, int, int]] = []

    def find(self, name: str) -> Any:
        sessions = self

        class Face:
            async def throttle(
                self, job: str, epoch: int, until: int, why: str, cause: str
            ) -> None:
                sessions.throttled.append((name, job, epoch, until))

        return Face()


class House:
    """A home and the routers that lived in it, one after another."""

    def __init__(self, root: Path) -> None:
        self.home = Home.at(root)
        self.home.root.mkdir(mode=0o700, exist_ok=True)
        self.home.token.write_text(TOKEN)
        self.home.empty.mkdir()
        self.home.config.write_text("[models]\nship_every_s = 0.01\n")
        self.home.config.chmod(0o600)
        self.desk, self.sessions, self.clock = Desk(), Sessions(), MovedClock()
        self.living: list[Router] = []

    def provide(self, *providers: Mapping[str, str]) -> None:
        """Write a catalogue of chat providers, in this order of preference."""
        self.home.secrets.mkdir(mode=0o700, exist_ok=True)
        told = []
        for one in providers:
            said = {"model": "tiny", "secret": f"{one['name'].upper()}_KEY"} | one
            path = self.home.secrets / said["secret"]
            path.write_text(f"sk-of-{one['name']}")
            path.chmod(0o600)
            told.append(PROVIDER.format(**said))
        self.home.models.write_text("".join(told))

    def router(self) -> Router:
        """Start a router; it may not be ready yet."""
        outside = Outside(
            clock=self.clock,
            find_desk=lambda: self.desk,  # type: ignore[arg-type,return-value]
            find_session=self.sessions.find,
        )
        self.living.append(Router(str(self.home.root), outside))
        return self.living[-1]

    async def ready(self) -> Router:
        """Start a router and wait until it listens."""
        router = self.router()
        await until(lambda: is_ready(router), "the router's readiness")
        return router

    async def close(self) -> None:
        """End all of them."""
        for router in self.living:
            await router.close()


async def is_ready(router: Router) -> bool:
    return bool((await router.health())["ready"])


async def until(condition: Callable[[], Awaitable[Any]], what: str = "the condition") -> Any:
    """Give the condition's value as soon as it is true."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (value := await condition()):
                await asyncio.sleep(0.005)
            return value
    except TimeoutError:
        raise AssertionError(f"{what} did not come true") from None


def ok(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Open an actor's answer as `actors.refs` does."""
    if "problem" in answer:
        raise from_problem(answer["problem"])
    return dict(answer["ok"])


def new_key() -> str:
    return f"hk-{secrets.token_urlsafe(32)}"


def who(job: str = "j1", epoch: int = 1, incarnation: str = "i1", **more: Any) -> dict[str, Any]:
    """Give the JSON of somebody behind a key."""
    said = {"session": "session/web", "incarnation": incarnation, "job": job, "epoch": epoch}
    return said | {"lane": 2} | more


async def chat(
    router: Router, key: str = TOKEN, text: str = "hi", model: str = "tiny", **more: Any
) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    """Ask through the gateway; gives status, body and headers."""
    url = ok(await router.query("gateway.where", {}))["url"]
    return await chat_at(url, key, text, model, **more)


async def chat_at(
    url: str, key: str, text: str = "hi", model: str = "tiny", **more: Any
) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    """Ask a gateway at an address."""
    body = {"model": model, "messages": messages(text)} | more
    async with (
        aiohttp.ClientSession(
            headers={"authorization": f"Bearer {key}"},
            timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
        ) as client,
        client.post(f"{url}/v1/chat/completions", json=body) as answer,
    ):
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, await answer.json(), headers


def messages(text: str) -> Sequence[Mapping[str, str]]:
    return [{"role": "user", "content": text}]
