"""The way to the gateway: one streamed request, over its unix socket where there is one.

It knows HTTP and nothing of jobs. What comes back is an `Answered`, or a `Refused` with all that
the gateway said about why; what breaks on the way is told apart by how far the answer had come,
since only an answer that had not begun may be asked for again without being heard twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

from actors.asking.hearing import Hearing
from actors.asking.keys import Key
from engine.settings import ModelSettings

_PATH = "/v1/messages"
_HEADER_CHARS = 65_536
_OK = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """The whole answer, and the headers that came with it."""

    hearing: Hearing
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway said no."""

    status: int
    headers: Mapping[str, str]
    message: str


class GatewayAway(Exception):
    """Nobody answered: the router restarts, or the connection broke before an answer began."""


class AnswerCut(Exception):
    """The answer did not come to its end, or was waited for in vain."""


class GatewayClient:
    """Speaks for one key."""

    def __init__(self, key: Key, settings: ModelSettings) -> None:
        connector = aiohttp.UnixConnector(path=key.socket) if key.socket else None
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=settings.connect_s, sock_read=settings.whole_s
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            headers={"x-api-key": key.text, "anthropic-version": "2023-06-01"},
            max_line_size=_HEADER_CHARS,
            max_field_size=_HEADER_CHARS,
        )
        self._url = f"http://localhost{_PATH}" if key.socket else f"{key.url}{_PATH}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()

    async def ask(self, body: Mapping[str, Any], say: Callable[[str], None]) -> Answered | Refused:
        """Ask and hear the answer; `say` gets its text as it comes, "" for another sign of life.

        Raises:
            GatewayAway: nothing of an answer came.
            AnswerCut: a part of it came.
        """
        try:
            async with self._http.post(self._url, json=body) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                if response.status != _OK:
                    said = await response.read()
                    return Refused(response.status, headers, _message_of(said, response.status))
                return Answered(await _hear(response, say), headers)
        except TimeoutError as fault:
            raise AnswerCut("The gateway kept silent.") from fault
        except (aiohttp.ClientError, OSError) as fault:
            raise GatewayAway(f"The gateway does not answer ({type(fault).__name__}).") from fault


async def _hear(response: aiohttp.ClientResponse, say: Callable[[str], None]) -> Hearing:
    hearing = Hearing()
    try:
        async for chunk in response.content.iter_any():
            say(hearing.feed(chunk))
    except (aiohttp.ClientError, TimeoutError, OSError) as fault:
        raise AnswerCut(f"The connection broke ({type(fault).__name__}).") from fault
    say(hearing.finish())
    if hearing.fault is not None:
        raise AnswerCut(hearing.fault[1])
    if not hearing.over:
        raise AnswerCut("The answer ended in the middle.")
    return hearing


def _message_of(said: bytes, status: int) -> str:
    """Give the sentence of an error body."""
    try:
        error = json.loads(said)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return f"The gateway answered {status}."
