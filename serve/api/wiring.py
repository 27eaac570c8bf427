"""What the routes reach: the desk, the hub, the router, the home. Built once for each app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from engine.ports import Clock, Desk, HubFace, RouterFace
from engine.settings import Settings
from serve.auth import Auth
from store.home import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything a route may use."""

    desk: Desk
    hub: HubFace
    router: RouterFace | None  # None: a house without models, as in tests
    home: Home
    settings: Settings
    clock: Clock
    auth: Auth


def _wiring(request: Request) -> Wiring:
    found: Wiring = request.app.state.wiring
    return found


Wired = Annotated[Wiring, Depends(_wiring)]
