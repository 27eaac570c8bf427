"""The control socket: how the owner reaches the supervisor when nothing else answers.

A unix socket that only the owner's user may open, checked again by the kernel's word on who is
calling. One JSON line asks, JSON lines answer; the client is `interfaces.control`. What a request
means, the supervisor says: this module only carries.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import BadInput, Denied, HelioError, HouseFault
from interfaces.control import LONGEST_PATH_BYTES
from store.home import Home

Request = Mapping[str, Any]
Answerer = Callable[[Request], Awaitable[dict[str, Any]]]
Follower = Callable[[], AsyncIterator[dict[str, Any]]]

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: what SO_PEERCRED gives
_REQUEST_BYTES = 2**16
_REQUEST_S = 10.0


def control_path(home: Home, run_dir: Path) -> Path:
    """Say where the socket goes: in the home, or in the run directory if that is too deep."""
    fits = len(str(home.control).encode()) <= LONGEST_PATH_BYTES
    return home.control if fits else run_dir / home.control.name


class ControlSocket:
    """Listens on a path and passes requests on."""

    def __init__(self, path: Path, answer: Answerer, phases: Follower) -> None:
        self.path = path
        self._answer = answer
        self._phases = phases
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen; a socket that a dead supervisor left is replaced."""
        self.path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, str(self.path), limit=_REQUEST_BYTES
            )
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop listening; answers under way are finished by their own tasks."""
        if self._server is not None:
            self._server.close()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            try:
                request = await self._read(reader, writer)
                if request.get("do") == "phases":
                    async for told in self._phases():
                        await _say(writer, told)
                else:
                    await _say(writer, {"ok": await self._answer(request)})
            except HelioError as refusal:
                await _say(writer, {"problem": refusal.as_problem()})
        writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
        async with asyncio.timeout(_REQUEST_S):
            line = await reader.readline()
        if _peer_uid(writer) not in {os.getuid(), 0}:
            raise Denied("This socket answers its owner only.")
        try:
            said = json.loads(line)
        except ValueError as unclear:
            raise BadInput(
                "A request is one line of JSON.", remedy='For example: {"do": "status"}'
            ) from unclear
        if not isinstance(said, dict):
            raise BadInput("A request is a JSON object.", remedy='For example: {"do": "status"}')
        return said


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is None:
        raise HouseFault("The control socket lost its connection.")
    said = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(said)[1])


async def _say(writer: asyncio.StreamWriter, what: Mapping[str, Any]) -> None:
    writer.write(json.dumps(dict(what)).encode() + b"\n")
    await writer.drain()
