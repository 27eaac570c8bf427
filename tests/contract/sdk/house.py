"""The real router, gateway and ledger in this process, with the fake provider as all its models."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.router import Router
from actors.routing.office import Outside
from tests.fake_provider.client import FakeProvider

TOKEN = "the-owner-s-own-token"
# The model of each dialect's provider, as the provider knows it, and who trained it.
IDS = {
    "anthropic": ("claude-fake", "claude"),
    "chat": ("deepseek-fake", "deepseek"),
    "responses": ("gpt-5-fake", "gpt"),
    "gemini": ("gemini-3-fake", "gemini"),
}


@dataclass
class Taker:
    """A dispatcher that takes every call and notes it."""

    calls: list[Mapping[str, Any]] = field(default_factory=list)

    async def command(self, name: str, body: Any) -> dict[str, Any]:
        assert name == "call.take", name
        self.calls += [fact for _, fact in body["calls"] if fact["kind"] == "call"]
        return {"taken": body["calls"][-1][0]}

    async def query(self, name: str, body: Any) -> dict[str, Any]:
        assert name == "house.status", name
        return {"halted_at": 0}


@dataclass
class House:
    """A router that runs: where its gateway is, and what the dispatcher heard."""

    url: str
    router: Router
    desk: Taker

    async def settled(self) -> Sequence[Mapping[str, Any]]:
        """Give the finished calls, after they were shipped."""
        await self.router.release("no key at all")
        return self.desk.calls


def provider(name: str, url: str, dialect: str, **more: str) -> str:
    """Word a provider with one model for models.toml; its own name is no preset's."""
    served, family = IDS[dialect]
    words = {"dialect": dialect, "url": url, "transport": "direct"} | more
    told = "".join(f'{key} = "{value}"\n' for key, value in words.items())
    return (
        f'[providers.at-{name}]\n{told}keys = ["env:FAKE_KEY"]\n\n'
        f'[[models]]\nname = "{name}"\nprovider = "at-{name}"\nid = "{served}"\n'
        f'family = "{family}"\ntier = "mid"\ninput_usd = 1.0\noutput_usd = 10.0\n'
        'cache_read_usd = 0.1\nabilities = ["tools", "vision", "thinking", "json"]\n\n'
    )


@asynccontextmanager
async def open_house(place: Path, models: str) -> AsyncIterator[House]:
    """Run a router in a home of its own; the owner's token is the key."""
    home = place / "home"
    (home / "empty").mkdir(parents=True)
    (home / "config.toml").write_text("[models]\nport = 0\n")
    (home / "models.toml").write_text(models)
    (home / "token").write_text(TOKEN)
    (home / "token").chmod(0o600)
    desk = Taker()
    router = Router(str(home), Outside(find_desk=lambda: desk))
    try:
        where = await router.query("gateway.where", {})
        yield House(where["ok"]["url"], router, desk)
    finally:
        await router.close()


async def no_refusals(provider: FakeProvider) -> None:
    """Every request that came to the provider was one that a real one would have taken."""
    seen = [(one["outcome"], one["message"]) for one in await provider.log()]
    assert {outcome for outcome, _ in seen} == {"ok"}, seen
