"""A request as it came, and what it wants of the waterfall.

A request with a login of its client's own is read no further than routing needs: the model, the
size, whether it streams. All others are understood whole before anything is decided, so that a
wrong one is refused at once and in its own dialect.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError

from actors.gateway.identity import Address
from actors.gateway.routes import Route
from engine.errors import BadInput, PayloadTooLarge
from routing.conversation import Ask, Block, Dialect, Document, Image, ToolResult
from routing.models import Ability
from routing.requests import Purpose, Wanted, Who
from routing.tokens import BYTES_A_TOKEN, estimate
from routing.translate.dialect import Malformed
from routing.translate.dialects import DIALECTS

_PLAIN_ENCODINGS = ("", "identity", "gzip", "deflate")
_BYTES_A_MIB = 2**20


@dataclass(frozen=True)  # no slots: what is worked out once is kept
class Intake:
    """One request for an answer. `headers` are the client's, by lower-case names."""

    who: Who
    route: Route
    address: Address
    headers: Mapping[str, str]
    raw: bytes
    body: Mapping[str, Any]
    login: bool = False

    @property
    def dialect(self) -> Dialect:
        """The client's."""
        return self.route.dialect

    @property
    def model(self) -> str:
        """What the client asked for, in its words; may be empty."""
        named = self.route.model or self.body.get("model", "")
        return named.removeprefix("models/") if isinstance(named, str) else ""

    @property
    def stream(self) -> bool:
        """Whether the answer is wanted as a stream."""
        return self.route.stream or self.body.get("stream") is True

    @property
    def array(self) -> bool:
        """Whether a Gemini client wants its stream as one long JSON list."""
        gemini = self.dialect is Dialect.GEMINI and self.stream
        return gemini and "alt=sse" not in self.address.query

    @property
    def target(self) -> str:
        """Path and query as a provider may see them."""
        query = self.address.query
        return f"{self.route.path}?{query}" if query else self.route.path

    @property
    def unread(self) -> Ask:
        """What stands for the request where nobody but the provider may read it."""
        return Ask(model=self.model, messages=(), stream=self.stream)

    @cached_property
    def ask(self) -> Ask:
        """What was asked, understood.

        Raises:
            BadInput: it is not what the dialect promises.
        """
        try:
            ask = DIALECTS[self.dialect].read_request(self.body)
        except Malformed as error:
            raise BadInput(
                str(error), remedy="Send what the dialect's reference asks for."
            ) from error
        return replace(ask, model=self.model, stream=self.stream)

    def wanted(self, request_id: str) -> Wanted:
        """Word what is wanted of the waterfall.

        Raises:
            BadInput: the request is not what its dialect promises.
        """
        if self.login:
            return self._wanted_unread(request_id)
        ask = self.ask
        return Wanted(
            id=request_id,
            asked=self.model,
            who=self.who,
            abilities=abilities_of(ask),
            dialect=self.dialect,
            input_tokens=estimate(ask),
            max_tokens=ask.max_tokens,
            stream=self.stream,
            # What is waited for is the first byte; a whole answer has none before its last.
            hedgeable=self.stream and not ask.tools,
        )

    def _wanted_unread(self, request_id: str) -> Wanted:
        limit = self.body.get("max_tokens")
        return Wanted(
            id=request_id,
            asked=self.model,
            who=self.who,
            abilities=frozenset({Ability.TOOLS} if self.body.get("tools") else ()),
            dialect=self.dialect,
            input_tokens=round(len(self.raw) / BYTES_A_TOKEN),
            max_tokens=limit if isinstance(limit, int) else None,
            stream=self.stream,
            login=True,
        )


def pinned(who: Who, headers: Mapping[str, str]) -> Who:
    """Heed ``x-helio-pin: 1``: only the model that was asked for may answer."""
    return replace(who, pinned=True) if headers.get("x-helio-pin") == "1" else who


def abilities_of(ask: Ask) -> frozenset[Ability]:
    """Give what a model must be able to do. Thinking is a wish: a model without it may answer."""
    needed = _in_blocks(block for message in ask.messages for block in message.blocks)
    if ask.tools:
        needed.add(Ability.TOOLS)
    if ask.shape is not None:
        needed.add(Ability.JSON)
    return frozenset(needed)


def _in_blocks(blocks: Iterable[Block]) -> set[Ability]:
    needed: set[Ability] = set()
    for block in blocks:
        match block:
            case Image():
                needed.add(Ability.VISION)
            case Document():
                needed.add(Ability.DOCUMENTS)
            case ToolResult(blocks=inner):
                needed |= _in_blocks(inner)
            case _:
                pass
    return needed


def purpose_wanted(who: Who, request_id: str, purpose: Purpose, asked: str, size: int) -> Wanted:
    """Word what an endpoint without a conversation wants; `size` is in bytes."""
    return Wanted(
        id=request_id,
        asked=asked,
        who=who,
        purpose=purpose,
        dialect=Dialect.CHAT,
        input_tokens=max(round(size / BYTES_A_TOKEN), 1),
        max_tokens=0,
    )


async def read_body(request: web.BaseRequest, limit_bytes: int) -> bytes:
    """Read a request's body, within the limit also when it was packed.

    Raises:
        PayloadTooLarge: it is larger.
        BadInput: it is packed in a way that nobody here can open.
    """
    encoding = request.headers.get("content-encoding", "").lower()
    if encoding not in _PLAIN_ENCODINGS:
        raise BadInput(
            f"The request is packed with {encoding[:40]}, which the gateway cannot open.",
            remedy="Send it unpacked or with gzip.",
        )
    if (request.content_length or 0) > limit_bytes:
        raise _too_large(limit_bytes)
    if request.headers.get("expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    parts: list[bytes] = []
    size = 0
    try:
        while chunk := await request.content.readany():
            size += len(chunk)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
            parts.append(chunk)
    except (web.RequestPayloadError, PayloadEncodingError) as error:
        raise BadInput(
            "The body is not packed or framed as its headers say.",
            remedy="Send it unpacked, or mend what packs it.",
        ) from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_json(raw: bytes) -> dict[str, Any]:
    """Read the JSON object that a body must be.

    Raises:
        BadInput: it is none.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"The body is not JSON: {str(error)[:200]}.", remedy="Send one JSON object."
        ) from error
    if not isinstance(body, dict):
        raise BadInput("The body is JSON, but no object.", remedy="Send one JSON object.")
    return body


def _too_large(limit_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The request is larger than {limit_bytes / _BYTES_A_MIB:g} MiB.",
        remedy="Send less, or raise models.request_bytes in the settings.",
    )
