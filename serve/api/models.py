"""`/v1/models`: what can be called, how it stands, and closing and opening it by hand.

The router answers, not the desk: it holds the catalogue and the state. Names may hold slashes: a
provider, `provider/key`, a model, or a slot `provider/key/id`. The models for programs that call
them stand at the gateway's own `/v1/models`.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from engine.errors import Unavailable
from engine.ports import RouterFace
from serve.api.answers import as_json, given
from serve.api.asks import TripAsk
from serve.api.shapes_of_models import (
    ModelDetail,
    ModelPage,
    ModelReloaded,
    ModelsChanged,
    ModelTried,
)
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired, Wiring

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=StrictRoute)


@router.get("", response_model=ModelPage)
async def index(wired: Wired) -> Response:
    """List every model with each key of each of its providers, and how it stands."""
    told = await _router(wired).query("model.list", {})
    items = told.pop("candidates")
    return as_json({"items": items, "next_cursor": None} | told)


@router.post("/reload", response_model=ModelReloaded)
async def reload(wired: Wired) -> Response:
    """Read models.toml now; a file that cannot be used changes nothing and is told."""
    return as_json(await _command(wired, "model.reload"))


@router.post("/{name:path}/test", response_model=ModelTried)
async def test(wired: Wired, name: str) -> Response:
    """Make one short real call to each candidate that the name means."""
    return as_json(await _command(wired, "model.test", name=name))


@router.post("/{name:path}/trip", response_model=ModelsChanged)
async def trip(wired: Wired, name: str, asked: TripAsk | None = None) -> Response:
    """Close by hand what the name means; nothing is asked there until the time is over."""
    return as_json(await _command(wired, "model.trip", name=name, for_s=asked and asked.for_s))


@router.post("/{name:path}/reset", response_model=ModelsChanged)
async def reset(wired: Wired, name: str) -> Response:
    """Forget what is held against what the name means: limits, breaker, closing by hand."""
    return as_json(await _command(wired, "model.reset", name=name))


@router.get("/{name:path}", response_model=ModelDetail)
async def show(wired: Wired, name: str) -> Response:
    """Show the candidates that the name means, with everything that is known of them."""
    return as_json(await _router(wired).query("model.show", {"name": name}))


async def _command(wired: Wiring, word: str, **body: Any) -> dict[str, Any]:
    return await _router(wired).command(word, given(body))


def _router(wired: Wiring) -> RouterFace:
    if wired.router is None:
        raise Unavailable("This house has no router of models.", remedy="Look: helio status")
    return wired.router
