"""A gateway of paper: `/v1/messages` on a unix socket, scripted; and a router that knows keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from engine.errors import HelioError, Unavailable

HEADERS = {
    "x-helio-call": "c1",
    "x-helio-requested-model": "mid",
    "x-helio-model": "fake-mid",
    "x-helio-served-model": "fake-mid-20260101",
    "x-helio-provider": "paper",
}
Script = Callable[["Gateway", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class Router:
    """A router in memory: keys live from `bind` to `release`."""

    def __init__(self) -> None:
        self.living: dict[str, dict[str, Any]] = {}
        self.bound: list[dict[str, Any]] = []
        self.released = 0
        self.place: dict[str, Any] = {"url": "http://127.0.0.1:1", "socket": ""}
        self.away = 0  # so many calls find nobody
        self.refusal: HelioError | None = None
        self.halted = False
        self.gate: asyncio.Event | None = None

    async def bind(self, key: str, who: Mapping[str, Any]) -> dict[str, Any]:
        await self._answer()
        json.dumps(who)
        self.living[key] = dict(who)
        self.bound.append(dict(who))
        return dict(self.place)

    async def release(self, key: str) -> dict[str, Any]:
        await self._answer()
        self.released += 1
        del self.living[key]
        return {"halted": self.halted}

    async def _answer(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.away:
            self.away -= 1
            raise Unavailable("The router is restarting.")
        if self.refusal is not None:
            raise self.refusal


@dataclass
class Gateway:
    """Answers requests by scripts, one after the other; the last one stays."""

    router: Router
    scripts: list[Script] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    runner: web.AppRunner | None = None

    async def open(self, path: Path) -> None:
        """Listen on a unix socket."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/messages", self.take)
        self.runner = web.AppRunner(app, handler_cancellation=True)
        await self.runner.setup()
        await web.UnixSite(self.runner, str(path)).start()
        self.router.place = {"url": "http://127.0.0.1:1", "socket": str(path)}

    async def close(self) -> None:
        """Hang up on everybody."""
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Play the next script."""
        assert request.headers["x-api-key"] in self.router.living
        body = await request.json()
        self.asked.append(body)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            return await script(self, request, body)
        finally:
            self.under_way -= 1


def says(
    *parts: str, stop: str = "end_turn", hold: asyncio.Event | None = None, **headers: str
) -> Script:
    """Answer with these pieces of text; `hold` stands before the last one."""

    async def script(_: Gateway, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        response = await _begin(request, headers)
        for place, part in enumerate(parts):
            if hold is not None and place == len(parts) - 1:
                await hold.wait()
            await _send(response, _delta(part))
        await _send(
            response,
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop},
                "usage": {"output_tokens": 3},
            },
            {"type": "message_stop"},
        )
        return response

    return script


def breaks(*parts: str, fault: str = "") -> Script:
    """Answer with these pieces and then break off, with an error event or without a word."""

    async def script(_: Gateway, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        response = await _begin(request, {})
        for part in parts:
            await _send(response, _delta(part))
        if fault:
            error = {"type": "overloaded_error", "message": fault}
            await _send(response, {"type": "error", "error": error})
        elif request.transport is not None:
            request.transport.abort()
        return response

    return script


def refuses(status: int, message: str = "No.", **headers: str) -> Script:
    """Refuse, in Anthropic's shape."""

    async def script(_: Gateway, __: web.Request, ___: dict[str, Any]) -> web.StreamResponse:
        error = {"type": "error", "error": {"type": "some_error", "message": message}}
        return web.json_response(error, status=status, headers=_dashed(headers))

    return script


def hangs_up() -> Script:
    """Break the connection before a head is sent, as the death of a router does."""

    async def script(_: Gateway, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return script


async def _begin(request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
    told = HEADERS | _dashed(headers) | {"content-type": "text/event-stream"}
    response = web.StreamResponse(headers=told)
    await response.prepare(request)
    usage = {"input_tokens": 7, "output_tokens": 1}
    await _send(
        response,
        {"type": "message_start", "message": {"model": "fake-mid", "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    )
    return response


async def _send(response: web.StreamResponse, *events: dict[str, Any]) -> None:
    for event in events:
        await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _delta(text: str) -> dict[str, Any]:
    delta = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
