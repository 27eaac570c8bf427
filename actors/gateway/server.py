"""The HTTP server of the gateway: one handler for the TCP port and the unix socket.

It is built on aiohttp's low-level server, since a table of nine addresses needs no router and no
chain of middlewares. A request is: address, key, body, endpoint; whatever stops it on the way is
told in its dialect. Bodies and keys are never logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from actors.gateway import passing
from actors.gateway.answering import answer
from actors.gateway.counting import count
from actors.gateway.errands import Errands
from actors.gateway.errors import GaveUp, Reply, of_error, of_giving_up, of_surprise
from actors.gateway.identity import Address, address, identify
from actors.gateway.intake import Intake, pinned, read_body, read_json
from actors.gateway.listing import listing
from actors.gateway.office import GatewayOffice
from actors.gateway.routes import Endpoint, dialect_of, route
from actors.gateway.streaming import BEGUN, stream
from actors.transports.passage import Passage
from engine.errors import HelioError, PortBusy
from engine.ids import IdMint
from routing.conversation import Dialect

_LOG = logging.getLogger("heliograph.router")
_FIELD_BYTES = 32 * 2**10  # a login in a header can be long
_STOP_S = 5.0  # how long calls under way may take to end at a stop
_SOCKET_MODE = 0o600


class Gateway:
    """The model endpoints of the house."""

    def __init__(self, office: GatewayOffice, rng: Random | None = None) -> None:
        self._office = office
        self._errands = Errands()
        self._passage = Passage()
        self._passing = passing.Passing(office, self._errands, self._passage)
        self._mint = IdMint(rng or Random())  # noqa: S311  # an id is no secret
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int, socket: str = "") -> str:
        """Listen on a port (0 picks a free one) and on a unix socket; gives the base url.

        Raises:
            PortBusy: somebody else listens there.
        """
        server = web.Server(
            self.handle,
            handler_cancellation=True,
            access_log=None,
            max_line_size=_FIELD_BYTES,
            max_field_size=_FIELD_BYTES,
        )
        runner = web.ServerRunner(server, shutdown_timeout=_STOP_S)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, host, port).start()
            if socket:
                await _listen(runner, Path(socket))
        except OSError as error:
            await self.close()
            raise PortBusy(
                f"The gateway cannot listen on {host}:{port}: {error.strerror}.",
                remedy="Stop who listens there, or set models.port to another one.",
            ) from error
        bound = runner.addresses[0]
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{bound[1]}"

    async def close(self) -> None:
        """Stop listening, end the calls under way, and write down what they cost."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._errands.finish()
        await self._passage.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; nothing escapes but the end of its connection."""
        where = address(request.raw_path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        dialect = dialect_of(where.path, headers)
        try:
            response = await self._answer(request, where, headers)
            _LOG.debug("%s %s: %d", request.method, where.path, response.status)
            return response  # noqa: TRY300
        except GaveUp as gave:
            reply = of_giving_up(gave, dialect, self._office.clock.now())
        except HelioError as error:
            reply = of_error(error)
        except ConnectionError:
            if BEGUN in request:
                return _cut(request)
            raise
        except Exception as error:  # noqa: BLE001  # a bug of ours is told in the dialect as well
            _log_surprise(where.path, error)
            reply = of_surprise()
        if BEGUN in request:
            return _cut(request)
        return _worded(reply, dialect, request)

    async def _answer(
        self, request: web.BaseRequest, where: Address, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        """Find the endpoint and let it answer.

        Raises:
            HelioError, GaveUp: why there is no answer.
        """
        found = route(request.method, where.path, headers)
        if found.endpoint is Endpoint.HELLO or found.endpoint is Endpoint.HEALTH:
            return _json({"status": "halted" if self._office.halted else "ok"})
        who, login = identify(self._office.identify, where, headers)
        if found.endpoint is Endpoint.MODELS:
            return _json(listing(self._office.catalogue, found.dialect, found.model))
        raw = await read_body(request, self._office.settings.models.request_bytes)
        who = pinned(who, headers)
        with self._office.under_way(who):
            if found.endpoint is Endpoint.EMBED:
                parcel = passing.embeddings(who, found.path, raw)
                return await self._passing.answer(parcel, self._request_id())
            if found.endpoint is Endpoint.TRANSCRIBE:
                kind = headers.get("content-type", "")
                parcel = passing.transcription(who, found.path, raw, kind)
                return await self._passing.answer(parcel, self._request_id())
            intake = Intake(who, found, where, headers, raw, read_json(raw), login)
            return await self._converse(request, intake)

    async def _converse(self, request: web.BaseRequest, intake: Intake) -> web.StreamResponse:
        if intake.route.endpoint is Endpoint.COUNT:
            return _json(count(intake))
        request_id = self._request_id()
        if intake.stream:
            return await stream(self._office, self._errands, request, intake, request_id)
        return await answer(self._office, self._errands, intake, request_id)

    def _request_id(self) -> str:
        return self._mint.mint(self._office.clock.now())


async def _listen(runner: web.ServerRunner, socket: Path) -> None:
    """Listen on a unix socket that only the owner can reach; one that was left behind goes."""
    await asyncio.to_thread(socket.unlink, missing_ok=True)
    await web.UnixSite(runner, str(socket)).start()
    await asyncio.to_thread(socket.chmod, _SOCKET_MODE)


def _log_surprise(path: str, error: Exception) -> None:
    """Say where a bug is. What its exception says is left out: it may quote a request."""
    trace = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("a request at %s failed: %s\n%s", path, type(error).__name__, trace)


def _json(body: Mapping[str, Any]) -> web.Response:
    return web.Response(
        body=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )


def _worded(reply: Reply, dialect: Dialect, request: web.BaseRequest) -> web.Response:
    """Give the response that tells an error; a body that was not read ends its connection."""
    response = web.Response(
        body=json.dumps(reply.worded(dialect)).encode(),
        status=reply.status,
        headers={**reply.headers, "content-type": "application/json"},
    )
    if not request.content.at_eof() and request.body_exists:
        response.force_close()
    return response


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    """End a connection in the middle of its answer: nothing else can be told there any more."""
    if request.transport is not None:
        request.transport.abort()
    return request[BEGUN]
