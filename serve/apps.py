"""The Ray Serve applications: the doors of the house.

Each deployment builds its ASGI app inside the replica, from references to actors that are looked
up by name; nothing but the home's path travels, and no replica keeps any truth. It knows Serve;
what the routes are, `serve.api` knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ray import serve as ray_serve

from engine.settings import ServeSettings

API = "api"
SHUTDOWN_S = 3.0  # an open stream would hold a replica for ever


@ray_serve.ingress()
class Api:
    """The API and its pages, in one replica."""

    def __init__(self, home: str) -> None:
        self._home = home

    def __serve_build_asgi_app__(self) -> Any:
        """Build the app in the replica, after the constructor."""
        from actors import refs  # noqa: PLC0415  only the replica needs them
        from serve.api import build_app  # noqa: PLC0415

        return build_app(refs.desk(), refs.hub(), self._home)


@dataclass(frozen=True, slots=True)
class App:
    """One Serve application and where it is mounted."""

    name: str
    route_prefix: str
    ingress: type[Any]


APPS = (App(API, "/", Api),)


def bound(app: App, home: str, settings: ServeSettings) -> Any:
    """Give the application of one home, ready for `ray.serve.run`."""
    deployment: Any = ray_serve.deployment(
        app.ingress,
        name=app.name,
        num_replicas=settings.replicas,
        max_ongoing_requests=settings.max_ongoing_requests,  # an open stream counts as one
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_timeout_s=SHUTDOWN_S,
        graceful_shutdown_wait_loop_s=0.2,
    )
    return deployment.bind(home)


def http_options(settings: ServeSettings, port: int) -> dict[str, Any]:
    """Say where the proxy listens."""
    return {"host": settings.host, "port": port}
