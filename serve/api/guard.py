"""Who may come in: one check of every request before a byte of its body is read.

A request passes when it names this house (Host), comes from our own page or from no page at all
(Origin), proves to be the owner's unless it asks for something public, and, when a browser wants
to change something, carries the form key that only our page knows. What is not listed as public
needs the token: a forgotten route is a closed one.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import Foreign
from engine.settings import ServeSettings
from serve.auth import FORM_HEADER, Auth, Caller

# Pages and documents hold no data; metrics hold counts (docs/decisions/0007 says why).
PUBLIC = frozenset({"/", "/login", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"})
PUBLIC_UNDER = ("/docs/", "/static/")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, never bound to


def host_names(settings: ServeSettings) -> frozenset[str]:
    """List the names under which this house may be called."""
    return _LOOPBACK | ({settings.host, *settings.allowed_hosts} - _ANY)


class Guard:
    """An ASGI layer that lets through what it may and answers the rest."""

    def __init__(self, app: ASGIApp, auth: Auth, hosts: Iterable[str]) -> None:
        self._app = app
        self._auth = auth
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request; anything but HTTP is none of ours."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            self._check(scope)
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._check_host(headers.get("host", ""))
        changes = scope["method"] not in SAFE_METHODS
        self._check_origin(headers, changes=changes)
        path = scope["path"]
        if path in PUBLIC or path.startswith(PUBLIC_UNDER):
            return
        caller = self._auth.caller(headers)
        if changes and caller is Caller.BROWSER:
            self._check_form_key(headers)

    def _check_host(self, host: str) -> None:
        """Refuse names that are not ours: a page elsewhere may have pointed its own name here."""
        if _name_of(f"//{host}") not in self._hosts:
            raise Foreign(
                "This house is not called by that name.",
                remedy="Use localhost, or add the name to serve.allowed_hosts in config.toml.",
            )

    def _check_origin(self, headers: Headers, *, changes: bool) -> None:
        """Refuse pages of other sites; programs send neither of these headers."""
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            raise Foreign("A page of another site may not call this house.")
        if changes and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise Foreign("A page of another site may not change anything here.")

    def _check_form_key(self, headers: Headers) -> None:
        session = self._auth.session(headers)
        if not self._auth.is_form_key(headers.get(FORM_HEADER, ""), session):
            raise Foreign(
                "A change from a browser must come from our own page.",
                remedy="Load the page again and repeat it.",
            )


def _name_of(url: str) -> str:
    """Give the host's name without its port, empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
