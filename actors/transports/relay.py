"""The relay: a client's bytes go to a provider of the same dialect, and its bytes come back.

Only the model's id is replaced, where the catalogue knows another, and the headers that belong to
one connection or carry a key. A reader on the side learns what was used. A subscription's answers
are not read at all: the login is the client's own, and so is what it says. What must be
translated is no matter for a relay; calls without raw bytes go the direct way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import aiohttp

from actors.transports.byte_edits import EditFailed, ask_for_usage, with_model
from actors.transports.direct import DirectCarrier, refuse
from actors.transports.frames import FrameCutter, is_usage_alone
from actors.transports.listening import Listener, answer_of
from actors.transports.places import ANTHROPIC_VERSION, answer_url, key_betas, key_headers, url_of
from actors.transports.wire import Flow, Wire, headers_of, read_whole
from routing.conversation import Answer, Dialect
from routing.faults import Fault, FaultKind
from routing.models import ProviderKind
from routing.ports import Call, Piece, Stream, Whole

# They belong to one connection, name a key or a person, or are the gateway's own.
_NOT_PASSED = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "host", "content-length", "content-encoding", "expect",
        "accept-encoding", "authorization", "x-api-key", "x-goog-api-key", "cookie", "forwarded",
        "via", "x-real-ip",
    }
)  # fmt: skip
_NOT_PASSED_PREFIXES = ("x-helio-", "x-forwarded-", "proxy-")
_LOGINS = ("authorization", "x-api-key", "x-goog-api-key")


class RelayCarrier:
    """Passes bytes on."""

    def __init__(self) -> None:
        self._wire = Wire()
        self._direct = DirectCarrier()

    async def whole(self, call: Call) -> Whole:
        """Make a call and wait for all of its answer.

        Raises:
            Fault: it failed.
        """
        if not call.raw:
            return await self._direct.whole(call)
        response = await self._pass_on(call, call.raw, stream=False)
        try:
            headers = headers_of(response)
            raw = await read_whole(response, call.timeouts)
        finally:
            response.close()
        answer = Answer() if _is_login(call) else answer_of(call, headers, raw)
        return Whole(headers=headers, answer=answer, raw=raw)

    async def stream(self, call: Call) -> Stream:
        """Make a call; returns when its head has come with a good status.

        Raises:
            Fault: it failed before that.
        """
        if not call.raw:
            return await self._direct.stream(call)
        began = asyncio.get_running_loop().time()
        raw, added = call.raw, False
        if call.provider.dialect is Dialect.CHAT and not _is_login(call):
            raw, added = ask_for_usage(raw)
        response = await self._pass_on(call, raw, stream=True)
        passed_s = asyncio.get_running_loop().time() - began
        first_s = max(call.timeouts.first_byte_s - passed_s, 1)
        if _is_login(call):
            return LoginStream(call, response, first_s)
        return RelayStream(call, response, first_s, drops_usage=added)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._wire.close()
        await self._direct.close()

    async def _pass_on(self, call: Call, raw: bytes, *, stream: bool) -> aiohttp.ClientResponse:
        response = await self._wire.post(
            _url(call, stream=stream), passed_headers(call), _renamed(call, raw), call.timeouts
        )
        try:
            await refuse(call, response, stream=stream)
        except Fault as fault:
            if _is_login(call) and fault.kind is FaultKind.AUTH:
                # The login is the client's: it must hear of this to renew it; nobody else can.
                fault.kind = FaultKind.REFUSED
            raise
        return response


class RelayStream:
    """A provider's stream, passed on frame by frame and understood on the side."""

    def __init__(
        self, call: Call, response: aiohttp.ClientResponse, first_s: float, *, drops_usage: bool
    ) -> None:
        self.headers: Mapping[str, str] = headers_of(response)
        self._call = call
        self._response = response
        self._first_s = first_s
        self._drops_usage = drops_usage

    async def pieces(self) -> AsyncIterator[Piece]:
        """Give the frames as they come; half a frame is never passed on.

        Raises:
            Fault: it was cut, fell silent, or is not what the dialect promises.
        """
        flow = Flow(self._response, self._call.timeouts, self._first_s)
        listener = Listener(self._call, self.headers)
        cutter = FrameCutter()
        while not listener.fault and (chunk := await flow.read()):
            if piece := self._piece(listener, cutter.cut(chunk)):
                yield piece
            listener.bear(cutter.held)
            if listener.ended:
                flow.enough()
        if not listener.fault and (piece := self._last(listener, cutter.rest())):
            yield piece
        self._response.close()
        if listener.fault:
            raise listener.fault

    async def close(self) -> None:
        """End the call, wherever it stands."""
        self._response.close()

    def _piece(self, listener: Listener, frames: list[bytes]) -> Piece | None:
        """Let the listener hear frames; one that tells of a failure is left to the gateway."""
        passed: list[bytes] = []
        events = []
        for frame in frames:
            events += listener.hear(frame)
            if listener.fault:
                break
            if not (self._drops_usage and is_usage_alone(frame)):
                passed.append(frame)
        return Piece(tuple(events), b"".join(passed)) if passed or events else None

    def _last(self, listener: Listener, rest: bytes) -> Piece | None:
        events = listener.hear(rest) + listener.finish()
        raw = b"" if listener.fault else rest
        return Piece(tuple(events), raw) if raw or events else None


