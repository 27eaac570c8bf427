"""The process in which LiteLLM lives, as its parent sees it: one life, from start to reaping.

It is spoken to by JSON lines (`routing.litellm_client` tells which). It gets an environment of
its own, an empty directory and no descriptor but its three; keys travel over the pipe alone. It
reads its standard input until the end, so it dies with this process, whatever kills that. What
the words of a call mean, this module does not know.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.backends.environment import inherited
from routing.faults import Fault, FaultKind

MODULE = "routing.litellm_client"
GONE: Mapping[str, Any] = {"gone": True}  # told to every call when the process ended
_START_S = 120.0  # its import takes 3 s, 7 s on a busy machine, and more from a cold disk
_END_S = 5.0
_LINE_BYTES = 128 * 2**20  # a whole answer is one line
_LAST_WORDS = ("end", "fault")
_KEPT = frozenset({"PATH", "LANG", "TZ"})
_FIXED = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # its import asks no network
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",  # it reads no .env file
}

Told = Mapping[str, Any]


class Asked:
    """The line of one call: what is told of it, in order."""

    def __init__(self, process: LitellmProcess, number: int) -> None:
        self.number = number
        self.inbox: asyncio.Queue[Told] = asyncio.Queue()
        self._process = process

    async def heard(self, patience_s: float) -> Told:
        """Give the next telling; `GONE` when the process ended.

        Raises:
            Fault: of kind TIMEOUT, if none came in time.
        """
        try:
            async with asyncio.timeout(patience_s):
                return await self.inbox.get()
        except TimeoutError:
            raise Fault(FaultKind.TIMEOUT, "the provider fell silent") from None

    def more(self, pieces: int) -> None:
        """Say that so many further pieces may come."""
        self._process.tell({"id": self.number, "do": "more", "pieces": pieces})

    def close(self) -> None:
        """Leave the call: if it has not ended, it is ended at the provider."""
        self._process.forget(self)


class LitellmProcess:
    """One life of the process; `start` it on the loop that will use it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._calls: dict[int, Asked] = {}
        self._numbers = itertools.count(1)
        self._orders: asyncio.WriteTransport
        self._reading: asyncio.Task[None]

    @classmethod
    async def start(cls, directory: Path) -> LitellmProcess:
        """Start it; it can be told things at once, and is `ready` when it imported LiteLLM."""
        process = subprocess.Popen(  # noqa: ASYNC220  no watcher: the loop may be on any thread
            [sys.executable, "-P", "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what LiteLLM prints may hold a prompt or a key
            cwd=directory,
            env=environment(directory),
            start_new_session=True,
            bufsize=0,
        )
        born = cls(process)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_LINE_BYTES)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
        born._orders, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)
        born._reading = loop.create_task(born._read(reader))
        return born

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether it ended."""
        return self._reading.done()

    async def ready(self) -> None:
        """Wait until it can be asked.

        Raises:
            Fault: of kind CONNECT, if it cannot be.
        """
        try:
            async with asyncio.timeout(_START_S):
                await asyncio.shield(self._ready)
        except TimeoutError:
            raise Fault(FaultKind.CONNECT, "LiteLLM's process does not start") from None

    def ask(self, order: Told) -> Asked:
        """Send an order that begins a call, and give its line."""
        asked = Asked(self, next(self._numbers))
        self._calls[asked.number] = asked
        self.tell({"id": asked.number} | dict(order))
        if self.gone:
            self._fail("")
        return asked

    def forget(self, asked: Asked) -> None:
        """End a call at the provider, unless its last word was told."""
        if self._calls.pop(asked.number, None):
            self.tell({"id": asked.number, "do": "cancel"})

    def tell(self, order: Told) -> None:
        """Send an order; to a process that is gone, nothing."""
        if not self._orders.is_closing():
            self._orders.write(json.dumps(order, separators=(",", ":")).encode() + b"\n")

    async def close(self) -> None:
        """End it, and return when it is reaped."""
        self._orders.close()
        try:
            async with asyncio.timeout(_END_S):
                await asyncio.shield(self._reading)
        except TimeoutError:
            self._process.kill()
            await self._reading

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Hand every telling to its call, until the process is gone and reaped."""
        try:
            while line := await reader.readline():
                self._hand_out(json.loads(line))
        except ValueError:  # no JSON, or no end of it: this process is of no use any more
            pass
        finally:
            self._process.kill()
            self._orders.close()
            await asyncio.to_thread(self._process.wait)
            self._fail("LiteLLM's process ended")

    def _hand_out(self, told: Told) -> None:
        if "ready" in told:
            self._ready.set_result(str(told["ready"]))
        elif "broken" in told:
            self._fail(f"LiteLLM cannot be imported: {told['broken']}")
        elif asked := self._calls.get(told["id"]):
            if any(word in told for word in _LAST_WORDS):
                del self._calls[asked.number]
            asked.inbox.put_nowait(told)

    def _fail(self, why: str) -> None:
        """Tell everybody who waits that nothing will come."""
        if not self._ready.done():
            self._ready.set_exception(Fault(FaultKind.CONNECT, why))
            self._ready.exception()  # nobody may be waiting
        for asked in self._calls.values():
            asked.inbox.put_nowait(GONE)
        self._calls.clear()


def environment(directory: Path) -> dict[str, str]:
    """Give all of its environment: nothing that the house lives on, no key of any provider."""
    kept = {name: value for name, value in inherited().items() if name in _KEPT}
    return kept | _FIXED | {"HOME": str(directory)}
