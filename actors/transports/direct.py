"""The direct transport: requests worded by `routing.translate`, over plain HTTP.

It speaks every dialect to a provider and understands the answer. It knows no client, no waterfall
and no money; whatever goes wrong comes out as a `Fault`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import aiohttp

from actors.transports.classify import classify, inner_status
from actors.transports.listening import Listener, answer_of
from actors.transports.places import answer_url, direct_headers
from actors.transports.wire import Flow, Wire, headers_of, is_good, read_error, read_whole
from routing.faults import Fault, FaultKind
from routing.fitting import fitted
from routing.ports import Call, Piece, Stream, Whole
from routing.translate.dialects import DIALECTS


class DirectCarrier:
    """Speaks to providers in their own dialects."""

    def __init__(self) -> None:
        self._wire = Wire()

    async def whole(self, call: Call) -> Whole:
        """Make a call and wait for all of its answer.

        Raises:
            Fault: it failed.
        """
        response = await self._ask(call, stream=False)
        try:
            headers = headers_of(response)
            raw = await read_whole(response, call.timeouts)
        finally:
            response.close()
        return Whole(headers=headers, answer=answer_of(call, headers, raw))

    async def stream(self, call: Call) -> Stream:
        """Make a call; returns when its head has come with a good status.

        Raises:
            Fault: it failed before that.
        """
        began = asyncio.get_running_loop().time()
        response = await self._ask(call, stream=True)
        passed_s = asyncio.get_running_loop().time() - began
        return DirectStream(call, response, max(call.timeouts.first_byte_s - passed_s, 1))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._wire.close()

    async def _ask(self, call: Call, *, stream: bool) -> aiohttp.ClientResponse:
        provider, deployment = call.provider, call.candidate.deployment
        response = await self._wire.post(
            answer_url(provider, deployment.id, stream=stream),
            direct_headers(provider, call.secret, call.raw_headers),
            worded(call, stream=stream),
            call.timeouts,
        )
        await refuse(call, response, stream=stream)
        return response


class DirectStream:
    """A provider's stream, understood event by event."""

    def __init__(self, call: Call, response: aiohttp.ClientResponse, first_s: float) -> None:
        self.headers: Mapping[str, str] = headers_of(response)
        self._call = call
        self._response = response
        self._first_s = first_s

    async def pieces(self) -> AsyncIterator[Piece]:
        """Give the pieces as they come: one for each batch of bytes that means something.

        Raises:
            Fault: it was cut, fell silent, or is not what the dialect promises.
        """
        flow = Flow(self._response, self._call.timeouts, self._first_s)
        listener = Listener(self._call, self.headers)
        while not listener.fault and (chunk := await flow.read()):
            if events := listener.hear(chunk):
                yield Piece(tuple(events))
            if listener.ended:
                flow.enough()
        if not listener.fault and (last := listener.finish()):
            yield Piece(tuple(last))
        self._response.close()
        if listener.fault:
            raise listener.fault

    async def close(self) -> None:
        """End the call, wherever it stands."""
        self._response.close()


def worded(call: Call, *, stream: bool) -> bytes:
    """Give the body of a request in the provider's dialect.

    Raises:
        Fault: of kind REFUSED, when the dialect cannot say it.
    """
    deployment, dialect = call.candidate.deployment, call.provider.dialect
    ask = fitted(call.ask, deployment, dialect, stream=stream)
    try:
        body = DIALECTS[dialect].write_request(ask, deployment.family)
    except ValueError as error:
        raise Fault(FaultKind.REFUSED, str(error), status=400) from error
    return json.dumps(body, separators=(",", ":")).encode()


async def refuse(call: Call, response: aiohttp.ClientResponse, *, stream: bool) -> None:
    """Turn a bad status into its fault, and a body where a stream was asked for.

    Raises:
        Fault: what the provider said instead of an answer.
    """
    kind = response.headers.get("content-type", "")
    good = is_good(response)
    if good and not (stream and ("json" in kind or "html" in kind)):
        return
    try:
        raw = await read_error(response, call.timeouts)
    finally:
        response.close()
    headers = headers_of(response)
    status = inner_status(raw) if good else response.status
    if not status:
        raise Fault(FaultKind.MALFORMED, f"no stream came but {kind[:80]}", headers=headers)
    raise classify(call.provider.dialect, status, headers, raw, call.secret)
