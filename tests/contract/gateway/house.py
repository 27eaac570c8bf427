"""A house of one process for the gateway: the real core and transports, a ledger in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import aiohttp

from actors.clock import SystemClock
from actors.gateway.server import Gateway
from actors.routing.underway import Underway, halted
from actors.transports.direct import DirectCarrier
from actors.transports.relay import RelayCarrier
from engine.jobs import Lane
from engine.settings import ModelSettings, Settings
from routing.conversation import Dialect
from routing.models import (
    Ability,
    Candidate,
    Catalogue,
    Deployment,
    Key,
    Price,
    Provider,
    ProviderKind,
    Tier,
    Transport,
)
from routing.ports import Carrier, Entry, EntryKind, Restored
from routing.requests import Refusal, Who
from routing.router import RouterCore

KEY = "hk-the-key-of-a-test"
SECRET = "sk-the-secret-of-a-provider"
FAMILIES = {
    Dialect.ANTHROPIC: ("claude", "claude-sonnet-4-5"),
    Dialect.CHAT: ("gpt", "gpt-4.1"),
    Dialect.RESPONSES: ("gpt", "gpt-4.1"),
    Dialect.GEMINI: ("gemini", "gemini-2.5-pro"),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """One provider with one model, as a test words it."""

    door: str
    url: str
    dialect: Dialect = Dialect.CHAT
    transport: Transport = Transport.DIRECT
    model: str = "the-model"
    id: str = ""
    family: str = ""
    context: int = 200_000
    tier: Tier = Tier.MID
    kind: ProviderKind = ProviderKind.API_KEY

    def provider(self) -> Provider:
        login = self.kind is ProviderKind.SUBSCRIPTION
        return Provider(
            name=self.door,
            dialect=self.dialect,
            url=self.url,
            keys=(Key(label="login") if login else Key(label="a", source="env:KEY"),),
            transport=self.transport,
            kind=self.kind,
        )

    def deployment(self) -> Deployment:
        family, name = FAMILIES[self.dialect]
        return Deployment(
            model=self.model,
            provider=self.door,
            id=self.id or name,
            family=self.family or family,
            tier=self.tier,
            price=Price(input=1.0, output=2.0),
            context=self.context,
            abilities=frozenset(Ability),
        )


def catalogue(*places: Place) -> Catalogue:
    return Catalogue(
        providers={place.door: place.provider() for place in places},
        deployments=tuple(place.deployment() for place in places),
    )


class House:
    """A `GatewayOffice` for tests."""

    def __init__(self, *places: Place, **models: Any) -> None:
        patience = {"connect_s": 1, "first_byte_s": 2, "whole_s": 5, "idle_s": 2}
        self.settings = Settings(models=ModelSettings(port=0, **(patience | models)))
        self.catalogue = catalogue(*places)
        self.clock = SystemClock()
        self.core = RouterCore(
            self.catalogue, self.settings, Random(1), Restored(), self.clock.now()
        )
        self.keys: dict[str, Who] = {KEY: Who(lane=Lane.P1)}
        self.halted = False
        self.entries: list[Entry] = []
        self.refusals: list[Refusal] = []
        self.secrets: dict[str, str] = {}
        self.underway = Underway()
        self._carriers: dict[Transport, Carrier] = {
            Transport.DIRECT: DirectCarrier(),
            Transport.RELAY: RelayCarrier(),
        }

    def identify(self, key: str) -> Who | None:
        return self.keys.get(key)

    def secret(self, candidate: Candidate) -> str:
        return self.secrets.get(candidate.deployment.provider, SECRET)

    def carrier(self, provider: Provider) -> Carrier:
        return self._carriers[provider.transport]

    async def durable(self) -> None:
        self.entries += self.core.take_entries()

    def refused(self, who: Who, refusal: Refusal) -> None:
        self.refusals.append(refusal)

    def under_way(self, who: Who) -> AbstractContextManager[None]:
        return self.underway.call(who, refuse=halted() if self.halted else None)

    def lane(self, lane: Lane) -> None:
        self.keys[KEY] = replace(self.keys[KEY], lane=lane)

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        """The records of finished attempts, oldest first."""
        self.entries += self.core.take_entries()
        return [entry.data for entry in self.entries if entry.kind is EntryKind.CALL]

    async def close(self) -> None:
        for carrier in self._carriers.values():
            await carrier.close()


@dataclass(frozen=True)
class Said:
    """What a client was told."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Speaks to the gateway with a key."""

    url: str
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=lambda: {"x-helio-key": KEY})

    async def post(self, path: str, body: Any, **headers: str) -> Said:
        return await self.send("POST", path, body, **headers)

    async def get(self, path: str, **headers: str) -> Said:
        return await self.send("GET", path, None, **headers)

    async def send(self, method: str, path: str, body: Any, **headers: str) -> Said:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.session.request(
            method, self.url + path, headers=self.headers | named, **(given if body else {})
        ) as response:
            told = {name.lower(): value for name, value in response.headers.items()}
            return Said(response.status, told, await response.read())


@asynccontextmanager
async def open_gateway(house: House) -> AsyncIterator[Client]:
    gateway = Gateway(house, Random(2))
    url = await gateway.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(url, session)
    finally:
        await gateway.close()
        await house.close()


PATHS = {
    Dialect.ANTHROPIC: "/v1/messages",
    Dialect.CHAT: "/v1/chat/completions",
    Dialect.RESPONSES: "/v1/responses",
    Dialect.GEMINI: "/v1beta/models/the-model:generateContent",
}
GEMINI_STREAM = "/v1beta/models/the-model:streamGenerateContent?alt=sse"


def path_of(dialect: Dialect, *, stream: bool = False) -> str:
    return GEMINI_STREAM if stream and dialect is Dialect.GEMINI else PATHS[dialect]


def body_of(dialect: Dialect, text: str = "hello", *, stream: bool = False, **more: Any) -> Any:
    """A smallest request in a dialect."""
    streams = {"stream": True} if stream else {}
    match dialect:
        case Dialect.ANTHROPIC:
            said = {"max_tokens": 50, "messages": [{"role": "user", "content": text}]}
        case Dialect.CHAT:
            said = {"messages": [{"role": "user", "content": text}]}
        case Dialect.RESPONSES:
            said = {"input": text}
        case Dialect.GEMINI:
            return {"contents": [{"role": "user", "parts": [{"text": text}]}]} | more
    return {"model": "the-model"} | said | streams | more


def events_of(body: bytes) -> Sequence[str]:
    """The data of a stream's frames."""
    lines = body.decode().splitlines()
    return [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
