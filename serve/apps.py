"""The Ray Serve applications: the doors of the house.

Each deployment builds its ASGI app inside the replica, from references to actors that are looked
up by name; nothing but the home's path travels, and no replica keeps any truth. It knows Serve;
what the routes are, `serve.api` knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from ray import serve as ray_serve

from engine.settings import ServeSettings

SHUTDOWN_S = 3.0  # an open stream would hold a replica for ever
_HEALTH_PERIOD_S = 2.0  # a killed replica is noticed within this

Asgi = Callable[..., Awaitable[None]]


@ray_serve.ingress()
class Door:
    """One replica of the house's ASGI app."""

    def __init__(self, home: str) -> None:
        self._home = home

    def __serve_build_asgi_app__(self) -> Asgi:
        """Build the app in the replica, after the constructor."""
        from actors import refs  # noqa: PLC0415  only the replica needs them
        from serve.api import build_app  # noqa: PLC0415

        return at_root(build_app(refs.desk(), refs.hub(), self._home, router=refs.router()))


def at_root(app: Asgi) -> Asgi:
    """Give an app its whole path: its routes name the prefix under which Serve mounts it."""

    async def rooted(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await app({**scope, "root_path": ""}, receive, send)

    return rooted


@dataclass(frozen=True, slots=True)
class App:
    """One Serve application and where it is mounted."""

    name: str
    route_prefix: str


# Apart, so that a page that somebody left open takes no request's place at the API.
APPS = (App("api", "/v1"), App("pages", "/"))


def targets(home: str, settings: ServeSettings, running: Collection[str]) -> list[Any]:
    """Give what is to be deployed: every app that does not run yet."""
    deployment: Any = ray_serve.deployment(
        Door,
        num_replicas=settings.replicas,
        max_ongoing_requests=settings.max_ongoing_requests,  # an open stream counts as one
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_timeout_s=SHUTDOWN_S,
        graceful_shutdown_wait_loop_s=0.2,
        health_check_period_s=_HEALTH_PERIOD_S,
        health_check_timeout_s=10.0,
    )
    return [
        ray_serve.RunTarget(
            target=deployment.options(name=app.name).bind(home),
            name=app.name,
            route_prefix=app.route_prefix,
        )
        for app in APPS
        if app.name not in running
    ]


def http_options(settings: ServeSettings, port: int) -> dict[str, Any]:
    """Say where the proxy listens."""
    return {"host": settings.host, "port": port}
