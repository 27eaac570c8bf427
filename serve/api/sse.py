"""Server-Sent Events, written: frames, and the response that carries them.

A frame without data still moves the reader's Last-Event-ID, so a beat tells a filtered reader how
far the stream has gone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi.responses import StreamingResponse

MEDIA_TYPE = "text/event-stream"


def described(example: str) -> dict[int | str, dict[str, Any]]:
    """Describe a streamed answer for the documents."""
    told = {"schema": {"type": "string"}, "example": example}
    return {200: {"description": "Server-Sent Events.", "content": {MEDIA_TYPE: told}}}


def frame(data: Mapping[str, Any], *, kind: str = "", place: str = "") -> str:
    """Write one event; JSON has no raw line ends, so one data line is enough."""
    head = (f"id: {place}\n" if place else "") + (f"event: {kind}\n" if kind else "")
    return f"{head}data: {json.dumps(data, separators=(',', ':'))}\n\n"


def beat(place: str = "") -> str:
    """Write a comment that keeps the line open, and the place reached."""
    return ": beat\n" + (f"id: {place}\n" if place else "") + "\n"


def stream(frames: AsyncIterator[str]) -> StreamingResponse:
    """Make the response; each frame goes out as it comes."""
    return StreamingResponse(frames, media_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})
