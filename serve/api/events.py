"""`/v1/events`: what happened, by page or live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from serve.api import sse
from serve.api.answers import as_json, ask
from serve.api.feed import Wish, follow
from serve.api.shapes import EventPage
from serve.api.strict import StrictRoute
from serve.api.waiting import Position, here
from serve.api.wiring import Wired, Wiring

router = APIRouter(prefix="/v1/events", tags=["events"], route_class=StrictRoute)

After = Annotated[
    int | None, Query(ge=0, description="Behind this seq. A stream without it begins now.")
]
Prefixes = Annotated[
    list[str] | None, Query(description="Only kinds that begin so; repeatable.", examples=["job."])
]
Subject = Annotated[str, Query(description="Only of this job, worker or decision: the whole id.")]
_STREAMED = sse.described('id: 42\nevent: job.ready\ndata: {"seq": 42, ...}\n\n')


@router.get("", response_model=EventPage, responses=_STREAMED)
async def index(
    wired: Wired,
    after: After = None,
    limit: Annotated[int | None, Query(ge=1)] = None,
    prefixes: Prefixes = None,
    subject: Subject = "",
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    last: Annotated[str, Header(alias="Last-Event-ID", include_in_schema=False)] = "",
) -> Response:
    """Give stored events behind `after`; with `Accept: text/event-stream`, the live stream."""
    if sse.MEDIA_TYPE in accept:
        return await _stream(wired, Wish(prefixes or (), subject), _place(last, after))
    page = await ask(
        wired, "event.list", after=after or 0, limit=limit, prefixes=prefixes,
        subject=subject or None,
    )  # fmt: skip
    return as_json(page)


@router.get("/stream", responses=_STREAMED, response_class=Response)
async def stream(
    wired: Wired,
    after: After = None,
    prefix: Prefixes = None,
    subject: Subject = "",
    passing: Annotated[bool, Query(description="Also what is never stored: output.")] = False,
    named: Annotated[bool, Query(description="False: no `event:` line, for `onmessage`.")] = True,
    last: Annotated[str, Header(alias="Last-Event-ID")] = "",
) -> Response:
    """Follow events live as Server-Sent Events.

    `id` is the seq: reconnect with it as Last-Event-ID and nothing is missed or doubled. A silent
    stream sends a comment every 15 seconds.
    """
    wish = Wish(prefix or (), subject)
    return await _stream(wired, wish, _place(last, after), passing=passing, named=named)


def _place(last: str, after: int | None) -> int | None:
    """Choose where to begin: a reader who comes back knows best."""
    return int(last) if last.isdigit() else after


async def _stream(
    wired: Wiring, wish: Wish, after: int | None, *, passing: bool = False, named: bool = True
) -> Response:
    at = await here(wired, passing=passing)
    if after is not None:
        at.cursor = after
    return sse.stream(_frames(wired, at, wish, named=named))


async def _frames(wired: Wiring, at: Position, wish: Wish, *, named: bool) -> AsyncIterator[str]:
    yield sse.beat(str(at.cursor))
    async for event in follow(wired, at, wish, wired.settings.serve.beat_s):
        if event is None:
            yield sse.beat(str(at.cursor))
        else:
            place = str(event["seq"]) if event["seq"] else ""
            yield sse.frame(event, kind=event["kind"] if named else "", place=place)
