"""`/v1/conversations` and `/v1/turns`: what was said, and in which conversation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from serve.api.answers import as_json, ask
from serve.api.shapes import Page
from serve.api.shapes_of_talks import ConversationView, TurnView
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired

router = APIRouter(prefix="/v1", tags=["models"], route_class=StrictRoute)

Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]
Limit = Annotated[int | None, Query(ge=1)]


@router.get("/conversations", response_model=Page[ConversationView])
async def index(
    wired: Wired, project: str | None = None, cursor: Cursor = None, limit: Limit = None
) -> Response:
    """List kept conversations."""
    asked = {"project": project, "cursor": cursor, "limit": limit}
    return as_json(await ask(wired, "conversation.list", **asked))


@router.get("/turns", response_model=Page[TurnView])
async def turns(
    wired: Wired,
    conversation: Annotated[str | None, Query(examples=["mirrors"])] = None,
    project: str | None = None,
    session: Annotated[str | None, Query(description="Instead of a conversation.")] = None,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Response:
    """List the last turns of a conversation, oldest first; the cursor leads to older ones."""
    asked = {"conversation": conversation, "project": project, "session": session}
    return as_json(await ask(wired, "turn.list", **asked, cursor=cursor, limit=limit))
