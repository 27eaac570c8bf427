"""`/v1/decisions`: what waits for the owner, and the answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from engine.errors import BadInput
from serve.api.answers import as_json, ask, order
from serve.api.asks import AnswerAsk
from serve.api.shapes import DecisionView, Page
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired

router = APIRouter(prefix="/v1/decisions", tags=["decisions"], route_class=StrictRoute)


@router.get("", response_model=Page[DecisionView])
async def index(
    wired: Wired,
    state: Annotated[str | None, Query(examples=["open"])] = None,
    cursor: str | None = None,
    limit: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """List decisions."""
    return as_json(await ask(wired, "decision.list", state=state, cursor=cursor, limit=limit))


@router.get("/{id}", response_model=DecisionView, responses={304: {"description": "Unchanged."}})
async def show(
    wired: Wired,
    id: str,  # noqa: A002
    known: Annotated[str, Header(alias="If-None-Match")] = "",
) -> Response:
    """Show a decision; the ETag is its version."""
    view = await ask(wired, "decision.show", id=id)
    tag = f'"{view["version"]}"'
    if known == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return as_json(view, headers={"ETag": tag})


@router.post("/{id}/answer", response_model=DecisionView)
async def answer(
    wired: Wired,
    id: str,  # noqa: A002
    said: AnswerAsk,
    match: Annotated[str, Header(alias="If-Match", description="The ETag, with quotes.")] = "",
) -> Response:
    """Answer a decision, once; a second answer is told what the first one was (409)."""
    version = said.version if said.version is not None else _version(match)
    told = await order(
        wired, "decision.answer", id=id, option=said.option, version=version, by=said.by
    )
    return as_json(told, headers={"ETag": f'"{told["version"]}"'})


def _version(tag: str) -> int | None:
    if not tag or tag == "*":
        return None
    if not tag.strip('"').isdigit():
        raise BadInput(f"If-Match {tag} is no version.", remedy="Send the ETag of the decision.")
    return int(tag.strip('"'))
