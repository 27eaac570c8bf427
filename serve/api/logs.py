"""`/v1/jobs/{id}/log`: an attempt's output, by piece or as it grows.

The file is the truth. Passing events of the hub only say when to look again, so a reader who
misses one misses nothing. Offsets are bytes.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from engine.jobs import TERMINAL
from serve.api import sse
from serve.api.answers import as_json, ask
from serve.api.jobs import WaitS
from serve.api.shapes import LogPage
from serve.api.strict import StrictRoute
from serve.api.waiting import Position, here, news
from serve.api.wiring import Wired, Wiring

router = APIRouter(prefix="/v1/jobs/{id}/log", tags=["jobs"], route_class=StrictRoute)

_LOOK_AGAIN_S = 2.0  # output that no event told of; the hub may have been away
_KINDS = ("job.",)

Epoch = Annotated[int, Query(ge=0, description="Which attempt; 0 is the newest.")]
Offset = Annotated[int, Query(ge=0, description="Skip so many bytes.")]


@dataclass(slots=True)
class Reader:
    """Where somebody stands in a job's output. `fixed`: this attempt and no other.

    An offset below 0 counts from the end, as it is when it is first read.
    """

    job: str
    epoch: int
    offset: int
    fixed: bool


@router.get("", response_model=LogPage)
async def read(
    wired: Wired,
    id: str,  # noqa: A002
    epoch: Epoch = 0,
    offset: Offset = 0,
    wait_s: WaitS = 0,
    tail: Annotated[int, Query(ge=0, description="Begin so many bytes before the end.")] = 0,
) -> Response:
    """Read output from a byte on; with `wait_s`, wait for more where there is none yet."""
    until = wired.clock.monotonic() + min(wait_s, wired.settings.serve.wait_s)
    at = await here(wired, passing=True) if wait_s else Position(0)
    reader = Reader(id, epoch, -tail or offset, fixed=bool(epoch))
    page = await _look(wired, reader)
    while not (page["text"] or page["at_rest"] or page["newest_epoch"] > page["epoch"]):
        left_s = until - wired.clock.monotonic()
        if left_s <= 0:
            break
        await news(wired, at, _KINDS, page["job"], min(left_s, _LOOK_AGAIN_S))
        page = await _look(wired, reader)
    return as_json(page)


_STREAMED = sse.described('id: 1:6\nevent: output\ndata: {"text": "hello\\n", ...}\n\n')


@router.get("/stream", response_class=Response, responses=_STREAMED)
async def stream(
    wired: Wired,
    id: str,  # noqa: A002
    epoch: Epoch = 0,
    offset: Offset = 0,
    last: Annotated[str, Header(alias="Last-Event-ID")] = "",
) -> Response:
    """Follow output as Server-Sent Events: `output` pieces, then one `end`.

    With epoch 0 later attempts are followed as well. `id` is EPOCH:OFFSET.
    """
    reader = Reader(id, epoch, offset, fixed=bool(epoch))
    before, _, behind = last.partition(":")
    if before.isdigit() and behind.isdigit():
        reader.epoch, reader.offset = int(before), int(behind)
    first = await _look(wired, reader)  # a job that is not there is refused, not streamed
    reader.job = first["job"]
    return sse.stream(_frames(wired, reader))


async def _frames(wired: Wiring, reader: Reader) -> AsyncIterator[str]:
    at = await here(wired, passing=True)
    beat_at = wired.clock.monotonic()
    yield sse.beat()
    while True:
        page = await _look(wired, reader)
        place = f"{page['epoch']}:{page['next_offset']}"
        if page["text"]:
            reader.epoch, reader.offset = page["epoch"], page["next_offset"]
            yield sse.frame(page, kind="output", place=place)
        elif not reader.fixed and page["newest_epoch"] > page["epoch"]:
            reader.epoch, reader.offset = page["newest_epoch"], 0
        elif page["at_rest"]:
            yield sse.frame(page, kind="end", place=place)
            return
        else:
            await news(wired, at, _KINDS, reader.job, _LOOK_AGAIN_S)
            if wired.clock.monotonic() - beat_at >= wired.settings.serve.beat_s:
                beat_at = wired.clock.monotonic()
                yield sse.beat()


async def _look(wired: Wiring, reader: Reader) -> dict[str, Any]:
    """Read a piece; the job first and its file after, so that `at_rest` is the whole truth."""
    view = await ask(wired, "job.show", id=reader.job)
    epoch = reader.epoch or int(view["epoch"])
    over = view["state"] in TERMINAL or epoch < int(view["epoch"])
    path = wired.home.log_of(view["id"], epoch)
    limit = wired.settings.serve.log_page_bytes
    reader.offset, data, more = await asyncio.to_thread(_bytes, path, reader.offset, limit)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = decoder.decode(data, final=over and not more)
    taken = len(data) - len(decoder.getstate()[0])
    return {
        "job": view["id"],
        "epoch": epoch,
        "newest_epoch": int(view["epoch"]),
        "offset": reader.offset,
        "next_offset": reader.offset + taken,
        "text": text,
        "at_rest": over and not more,
    }


def _bytes(path: Path, offset: int, limit: int) -> tuple[int, bytes, bool]:
    """Read at most `limit` bytes: where they begin, and whether the file has more behind them."""
    try:
        with path.open("rb") as file:
            start = offset if offset >= 0 else max(0, file.seek(0, SEEK_END) + offset)
            file.seek(start)
            data = file.read(limit + 1)
    except FileNotFoundError:
        return max(0, offset), b"", False
    return start, data[:limit], len(data) > limit
