"""Every refusal as an RFC 9457 problem: our own errors, the framework's, and surprises.

A surprise is logged with an incident id, redacted; the caller gets the id and no more.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import (
    BadInput,
    Denied,
    HelioError,
    HouseFault,
    NotFound,
    PayloadTooLarge,
    WrongMethod,
)

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger("heliograph.api")
_INCIDENT_BYTES = 6
_FIELDS_SHOWN = 20


def answer(error: HelioError) -> JSONResponse:
    """Give an error as a response."""
    headers = {}
    if isinstance(error, Denied) and error.status == Denied.status:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error.as_problem(), error.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make the application answer every refusal as a problem."""
    app.add_exception_handler(HelioError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _framework)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HelioError)
    return answer(error)


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(malformed(error.errors()))


def malformed(faults: Sequence[Any]) -> BadInput:
    """Name every field that is wrong, in one sentence and as a list."""
    fields = [
        {"field": _place(fault["loc"]), "why": str(fault["msg"])}
        for fault in faults[:_FIELDS_SHOWN]
    ]
    said = "; ".join(f"{one['field']}: {one['why']}" for one in fields)
    return BadInput(
        f"The request has parts that cannot be read: {said}.",
        remedy="Compare it with the description at /docs.",
        fields=fields,
    )


def _place(loc: Sequence[Any]) -> str:
    """Write where a fault is, as a path: ``jobs[3].lane``."""
    text = ""
    for part in loc[1:] or loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


async def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    method, path = request.method, request.scope["path"]
    match error.status_code:
        case 404:
            ours: HelioError = NotFound(
                f"There is nothing at {path}.", remedy="All addresses are listed at /docs."
            )
        case 405:
            allowed = (error.headers or {}).get("Allow", "")
            ours = WrongMethod(f"{path} takes {allowed}, not {method}.", allowed=allowed)
        case 413:
            remedy = "Send less, or raise `serve.request_bytes`."
            ours = PayloadTooLarge(str(error.detail), remedy=remedy)
        case status if status < 500:
            ours = BadInput(f"{method} {path} cannot be read: {error.detail}.")
        case _:
            ours = HouseFault(str(error.detail))
    response = answer(ours)
    if "allowed" in ours.facts:
        response.headers["Allow"] = ours.facts["allowed"]
    return response


class Surprises:
    """The outermost catch: what nobody expected becomes an incident, not a stack trace."""

    def __init__(self, app: ASGIApp, redact: Callable[[str], str]) -> None:
        self._app = app
        self._redact = redact

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except HelioError as error:  # raised by another layer, outside the routes
            if started:
                raise
            await answer(error)(scope, receive, watched)
        except Exception as fault:  # noqa: BLE001  # a surprise must not end as a bare 500
            incident = secrets.token_hex(_INCIDENT_BYTES)
            text = "".join(traceback.format_exception(fault))
            _LOG.error("Incident %s\n%s", incident, self._redact(text))
            if not started:
                await answer(_incident(incident))(scope, receive, watched)


def _incident(incident: str) -> HouseFault:
    return HouseFault(
        "Heliograph met something it did not expect; nothing more is known here.",
        remedy=f"Search the logs of the home for incident {incident}.",
        incident=incident,
    )
