"""The ASGI application, put together: layers outside, routes inside."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware

from actors.clock import SystemClock
from engine.ports import Clock, Desk, HubFace, RouterFace
from engine.settings import Settings
from serve import pages
from serve.api import (
    artefacts,
    conversations,
    costs,
    decisions,
    events,
    house,
    jobs,
    logs,
    models,
    openapi,
    pipelines,
    problems,
    projects,
    workers,
)
from serve.api.guard import Guard, host_names
from serve.api.limits import BodyLimit
from serve.api.redacting import HomeRedactor
from serve.api.veil import Veil
from serve.api.wiring import Wiring
from serve.auth import Auth
from store.config import load_settings
from store.home import Home

_ROUTERS = (
    jobs.router, logs.router, artefacts.router, pipelines.router, decisions.router,
    projects.router, workers.router, models.router, costs.router, events.router, house.router,
    conversations.router, pages.router,
)  # fmt: skip


def build_app(
    desk: Desk,
    hub: HubFace,
    home: str | Path | Home,
    *,
    router: RouterFace | None = None,
    settings: Settings | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Build the application of one home.

    Raises:
        BadSettings: the settings of the home cannot be used.
    """
    where = home if isinstance(home, Home) else Home.at(home)
    known = settings or load_settings(where)
    time = clock or SystemClock()
    auth = Auth(where, time, known.serve.login_s)
    app = FastAPI(
        title="Heliograph",
        version=installed_version("heliograph"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=_layers(auth, known, HomeRedactor(where)),
    )
    app.state.wiring = Wiring(
        desk=desk, hub=hub, router=router, home=where, settings=known, clock=time, auth=auth
    )
    for routes in _ROUTERS:
        app.include_router(routes)
    pages.mount(app)
    problems.install(app)
    app.openapi = cache(lambda: openapi.describe(app))  # type: ignore[method-assign]
    return app


def _layers(auth: Auth, settings: Settings, redactor: HomeRedactor) -> list[Middleware]:
    """List the layers, outermost first."""
    return [
        Middleware(Veil, redactor=redactor),
        Middleware(problems.Surprises, redact=redactor),
        Middleware(Guard, auth=auth, hosts=host_names(settings.serve)),
        Middleware(BodyLimit, limit_bytes=settings.serve.request_bytes),
    ]
