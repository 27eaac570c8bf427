"""Requests that are no conversation, passed on as they are: embeddings and transcriptions.

Only the address and the key change; `understood` reads what an answer tells of its model and its
cost. It knows no client and no waterfall.
"""

from __future__ import annotations

import json
from typing import Any

from actors.transports.classify import classify
from actors.transports.listening import unreadable
from actors.transports.places import key_headers, passage_url
from actors.transports.wire import Wire, headers_of, is_good, read_error, read_whole
from routing.conversation import Answer, Dialect, Usage
from routing.faults import Fault, FaultKind
from routing.ports import Call, Whole


class Passage:
    """Passes requests on to providers of OpenAI's shape."""

    def __init__(self) -> None:
        self._wire = Wire()

    async def send(self, call: Call) -> Whole:
        """Pass `call.raw` on to `call.path`; the answer's bytes are in `raw`.

        Raises:
            Fault: it failed, the provider has no such place, or what promises JSON is none.
        """
        provider = call.provider
        url = passage_url(provider, call.path)
        if not url:
            raise Fault(FaultKind.NOT_FOUND, f"{provider.name} has no {call.path}")
        headers = {"content-type": call.raw_headers.get("content-type", "application/json")}
        headers |= key_headers(Dialect.CHAT, call.secret) | dict(provider.headers)
        response = await self._wire.post(url, headers, call.raw, call.timeouts)
        try:
            told = headers_of(response)
            if not is_good(response):
                raw = await read_error(response, call.timeouts)
                raise classify(Dialect.CHAT, response.status, told, raw, call.secret)
            raw = await read_whole(response, call.timeouts)
        finally:
            response.close()
        if "json" in told.get("content-type", ""):
            with unreadable(told):
                json.loads(raw)
        return Whole(headers=told, answer=Answer(), raw=raw)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._wire.close()


def understood(raw: bytes) -> Answer:
    """Learn what was served and used; a transcription may be plain text and say nothing."""
    try:
        body = json.loads(raw)
    except ValueError:
        return Answer()
    return Answer(model=_text(body, "model"), usage=_usage(body))


def _text(body: Any, name: str) -> str:
    value = body.get(name, "") if isinstance(body, dict) else ""
    return value if isinstance(value, str) else ""


def _usage(body: Any) -> Usage | None:
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return None
    prompt = usage.get("prompt_tokens", usage.get("input_tokens"))
    made = usage.get("output_tokens", 0)
    if not isinstance(prompt, int) or not isinstance(made, int):
        return None
    return Usage(input=prompt, output=made)
