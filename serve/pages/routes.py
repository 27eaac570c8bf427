"""Where the pages stand, and how a browser logs in and out.

A page is a file without data: what it shows, it asks `/v1` for, with the session cookie that a
login gave it. So pages are public, and what they show is not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from engine.errors import Denied
from serve.api.answers import as_json
from serve.api.asks import LoginAsk
from serve.api.openapi import for_swagger_ui
from serve.api.shapes import BrowserSession
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired

router = APIRouter(tags=["pages"], route_class=StrictRoute)

_FILES = Path(__file__).parent / "static"
_CHECK_AGAIN = {"Cache-Control": "no-cache"}
_SWAGGER = frozenset({"swagger-ui.css", "swagger-ui-bundle.js"})


class _Assets(StaticFiles):
    """Files that a browser keeps but asks about each time; only the names given, if any."""

    def __init__(self, directory: str | Path, only: frozenset[str] = frozenset()) -> None:
        super().__init__(directory=directory)
        self._only = only

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file, if it is one of those that are meant to be seen."""
        if self._only and path not in self._only:
            raise HTTPException(404)
        return super().lookup_path(path)

    def file_response(self, *args: Any, **more: Any) -> Response:
        """Make the response."""
        response = super().file_response(*args, **more)
        response.headers.update(_CHECK_AGAIN)
        return response


def mount(app: FastAPI) -> None:
    """Add the files; after the routes, which come first where both would fit."""
    app.mount("/static", _Assets(_FILES))
    app.mount("/docs", _Assets(swagger_ui_path, only=_SWAGGER))


@router.get("/", response_class=FileResponse)
async def home_page() -> Response:
    """Show the state of the house."""
    return FileResponse(_FILES / "index.html", headers=_CHECK_AGAIN)


@router.get("/docs", response_class=FileResponse)
async def documents() -> Response:
    """Show the description of `/v1`."""
    return FileResponse(_FILES / "docs.html", headers=_CHECK_AGAIN)


@router.get("/docs/openapi.json", include_in_schema=False)
async def older_description(request: Request) -> Response:
    """Give the description in the dialect of the documents' page."""
    return as_json(for_swagger_ui(request.app.openapi()))


@router.post("/login", response_model=BrowserSession)
async def login(wired: Wired, request: Request, proof: LoginAsk) -> Response:
    """Begin a browser session with the token, or with the ticket of `helio open`."""
    auth = wired.auth
    if not (auth.is_token(proof.token) or auth.redeem(proof.ticket)):
        raise Denied(
            "That is not the token of this house."
            if proof.token
            else "That link has been used or is too old.",
            remedy="Make a new link: helio open",
        )
    session = auth.begin()
    response = as_json({"form_key": auth.form_key(session)})
    response.set_cookie(
        auth.cookie, session, max_age=int(auth.session_s), **_cookie(request),
    )  # fmt: skip
    return response


@router.get("/login", response_model=BrowserSession)
async def session(wired: Wired, request: Request) -> Response:
    """Tell a page what to send with each change; nothing where nobody is logged in."""
    return as_json({"form_key": wired.auth.form_key_of(request.headers)})


@router.post("/logout", status_code=204)
async def logout(wired: Wired, request: Request) -> Response:
    """Make the browser forget its session."""
    response = Response(status_code=204)
    response.delete_cookie(wired.auth.cookie, **_cookie(request))
    return response


def _cookie(request: Request) -> Mapping[str, Any]:
    """Give what every form of the cookie has: no script reads it, no other site sends it."""
    secure = request.url.scheme == "https"
    return {"path": "/", "httponly": True, "samesite": "strict", "secure": secure}
