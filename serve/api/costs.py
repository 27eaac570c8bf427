"""`/v1/costs`: what model calls cost, added up. The sums outlive the calls themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from serve.api.answers import as_json, ask
from serve.api.shapes_of_models import CostSums
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired

router = APIRouter(prefix="/v1/costs", tags=["models"], route_class=StrictRoute)

Day = Annotated[
    str | None, Query(description="A day of the owner's time zone.", examples=["2026-11-22"])
]


@router.get("", response_model=CostSums)
async def index(
    wired: Wired,
    by: Annotated[
        str | None,
        Query(description="project, model, day, worker or provider.", examples=["model"]),
    ] = None,
    since: Day = None,
    until: Day = None,
    project: str | None = None,
) -> Response:
    """Add up calls, failures, money, turns and tokens; both days are counted."""
    return as_json(await ask(wired, "cost.sum", by=by, since=since, until=until, project=project))
