"""The last layer before the socket: security headers, and no registered secret in any answer.

Text is redacted where it is whole: a response in one piece, or one frame of a stream (each frame
of ours is one message). Files are not looked through: neither those of the house's own pages,
nor downloads, which were redacted before they were written and whose ETag is their hash.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.api.redacting import HomeRedactor

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Veil:
    """An ASGI layer over everything that goes out."""

    def __init__(self, app: ASGIApp, redactor: HomeRedactor) -> None:
        self._app = app
        self._redactor = redactor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and look at the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Veiled(send, self._redactor))


class _Veiled:
    """The sending side of one request: the head waits for the first piece of the body."""

    def __init__(self, send: Send, redactor: HomeRedactor) -> None:
        self._send = send
        self._redactor = redactor
        self._head: Message | None = None
        self._hide: Callable[[str], str] | None = None

    async def __call__(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start":
                self._begin(message)
            case "http.response.body":
                await self._pass(message)
            case _:
                await self._send(message)

    def _begin(self, head: Message) -> None:
        headers = MutableHeaders(raw=head["headers"])
        headers.update(HEADERS)
        headers.setdefault("Cache-Control", "no-store")
        if not headers.get("content-disposition", "").startswith("attachment"):
            self._hide = self._redactor.of(headers.get("content-type", ""))
        self._head = head

    async def _pass(self, message: Message) -> None:
        if self._hide is not None and message.get("body"):
            text = bytes(message["body"]).decode("utf-8", "surrogateescape")
            clean = self._hide(text).encode("utf-8", "surrogateescape")
            message = {**message, "body": clean}
        if self._head is not None:
            headers = MutableHeaders(raw=self._head["headers"])
            if self._hide is not None and not message.get("more_body"):
                headers["content-length"] = str(len(message.get("body", b"")))
            await self._send(self._head)
            self._head = None
        await self._send(message)
