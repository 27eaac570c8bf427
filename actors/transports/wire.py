"""One HTTP session to all providers of a transport: connections, deadlines, broken sockets.

Connections are kept alive; no cookie is kept, no proxy is read from the environment and no
redirect is followed, since it would carry a key elsewhere. What goes wrong below HTTP becomes a
`Fault` here; what a status means is `classify`'s business. It knows no dialect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO

import aiohttp
from yarl import URL

from routing.faults import Fault, FaultKind
from routing.ports import Timeouts

_ANSWER_BYTES = 64 * 2**20  # largest whole answer; more is no answer of a model
_ERROR_BYTES = 256 * 2**10  # kept of the body of an error
_ERROR_S = 5  # for that body, once its head is here
_AFTER_END_S = 1  # how long a provider may take to hang up once its answer is whole
_BUFFER_BYTES = 64 * 2**10  # a stream that nobody reads is stopped at twice that
_AT_ONCE_BYTES = 2**20  # a larger body is sent in pieces, between which others have their turn
_FIELD_BYTES = 32 * 2**10
_POOL_IDLE_S = 15  # below what providers allow, so that a kept connection is rarely a dead one
_BREAKS = (TimeoutError, aiohttp.ClientError, ConnectionError)
_OK = 200
_MULTIPLE = 300


class Wire:
    """Sends requests and reads answers."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> aiohttp.ClientResponse:
        """Send a request; gives the response when its head has come, whatever its status.

        Raises:
            Fault: CONNECT, TIMEOUT or CUT.
        """
        with broken(timeouts):
            async with asyncio.timeout(timeouts.first_byte_s):
                return await self._opened().post(
                    URL(url, encoded=True),
                    data=body if len(body) <= _AT_ONCE_BYTES else BytesIO(body),
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect_s),
                )

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=_POOL_IDLE_S, ttl_dns_cache=60
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"accept-encoding": "identity", "user-agent": "heliograph"},
                timeout=aiohttp.ClientTimeout(total=None),
                read_bufsize=_BUFFER_BYTES,
                max_line_size=_FIELD_BYTES,
                max_field_size=_FIELD_BYTES,
            )
        return self._session


def is_good(response: aiohttp.ClientResponse) -> bool:
    """Say whether the status promises an answer."""
    return _OK <= response.status < _MULTIPLE


def headers_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Give the headers by lower-case names; of a repeated one the last counts."""
    return {name.lower(): value for name, value in response.headers.items()}


class Flow:
    """The bytes of one body as they come, each within its patience.

    One timer watches all reads and looks only when it fires: to set a deadline anew for each of
    fifty small reads would cost more than the reads.
    """

    def __init__(
        self, response: aiohttp.ClientResponse, timeouts: Timeouts, first_s: float = 0
    ) -> None:
        self._content = response.content
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._patience_s = first_s or timeouts.idle_s
        self._since: float | None = None  # when the read began that is waiting
        self._watch: asyncio.TimerHandle | None = None
        self._begun = self._enough = False

    async def read(self) -> bytes:
        """Give what has come since; empty at the end.

        Raises:
            Fault: CUT or TIMEOUT.
        """
        self._since = self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(self._patience_s, self._look)
        try:
            chunk = await self._content.readany()
        except _BREAKS as error:
            if self._enough:
                return b""
            raise fault_of(error, self._timeouts) from error
        finally:
            self._since = None
        if not self._begun:
            self._begun = True
            self._change(self._timeouts.idle_s)
        return chunk

    def enough(self) -> None:
        """Hear that the answer is whole: the rest may be awaited briefly, and need not come."""
        if not self._enough:
            self._enough = True
            self._change(_AFTER_END_S)

    def _change(self, patience_s: float) -> None:
        self._patience_s = patience_s
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self) -> None:
        """End a read that waits for too long; with no read waiting, watch no more."""
        self._watch = None
        if self._since is None:
            return
        left_s = self._since + self._patience_s - self._loop.time()
        if left_s <= 0:
            self._content.set_exception(TimeoutError())
        else:
            self._watch = self._loop.call_later(left_s, self._look)


async def read_whole(response: aiohttp.ClientResponse, timeouts: Timeouts) -> bytes:
    """Read all of a body.

    Raises:
        Fault: it was cut, fell silent, or never ends.
    """
    flow = Flow(response, timeouts, timeouts.first_byte_s)
    parts = []
    size = 0
    while chunk := await flow.read():
        size += len(chunk)
        if size > _ANSWER_BYTES:
            raise Fault(FaultKind.MALFORMED, "the answer is too large to be one")
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_error(response: aiohttp.ClientResponse, timeouts: Timeouts) -> bytes:
    """Read the body of an error as far as it matters; a broken one is an empty one."""
    flow = Flow(response, timeouts)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_ERROR_S):
            while size < _ERROR_BYTES and (chunk := await flow.read()):
                parts.append(chunk)
                size += len(chunk)
    except (Fault, TimeoutError):
        pass
    return b"".join(parts)[:_ERROR_BYTES]


@contextmanager
def broken(timeouts: Timeouts) -> Iterator[None]:
    """Turn what aiohttp says of sockets into faults."""
    try:
        yield
    except _BREAKS as error:
        raise fault_of(error, timeouts) from error


def fault_of(error: Exception, timeouts: Timeouts) -> Fault:
    """Give the fault that a broken socket is."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Fault(FaultKind.CONNECT, f"no connection within {timeouts.connect_s:g} s")
        case TimeoutError():
            return Fault(FaultKind.TIMEOUT, "the provider fell silent")
        case aiohttp.ClientConnectorError():
            reason = error.strerror or type(error.os_error).__name__
            return Fault(FaultKind.CONNECT, f"no connection: {reason}")
        case aiohttp.InvalidURL():
            return Fault(FaultKind.CONNECT, "the provider's url is no url")
        case aiohttp.ClientResponseError():
            return Fault(FaultKind.MALFORMED, "the provider does not speak HTTP")
        case _:
            return Fault(FaultKind.CUT, "the connection ended before the answer did")
