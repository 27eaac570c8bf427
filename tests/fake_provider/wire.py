"""Bytes onto the socket: whole answers and streams, with every way of going wrong in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from tests.fake_provider.place import Record
from tests.fake_provider.plan import Plan, Seen
from tests.fake_provider.refused import Refused, body

BROKEN = '{"broken": '
Frames = Iterable[tuple[str, Any]]
Encode = Callable[[str, Any], bytes]


async def hang() -> None:
    """Wait until the client leaves or the process ends."""
    await asyncio.Event().wait()


def drop(request: web.Request) -> None:
    """End the connection as a dying server does."""
    if request.transport is not None:
        request.transport.close()


class Wire:
    """One answer on its way. `fault` is a script's, without the kinds that replace the answer."""

    def __init__(self, request: web.Request, record: Record, fault: Mapping[str, Any]) -> None:
        self._request = request
        self._record = record
        self._fault = fault
        self._slow_s = float(fault.get("slow_s", 0))

    async def whole(self, told: Any, headers: Mapping[str, str]) -> web.StreamResponse:
        """Send a whole answer; faults count in bytes."""
        data = json.dumps(told).encode()
        if "bad_json" in self._fault:
            data = data[: len(data) // 2]
        if not self._fault.keys() & {"cut", "hang", "slow_s"}:
            return web.Response(body=data, content_type="application/json", headers=headers)
        response = web.StreamResponse(headers={**headers, "Content-Type": "application/json"})
        response.content_length = len(data)
        await response.prepare(self._request)
        end = self._fault.get("cut", self._fault.get("hang", len(data)))
        await self._write(response, data[:end])
        await self._end(response)
        return response

    async def stream(
        self, frames: Frames, plan: Plan, seen: Seen, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        """Send a stream; faults count in events."""
        kind, encode = _FRAMINGS[seen.framing]
        response = web.StreamResponse(headers={**headers, "Content-Type": kind})
        await response.prepare(self._request)
        at = 0
        for at, (name, told) in enumerate(frames):
            if await self._stops(response, at, seen, encode):
                return response
            if plan.delay_s:
                await asyncio.sleep(plan.delay_s)
            if plan.comments and encode is _event:
                await self._write(response, b": keep-alive\n\n")
            broken = self._fault.get("bad_json") == at
            data = encode(name, BROKEN if broken else told)
            await self._write(response, b"[" + data[2:] if encode is _element and not at else data)
            self._record.events += 1
        if await self._stops(response, at + 1, seen, encode):
            return response
        if encode is _element:
            await self._write(response, b"\n]")
        await response.write_eof()
        return response

    async def _stops(
        self, response: web.StreamResponse, at: int, seen: Seen, encode: Encode
    ) -> bool:
        """Whether the fault strikes before event `at`."""
        if self._fault.get("error") == at:
            name, told = in_stream(seen.dialect, self._fault)
            await self._write(response, encode(name, told))
            await response.write_eof()
            return True
        if at in {self._fault.get("cut"), self._fault.get("hang")}:
            await self._end(response)
            return True
        return False

    async def _end(self, response: web.StreamResponse) -> None:
        if "hang" in self._fault:
            await hang()
        if "cut" in self._fault:
            drop(self._request)
        else:
            await response.write_eof()

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        if not self._slow_s:
            await response.write(data)
            return
        size = int(self._fault.get("bytes", 1))
        for at in range(0, len(data), size):
            await asyncio.sleep(self._slow_s)
            await response.write(data[at : at + size])


def in_stream(dialect: str, fault: Mapping[str, Any]) -> tuple[str, Any]:
    """Give the event by which a provider ends a stream that went wrong."""
    status = int(fault.get("status", 529 if dialect == "anthropic" else 500))
    said = str(fault.get("message", "Overloaded"))
    refusal = Refused(said, status=status, code=str(fault.get("code", "")))
    told = body(dialect, refusal)
    if dialect == "anthropic":
        return "error", {"type": "error", "error": told["error"]}
    if dialect == "responses":
        error = {"code": refusal.code or "server_error", "message": said, "param": None}
        return "error", {"type": "error", "sequence_number": 0, **error}
    return "", told


def _event(name: str, told: Any) -> bytes:
    head = f"event: {name}\n" if name else ""
    data = told if isinstance(told, str) else json.dumps(told)
    return f"{head}data: {data}\n\n".encode()


def _element(name: str, told: Any) -> bytes:
    """An element of Gemini's array; the first one has its bracket put before it."""
    del name
    return f",\n{told if isinstance(told, str) else json.dumps(told)}".encode()


def _line(name: str, told: Any) -> bytes:
    del name
    return f"{told if isinstance(told, str) else json.dumps(told)}\n".encode()


_FRAMINGS: Mapping[str, tuple[str, Encode]] = {
    "events": ("text/event-stream", _event),
    "array": ("application/json", _element),
    "lines": ("application/x-ndjson", _line),
}
