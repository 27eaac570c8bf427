"""No more bytes than the setting allows: refused by their announcement, or while they come."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """An ASGI layer that counts the bytes of a request's body as they are read."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counting reader."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        seen = 0

        async def counting() -> Message:
            nonlocal seen
            if announced.isdigit() and int(announced) > self._limit:
                raise self._too_large()
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise self._too_large()
            return message

        await self._app(scope, counting, send)

    def _too_large(self) -> HTTPException:
        """Make the refusal; the framework lets only its own exceptions pass while it reads."""
        return HTTPException(413, f"A request may have at most {self._limit} bytes.")
