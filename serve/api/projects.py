"""`/v1/projects`: bodies of work."""

from __future__ import annotations

from fastapi import APIRouter, Response

from serve.api.answers import as_json, ask, order
from serve.api.asks import ProjectAsk
from serve.api.shapes import Page, ProjectView
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired

router = APIRouter(prefix="/v1/projects", tags=["projects"], route_class=StrictRoute)


@router.get("", response_model=Page[ProjectView])
async def index(wired: Wired) -> Response:
    """List projects."""
    return as_json(await ask(wired, "project.list"))


@router.get("/{id}", response_model=ProjectView)
async def show(wired: Wired, id: str) -> Response:  # noqa: A002
    """Show a project."""
    return as_json(await ask(wired, "project.show", id=id))


@router.post("", status_code=201, response_model=ProjectView)
async def add(wired: Wired, project: ProjectAsk) -> Response:
    """Add a project, or change the one of that name."""
    return as_json(await order(wired, "project.add", **project.model_dump()), 201)
