"""`/v1/workers`: the sessions. Their names hold a slash."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from serve.api.answers import as_json, ask, order
from serve.api.shapes import Page, WorkerView
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired

router = APIRouter(prefix="/v1/workers", tags=["workers"], route_class=StrictRoute)


@router.get("", response_model=Page[WorkerView])
async def index(
    wired: Wired, state: Annotated[str | None, Query(examples=["running"])] = None
) -> Response:
    """List workers."""
    return as_json(await ask(wired, "worker.list", state=state))


@router.post("/{name:path}/retire", response_model=WorkerView)
async def retire(wired: Wired, name: str) -> Response:
    """Retire a worker: it ends when its work is done, and its directory is free."""
    return as_json(await order(wired, "worker.retire", name=name))


@router.get("/{name:path}", response_model=WorkerView)
async def show(wired: Wired, name: str) -> Response:
    """Show a worker."""
    return as_json(await ask(wired, "worker.show", name=name))
