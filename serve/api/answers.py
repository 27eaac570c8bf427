"""From the desk to the caller: the answer as it is, not validated a second time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Response

from serve.api.wiring import Wiring


async def ask(wired: Wiring, word: str, /, **body: Any) -> dict[str, Any]:
    """Put a question to the desk, without the parts that were not given."""
    return await wired.desk.query(word, given(body))


async def order(wired: Wiring, word: str, /, **body: Any) -> dict[str, Any]:
    """Give the desk a command, without the parts that were not given."""
    return await wired.desk.command(word, given(body))


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None or an empty list: the desk has its own defaults."""
    return {key: value for key, value in body.items() if value is not None and value != []}


def as_json(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Make the response, as ASCII: what programs print may hold lone surrogates."""
    text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    return Response(text, status, headers=dict(headers or {}), media_type="application/json")
