"""A streamed answer: held back until it says something, then passed on as it comes.

One write for each batch of bytes; the next is read when the client has taken the last, so a slow
client slows its provider and fills no memory. After the first byte no other model may go on with
the answer: a failure ends it with the dialect's error event. A client that leaves ends the call
at the provider at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiohttp import web

from actors.gateway.attempts import Attempts
from actors.gateway.carrying import Carrying, StreamOutcome
from actors.gateway.errands import Errands
from actors.gateway.headers import STREAM, of_grant, returned, safe
from actors.gateway.intake import Intake
from actors.gateway.office import GatewayOffice
from routing.faults import Fault
from routing.ports import Piece
from routing.translate.dialect import Frame
from routing.translate.dialects import DIALECTS
from routing.translate.sse import encode

# Where a request keeps the response that has begun.
BEGUN = web.RequestKey("begun", web.StreamResponse)


async def stream(
    office: GatewayOffice,
    errands: Errands,
    request: web.BaseRequest,
    intake: Intake,
    request_id: str,
) -> web.StreamResponse:
    """Answer a request piece by piece.

    Raises:
        BadInput: the request is not what its dialect promises.
        GaveUp: nobody answered.
    """
    carrying = Carrying(office, intake)
    attempts = Attempts(office, errands, intake.wanted(request_id), carrying.stream)
    outcome = await attempts.run()
    try:
        response = web.StreamResponse(headers=_headers(intake, attempts, outcome))
        request[BEGUN] = response
        await response.prepare(request)
        teller = Teller(intake, relayed=outcome.relayed)
        await _pass_on(Taker(response, office.settings.models.whole_s), outcome, teller)
    finally:
        outcome.trial.abandon()
        await outcome.stream.close()
        errands.run(office.durable())
    return response


class Teller:
    """Words pieces for the client."""

    def __init__(self, intake: Intake, *, relayed: bool) -> None:
        self._relayed = relayed
        self._array = intake.array
        self._begun = False
        self._writer = DIALECTS[intake.dialect].writer(intake.unread if relayed else intake.ask)

    def tell(self, piece: Piece) -> bytes:
        """Give the bytes of a piece; there may be none."""
        if self._relayed:
            return piece.raw
        return self._frames(frame for event in piece.events for frame in self._writer.write(event))

    def fail(self, fault: Fault) -> bytes:
        """Give the bytes that end the stream with an error."""
        return self._frames(self._writer.fail(fault))

    def end(self) -> bytes:
        """Give what stands behind the last piece."""
        if not self._array:
            return b""
        return b"]" if self._begun else b"[]"

    def _frames(self, frames: Iterable[Frame]) -> bytes:
        if not self._array:
            return b"".join([encode(frame) for frame in frames])
        parts = []
        for frame in frames:
            parts.append((b",\r\n" if self._begun else b"[") + frame.data.encode())
            self._begun = True
        return b"".join(parts)


class Taker:
    """The client, as one who takes bytes; one who takes none for too long has gone away."""

    def __init__(self, response: web.StreamResponse, patience_s: float) -> None:
        self._response = response
        self._patience_s = patience_s

    async def give(self, told: bytes) -> None:
        """Give bytes; returns when there is room for more.

        Raises:
            ConnectionError: the client has gone away.
        """
        if not told:
            return
        try:
            async with asyncio.timeout(self._patience_s):
                await self._response.write(told)
        except TimeoutError as error:
            raise ConnectionAbortedError("the client takes nothing") from error

    async def end(self, told: bytes) -> None:
        """Give the last bytes.

        Raises:
            ConnectionError: the client has gone away.
        """
        await self.give(told)
        await self._response.write_eof()


async def _pass_on(taker: Taker, outcome: StreamOutcome, teller: Teller) -> None:
    """Give all pieces, and settle the attempt by how they ended."""
    trial = outcome.trial
    try:
        await taker.give(b"".join([teller.tell(piece) for piece in outcome.held]))
        async for piece in outcome.rest:
            trial.hear(piece.events)
            await taker.give(teller.tell(piece))
        trial.won()
    except Fault as fault:
        trial.lost(fault)
        await taker.give(teller.fail(fault))
    await taker.end(teller.end())


def _headers(
    intake: Intake, attempts: Attempts[StreamOutcome], outcome: StreamOutcome
) -> dict[str, str]:
    headers = attempts.headers() | of_grant(outcome.trial.grant)
    if outcome.trial.served:
        headers["x-helio-served-model"] = safe(outcome.trial.served)
    if outcome.relayed:
        headers = returned(outcome.stream.headers) | headers
    headers |= STREAM
    if intake.array:
        headers["content-type"] = "application/json"
    return headers
