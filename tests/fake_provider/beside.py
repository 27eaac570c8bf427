"""The smaller endpoints: embeddings, transcriptions, lists of models."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from tests.fake_provider import refused
from tests.fake_provider.place import Place, Record
from tests.fake_provider.provider import Provider
from tests.fake_provider.refused import Refused, need, words

Answer = Callable[[web.Request, Record], Awaitable[web.Response]]
_EMBED = words("input model encoding_format dimensions user")
_HEAR = words("file model language prompt response_format temperature")


class Beside:
    """What stands beside the answers, at one door."""

    def __init__(self, provider: Provider, place: Place) -> None:
        self._provider = provider
        self._place = place

    async def embeddings(self, request: web.Request) -> web.Response:
        """POST /v1/embeddings."""
        return await self._logged(request, "embeddings", self._embed)

    async def transcriptions(self, request: web.Request) -> web.Response:
        """POST /v1/audio/transcriptions."""
        return await self._logged(request, "transcriptions", self._hear)

    async def models(self, request: web.Request) -> web.Response:
        """GET /v1/models in the shape that the caller's headers or path ask for."""
        names = self._place.models
        if "v1beta" in request.path:
            listed = [{"name": f"models/{name}", "displayName": name} for name in names]
            return web.json_response({"models": listed})
        if "anthropic-version" in request.headers:
            told = [{"type": "model", "id": name, "display_name": name} for name in names]
            ends = {"has_more": False, "first_id": names[0], "last_id": names[-1]}
            return web.json_response({"data": told, **ends})
        owned = {"object": "model", "created": 1_760_000_000, "owned_by": "fake"}
        return web.json_response(
            {"object": "list", "data": [{"id": name, **owned} for name in names]}
        )

    async def _logged(self, request: web.Request, what: str, answer: Answer) -> web.Response:
        record = self._provider.begin(request, what)
        try:
            response = await answer(request, record)
            record.status, record.outcome = response.status, "ok"
        except Refused as refusal:
            record.status, record.message = refusal.status, refusal.message
            record.outcome = "refused" if record.outcome == "under way" else record.outcome
            told = refused.body("chat", refusal)
            response = web.json_response(told, status=refusal.status, headers=refusal.headers)
        finally:
            self._place.end(record)
        return response

    async def _embed(self, request: web.Request, record: Record) -> web.Response:
        record.body = await request.json()
        self._admit(record, record.body, _EMBED)
        headers = self._limits(record)
        given = record.body.get("input")
        texts = [given] if isinstance(given, str) else given
        need(texts, "Missing required parameter: 'input'.")
        need(all(texts), "'$.input' is invalid: an input must not be empty.")
        size = int(record.body.get("dimensions", 8))
        packed = record.body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": at, "embedding": vector(str(text), size, packed)}
            for at, text in enumerate(texts)
        ]
        count = sum(max(1, len(str(text)) // 4) for text in texts)
        usage = {"prompt_tokens": count, "total_tokens": count}
        told = {"object": "list", "data": data, "model": record.model, "usage": usage}
        return web.json_response(told, headers=headers)

    async def _hear(self, request: web.Request, record: Record) -> web.Response:
        form = await request.post()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        sound = form.get("file")
        if not isinstance(sound, web.FileField):
            raise Refused("Missing required parameter: 'file'.", param="file")
        size = len(sound.file.read())
        record.body = {**fields, "file": {"name": sound.filename, "bytes": size}}
        self._admit(record, record.body, _HEAR)
        headers = self._limits(record)
        text = f"heard {size} bytes of {sound.filename}"
        match fields.get("response_format", "json"):
            case "text":
                return web.Response(text=f"{text}\n", headers=headers)
            case "verbose_json":
                more = {"task": "transcribe", "language": "english", "duration": 1.5}
                return web.json_response({"text": text, **more, "segments": []}, headers=headers)
            case "json":
                usage = {"type": "duration", "seconds": 2}
                return web.json_response({"text": text, "usage": usage}, headers=headers)
            case other:
                raise Refused(f"Invalid value for response_format: {other!r}.")

    def _admit(self, record: Record, body: Mapping[str, Any], known: frozenset[str]) -> None:
        for name in body:
            need(name in known, f"Unknown parameter: '{name}'.", param=name)
        record.model = str(body.get("model", ""))
        need(record.model, "you must provide a model parameter")
        self._provider.admit(record)

    def _limits(self, record: Record) -> dict[str, str]:
        headers = self._provider.limits(record)
        script = self._place.script(record)
        if script and script.fault and "status" in script.fault:
            record.outcome = "scripted"
            raise Refused("It went wrong.", status=int(script.fault["status"]))
        return headers


def vector(text: str, size: int, packed: bool) -> list[float] | str:
    """Give the vector of a text, the same each time; packed as base64 of floats where asked."""
    digest = b"".join(
        hashlib.sha256(f"{at}{text}".encode()).digest() for at in range(-(-size // 32))
    )
    values = [(byte - 127.5) / 128 for byte in digest[:size]]
    if packed:
        return base64.b64encode(struct.pack(f"<{size}f", *values)).decode()
    return values
