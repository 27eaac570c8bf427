"""The provider's face: from a request to its answer, in any dialect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from tests.fake_provider import refused, throttle
from tests.fake_provider.checks import anthropic as anthropic_check
from tests.fake_provider.checks import chat as chat_check
from tests.fake_provider.checks import cohere as cohere_check
from tests.fake_provider.checks import gemini as gemini_check
from tests.fake_provider.checks import responses as responses_check
from tests.fake_provider.place import Place, Record
from tests.fake_provider.plan import Seen, plan
from tests.fake_provider.refused import Refused, need
from tests.fake_provider.voices import anthropic, chat, cohere, gemini, ollama, responses
from tests.fake_provider.wire import Wire, drop, hang

_VOICES: Mapping[str, Any] = {
    "anthropic": anthropic,
    "chat": chat,
    "responses": responses,
    "gemini": gemini,
    "cohere": cohere,
    "ollama": ollama,
}


class Provider:
    """All dialects behind one door."""

    def __init__(self, place: Place, door: str) -> None:
        self._place = place
        self._door = door

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/messages."""
        return await self._serve(request, "anthropic")

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        return await self._serve(request, "chat")

    async def responses(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/responses."""
        return await self._serve(request, "responses")

    async def gemini(self, request: web.Request) -> web.StreamResponse:
        """POST /v1beta/models/{model}:{verb}."""
        return await self._serve(request, "gemini")

    async def cohere(self, request: web.Request) -> web.StreamResponse:
        """POST /v2/chat."""
        return await self._serve(request, "cohere")

    async def ollama(self, request: web.Request) -> web.StreamResponse:
        """POST /api/chat."""
        return await self._serve(request, "ollama")

    def begin(self, request: web.Request, dialect: str) -> Record:
        """Write the request into the log."""
        return self._place.begin(
            door=request.match_info.get("door", self._door),
            dialect=dialect,
            path=request.path_qs,
            key=key_of(request),
            model=request.match_info.get("model", ""),
            headers={name.lower(): value for name, value in request.headers.items()},
        )

    async def _serve(self, request: web.Request, dialect: str) -> web.StreamResponse:
        record = self.begin(request, dialect)
        try:
            response = await self._answer(request, record)
            record.status = record.status or response.status
            record.outcome = "ok" if record.outcome == "under way" else record.outcome
        except Refused as refusal:
            record.status, record.message = refusal.status, refusal.message
            record.outcome = "refused" if record.outcome == "under way" else record.outcome
            told = refused.body(dialect, refusal)
            response = web.json_response(told, status=refusal.status, headers=refusal.headers)
        except (asyncio.CancelledError, ConnectionError):
            record.outcome = "left"
            raise
        finally:
            self._place.end(record)
        return response

    async def _answer(self, request: web.Request, record: Record) -> web.StreamResponse:
        record.body = await _json(request)
        if record.dialect != "gemini":
            record.model = str(record.body.get("model", ""))
        self.admit(record)
        if request.path.endswith(("count_tokens", ":countTokens")):
            return self._count(record)
        seen = replace(_check(request, record), number=record.number)
        record.stream = seen.stream
        headers = self.limits(record)
        script = self._place.script(record)
        fault = dict(script.fault or {}) if script else {}
        if fault:
            record.outcome = "scripted"
            await self._instead(request, record, fault)
        told = plan(seen, script.answer if script else None)
        voice, wire = _VOICES[record.dialect], Wire(request, record, fault)
        headers = {**headers, **told.headers, "request-id": f"req_{record.number}"}
        if seen.stream:
            return await wire.stream(voice.frames(told, seen), told, seen, headers)
        if told.delay_s:
            await asyncio.sleep(told.delay_s)
        return await wire.whole(voice.whole(told, seen), headers)

    def admit(self, record: Record) -> None:
        """Refuse a wrong key or model."""
        if record.key.startswith("hk-") or "hk-" in record.headers.get("authorization", ""):
            record.outcome = "leaked"
            raise Refused("A key of the house came to a provider.", status=401)
        need(record.key or record.door.startswith("local"), "Missing API key.", status=401)
        need(not record.key.startswith("bad"), "invalid x-api-key", status=401)
        missing = f"The model `{record.model}` does not exist or you do not have access to it."
        need(not record.model.startswith("missing"), missing, status=404)

    def limits(self, record: Record) -> dict[str, str]:
        """Refuse what is over a quota; give what a good answer says of it."""
        quota = self._place.quota(record)
        if quota is None:
            return {}
        now = self._place.now()
        good, gauge = quota.take(now)
        if good:
            return quota.headers(now)
        record.outcome = "throttled"
        raise _throttled(quota.style, gauge)

    async def _instead(
        self, request: web.Request, record: Record, fault: Mapping[str, Any]
    ) -> None:
        """Do what replaces an answer, if the fault is of that kind."""
        if "hang" in fault and fault["hang"] == "head":
            await hang()
        if "cut" in fault and fault["cut"] == "head":
            drop(request)
            await hang()
        if "worded" in fault:
            raise refused.worded(fault["worded"], record.dialect)
        if "status" in fault and "error" not in fault:
            raise self._scripted(fault)

    def _scripted(self, fault: Mapping[str, Any]) -> Refused:
        status = int(fault["status"])
        given = {**fault.get("headers", {})}
        code, extra = str(fault.get("code", "")), fault.get("extra", {})
        said = str(fault.get("message", "Overloaded" if status == 529 else "It went wrong."))
        if "style" not in fault:
            return Refused(said, status=status, code=code, headers=given, extra=extra)
        now = self._place.now()
        reset = now + int(float(fault.get("reset_s", 5)) * throttle.US)
        gauge = throttle.Gauge(limit=60, remaining=0, now_us=now, reset_us=reset)
        refusal = _throttled(fault["style"], gauge, status)
        refusal.headers = {**refusal.headers, **given}
        return refusal

    def _count(self, record: Record) -> web.Response:
        if record.dialect == "anthropic":
            anthropic_check.check(record.body, record.headers, counting=True)
        size = max(1, len(json.dumps(record.body)) // 4)
        named = "input_tokens" if record.dialect == "anthropic" else "totalTokens"
        return web.json_response({named: size})


def key_of(request: web.Request) -> str:
    """Give the credential of a request, wherever its dialect puts it."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    named = request.headers.get("x-api-key") or request.headers.get("x-goog-api-key")
    return named or bearer or request.query.get("key", "")


def _throttled(style: str, gauge: throttle.Gauge, status: int = 429) -> Refused:
    words = throttle.refusal(style, gauge)
    told = {"code": words.code, "headers": words.headers, "extra": words.extra}
    return Refused(words.message, status=status, **told)


def _check(request: web.Request, record: Record) -> Seen:
    match record.dialect:
        case "anthropic":
            return anthropic_check.check(record.body, record.headers)
        case "chat":
            return chat_check.check(record.body)
        case "responses":
            return responses_check.check(record.body)
        case "cohere":
            return cohere_check.check(record.body)
        case "ollama":
            return ollama.check(record.body)
        case _:
            streams = request.path.endswith(":streamGenerateContent")
            framing = "events" if request.query.get("alt") == "sse" else "array"
            return gemini_check.check(record.body, record.model, stream=streams, framing=framing)


async def _json(request: web.Request) -> Any:
    try:
        given = await request.json()
    except ValueError:
        raise Refused("We could not parse the JSON body of your request.") from None
    need(isinstance(given, dict), "The body of the request is no JSON object.")
    return given