class LoginStream:
    """The stream of a subscription: bytes, unread."""

    def __init__(self, call: Call, response: aiohttp.ClientResponse, first_s: float) -> None:
        self.headers: Mapping[str, str] = headers_of(response)
        self._call = call
        self._response = response
        self._first_s = first_s

    async def pieces(self) -> AsyncIterator[Piece]:
        """Give the bytes as they come.

        Raises:
            Fault: it was cut or fell silent.
        """
        flow = Flow(self._response, self._call.timeouts, self._first_s)
        while chunk := await flow.read():
            yield Piece(raw=chunk)
        self._response.close()

    async def close(self) -> None:
        """End the call, wherever it stands."""
        self._response.close()


def passed_headers(call: Call) -> dict[str, str]:
    """Give the headers that go with a relayed request; the client's names are lower-cased."""
    came = call.raw_headers
    passed = {
        name: value
        for name, value in came.items()
        if name not in _NOT_PASSED and not name.startswith(_NOT_PASSED_PREFIXES)
    }
    passed.setdefault("content-type", "application/json")
    if call.provider.dialect is Dialect.ANTHROPIC:
        passed.setdefault("anthropic-version", ANTHROPIC_VERSION)
    if _is_login(call):
        return passed | {name: came[name] for name in _LOGINS if name in came}
    if betas := passed.pop("anthropic-beta", ""):
        passed |= {"anthropic-beta": kept} if (kept := key_betas(betas)) else {}
    provider = call.provider
    return passed | key_headers(provider.dialect, call.secret) | dict(provider.headers)


def _is_login(call: Call) -> bool:
    return call.provider.kind is ProviderKind.SUBSCRIPTION


def _url(call: Call, *, stream: bool) -> str:
    """Give the provider's place, with the query that the client sent."""
    provider, deployment = call.provider, call.candidate.deployment
    path, _, query = call.path.partition("?")
    if provider.dialect is Dialect.GEMINI:
        return answer_url(provider, deployment.id, stream=stream)
    return url_of(provider.url, path) + (f"?{query}" if query else "")


def _renamed(call: Call, raw: bytes) -> bytes:
    """Name the provider's model in the request, if the client named it otherwise."""
    if call.provider.dialect is Dialect.GEMINI:
        return raw
    try:
        return with_model(raw, call.candidate.deployment.id)
    except EditFailed as error:
        raise Fault(FaultKind.REFUSED, str(error), status=400) from error
