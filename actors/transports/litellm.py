"""The LiteLLM transport: calls through `litellm.acompletion` in a process of its own.

The process is started at the first call and again when it died; calls under way then end with a
fault, and the gateway decides what follows. Deadlines are kept here, so that a process that hangs
is noticed too. It knows no client, no waterfall and no money.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from actors.transports.listening import unreadable
from actors.transports.litellm_child import GONE, Asked, LitellmProcess, Told
from actors.transports.litellm_words import embedding_words_of, fault_of, words_of
from routing.conversation import Answer, Dialect
from routing.faults import Fault, FaultKind
from routing.ports import Call, Piece, Stream, Whole
from routing.translate.dialect import Frame
from routing.translate.dialects import DIALECTS

_MORE = 32  # so many pieces are taken before as many are asked for; half of what may be ahead
_DONE = "[DONE]"


class LitellmCarrier:
    """Speaks to whatever LiteLLM speaks to. `directory` is empty and stays so."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)
        self._process: LitellmProcess | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int:
        """The process's id; 0 while none runs."""
        alive = self._process is not None and not self._process.gone
        return self._process.pid if self._process and alive else 0

    async def whole(self, call: Call) -> Whole:
        """Make a call and wait for all of its answer.

        Raises:
            Fault: it failed.
        """
        order = {"do": "complete", "words": words_of(call, stream=False), "stream": False}
        headers, whole = await self._whole(call, order)
        with unreadable(headers):
            answer = DIALECTS[Dialect.CHAT].read_answer(whole, call.candidate.deployment.family)
        return Whole(headers=headers, answer=answer)

    async def embed(self, call: Call) -> Whole:
        """Pass on a request for embeddings, `call.raw`; `raw` of the answer is its JSON.

        Raises:
            Fault: it failed.
        """
        headers, whole = await self._whole(call, {"do": "embed", "words": embedding_words_of(call)})
        raw = json.dumps(whole, separators=(",", ":")).encode()
        return Whole(headers=headers, answer=Answer(), raw=raw)

    async def stream(self, call: Call) -> Stream:
        """Make a call; returns when its head has come with a good status.

        Raises:
            Fault: it failed before that.
        """
        order = {"do": "complete", "words": words_of(call, stream=True), "stream": True}
        asked = (await self._alive()).ask(order)
        try:
            head = await _told(call, asked, call.timeouts.first_byte_s, begun=False)
        except BaseException:
            asked.close()
            raise
        return LitellmStream(call, head["head"], asked)

    async def close(self) -> None:
        """End the process."""
        async with self._starting:
            if self._process is not None:
                await self._process.close()
                self._process = None

    async def _whole(
        self, call: Call, order: Mapping[str, Any]
    ) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        asked = (await self._alive()).ask(order)
        try:
            head = await _told(call, asked, call.timeouts.first_byte_s, begun=False)
            told = await _told(call, asked, call.timeouts.idle_s, begun=True)
        finally:
            asked.close()
        return head["head"], told["whole"]

    async def _alive(self) -> LitellmProcess:
        """Give a process that can be asked; its start is not the provider's slowness.

        Raises:
            Fault: of kind CONNECT, if there can be none.
        """
        async with self._starting:
            if self._process is None or self._process.gone:
                self._process = await LitellmProcess.start(self._directory)
            process = self._process
        await process.ready()
        return process


class LitellmStream:
    """A streamed answer, understood chunk by chunk."""

    def __init__(self, call: Call, headers: Mapping[str, str], asked: Asked) -> None:
        self.headers = headers
        self._call = call
        self._asked = asked

    async def pieces(self) -> AsyncIterator[Piece]:
        """Give the pieces as they come.

        Raises:
            Fault: it was cut, fell silent, or is not what chat completions promise.
        """
        reader = DIALECTS[Dialect.CHAT].reader(self._call.candidate.deployment.family)
        patience_s = self._call.timeouts.first_byte_s
        for count in itertools.count(1):
            told = await _told(self._call, self._asked, patience_s, begun=True)
            if "end" in told:
                break
            if count % _MORE == 0:
                self._asked.more(_MORE)
            patience_s = self._call.timeouts.idle_s
            with unreadable(self.headers):
                events = reader.read(Frame(told["piece"]))
            if events:
                yield Piece(tuple(events))
        with unreadable(self.headers):
            last = [*reader.read(Frame(_DONE)), *reader.finish()]
        if last:
            yield Piece(tuple(last))

    async def close(self) -> None:
        """End the call, wherever it stands."""
        self._asked.close()


async def _told(call: Call, asked: Asked, patience_s: float, *, begun: bool) -> Told:
    """Give the next telling of a call that goes well.

    Raises:
        Fault: it does not.
    """
    told = await asked.heard(patience_s)
    if told is GONE:
        kind = FaultKind.CUT if begun else FaultKind.CONNECT
        raise Fault(kind, "LiteLLM's process ended during the call")
    if "fault" in told:
        raise fault_of(call, told["fault"], begun=begun)
    return told
