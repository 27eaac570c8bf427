"""Put one question to one model through the gateway, in the name of a job's key.

It speaks chat completions, because any model can be reached in it. Who is asked and what becomes
of the answer, it does not know.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import aiohttp

_PATH = "/v1/chat/completions"
_UNIX = "http://gateway"  # a name for the Host header; the socket says where it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where the gateway listens, and the key to knock with."""

    key: str
    url: str = ""
    socket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came back: a text, or why there is none."""

    text: str = ""
    why: str = ""
    model: str = ""
    served: str = ""
    provider: str = ""
    usd: float = 0.0


class Asking:
    """An open connection to the gateway; use it as an async context."""

    def __init__(self, door: Door, max_tokens: int) -> None:
        self._door = door
        self._max_tokens = max_tokens

    async def __aenter__(self) -> Self:
        connector = aiohttp.UnixConnector(self._door.socket) if self._door.socket else None
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(
        self, model: str, system: str, prompt: str, *, within_s: float, pinned: bool
    ) -> Said:
        """Ask; whatever goes wrong is told and not raised."""
        messages = [{"role": "system", "content": system}] if system else []
        body = {
            "model": model,
            "messages": [*messages, {"role": "user", "content": prompt}],
            "max_tokens": self._max_tokens,
        }
        headers = {"authorization": f"Bearer {self._door.key}"}
        if pinned:
            headers["x-helio-pin"] = "1"
        base = _UNIX if self._door.socket else self._door.url
        try:
            async with (
                asyncio.timeout(within_s),
                self._session.post(base + _PATH, json=body, headers=headers) as answer,
            ):
                return _read(answer.status, answer.headers, await answer.read())
        except TimeoutError:
            return Said(why="no answer in time")
        except (aiohttp.ClientError, OSError) as trouble:
            return Said(why=f"the gateway does not answer ({type(trouble).__name__})")


def _read(status: int, headers: Mapping[str, str], raw: bytes) -> Said:
    try:
        body: Any = json.loads(raw)
        if status != HTTPStatus.OK:
            return Said(why=str(body["error"]["message"]))
        text = body["choices"][0]["message"].get("content")
    except (ValueError, KeyError, IndexError, TypeError):
        return Said(why=f"an answer that cannot be read, with status {status}")
    return Said(
        text=text if isinstance(text, str) else "",
        why="" if text else "it said nothing",
        model=headers.get("x-helio-model", ""),
        served=headers.get("x-helio-served-model", str(body.get("model", ""))),
        provider=headers.get("x-helio-provider", ""),
        usd=float(headers.get("x-helio-cost-usd") or 0),
    )
