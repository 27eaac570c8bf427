"""The warden as the supervisor sees it: a child process and a socket with JSON lines.

Lines from the warden are ``{"phase", "detail"}``, ``{"beat": true}`` or answers
``{"id", "ok" | "problem"}`` to the supervisor's ``{"id", "do", ...}``. It knows the wire; what
the warden does with Ray, it does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import Unavailable, from_problem
from serve.supervisor import environment, kin
from serve.supervisor.head import Grounds

Heard = Callable[[dict[str, Any]], None]
_LINE_BYTES = 2**24


class Link:
    """One warden process and the talk with it."""

    def __init__(self, process: Process, wire: socket.socket, heard: Heard) -> None:
        self.process = process
        self.last_heard = asyncio.get_running_loop().time()
        self._heard = heard
        self._wire = wire
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next = 0

    async def connect(self, address: str) -> None:
        """Tell the warden of its cluster; it begins to raise the house."""
        self._reader, self._writer = await asyncio.open_connection(
            sock=self._wire, limit=_LINE_BYTES
        )
        self.last_heard = asyncio.get_running_loop().time()
        self._writer.write(json.dumps({"do": "raise", "ray": address}).encode() + b"\n")

    async def listen(self) -> None:
        """Read what the warden says until it closes the wire; run this as a task."""
        reader, writer = self._reader, self._writer
        if reader is None or writer is None:
            return
        try:
            while line := await reader.readline():
                self.last_heard = asyncio.get_running_loop().time()
                self._take(json.loads(line))
        except (ValueError, ConnectionError):
            pass  # it died in the middle of a line; the supervisor sees the process end
        finally:
            writer.close()
            for waiter in self._waiting.values():
                waiter.cancel()

    def _take(self, said: dict[str, Any]) -> None:
        waiter = self._waiting.pop(said.get("id", 0), None)
        if waiter is None:
            self._heard(said)
        elif not waiter.done():
            waiter.set_result(said)

    async def ask(self, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Put a request to the warden and give its answer.

        Raises:
            Unavailable: it is not there, or did not answer in time.
            HelioError: its typed refusal.
        """
        if self._writer is None or self._writer.is_closing():
            raise _away("It has not connected.")
        self._next += 1
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = waiter
        self._writer.write(json.dumps({**request, "id": self._next}).encode() + b"\n")
        try:
            async with asyncio.timeout(timeout_s):
                said = await asyncio.shield(waiter)
        except (TimeoutError, ConnectionError) as late:
            raise _away(f"It did not answer within {timeout_s:g} s.") from late
        except asyncio.CancelledError as gone:
            if not waiter.cancelled():
                raise
            raise _away("It ended before it answered.") from gone
        if "problem" in said:
            raise from_problem(said["problem"])
        return dict(said.get("ok", {}))


def command(grounds: Grounds, wire: int) -> list[str]:
    """Give the command line of the warden."""
    return [
        *(sys.executable, "-P", "-m", "serve.warden", "--home", str(grounds.home.root)),
        *("--wire", str(wire), "--http-port", str(grounds.ports.http)),
    ]


async def start(grounds: Grounds, heard: Heard) -> Link:
    """Start a warden; it imports Ray and waits to be told of a cluster."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs, (grounds.home.logs / "warden.out").open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *command(grounds, theirs.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=grounds.home.empty,
            env=environment.for_warden(grounds.home, grounds.ports, grounds.inherited),
            pass_fds=(theirs.fileno(),),
            preexec_fn=kin.dies_with_me(),
            start_new_session=True,
        )
    return Link(process, ours, heard)


async def stop(link: Link) -> None:
    """End the warden: it holds nothing that is not elsewhere, so it is killed."""
    if link.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            link.process.kill()
    await link.process.wait()


def _away(why: str) -> Unavailable:
    return Unavailable(
        f"The actors cannot be reached. {why}",
        remedy="`helio status` tells what is being brought back; try again in some seconds.",
    )
