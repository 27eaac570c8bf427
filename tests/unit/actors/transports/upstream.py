"""A provider for LiteLLM's child: chat completions and Ollama's own words, by the model's name."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

HEADERS = {"x-ratelimit-remaining-requests": "41", "x-ratelimit-reset-requests": "12ms"}
REFUSALS = {
    "limited": (429, {"code": "rate_limit_exceeded", "message": "Slow down."}),
    "empty": (429, {"code": "insufficient_quota", "message": "You exceeded your current quota."}),
    "locked": (401, {"code": "invalid_api_key", "message": "Wrong key: sk-carried-by-pipe."}),
    "missing": (404, {"code": "model_not_found", "message": "No such model."}),
    "broken": (500, {"message": "The server had an error."}),
    "busy": (503, {"message": "Overloaded."}),
    "long": (400, {"code": "context_length_exceeded",
                   "message": "This model's maximum context length is 9 tokens."}),
    "wrong": (400, {"code": "invalid_value", "message": "Nonsense."}),
}  # fmt: skip


@dataclass
class Upstream:
    """What was asked, and who went away."""

    url: str = ""
    asked: list[dict] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        if refusal := REFUSALS.get(body["model"]):
            status, error = refusal
            headers = HEADERS | {"retry-after": "17"}
            return web.json_response({"error": error}, status=status, headers=headers)
        if body["model"] == "silent":
            await self._hang()
        if not body.get("stream"):
            return web.json_response(_whole(), headers=HEADERS)
        return await self._stream(request, body["model"])

    async def embeddings(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        data = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}]
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        told = {"object": "list", "data": data, "model": "vectors", "usage": usage}
        return web.json_response(told, headers=HEADERS)

    async def ollama(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        said = {"role": "assistant", "content": "hello from a lama"}
        told = {"model": "lama", "message": said, "done": True, "done_reason": "stop"}
        return web.json_response(told | {"prompt_eval_count": 5, "eval_count": 4})

    async def _stream(self, request: web.Request, model: str) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS | {"content-type": "text/event-stream"})
        await response.prepare(request)
        for word in ("one ", "two ", "three"):
            await response.write(_frame({"role": "assistant", "content": word}))
        if model == "cut":
            request.transport.close()
            return response
        if model == "endless":
            await self._hang()
        if model == "many":
            for _ in range(500):
                await response.write(_frame({"content": "."}))
        await response.write(_frame({}, "stop"))
        await response.write(_data({"choices": [], "usage": _USAGE} | _HEAD))
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _hang(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()


_USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
_HEAD = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "served-4"}


def _whole() -> dict:
    message = {"role": "assistant", "content": "one two three"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return _HEAD | {"object": "chat.completion", "choices": [choice], "usage": _USAGE}


def _frame(delta: dict, finish: str | None = None) -> bytes:
    return _data(_HEAD | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _data(body: dict) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


@asynccontextmanager
async def upstream():
    """Serve on a free port."""
    served = Upstream()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", served.chat)
    app.router.add_post("/v1/embeddings", served.embeddings)
    app.router.add_post("/api/chat", served.ollama)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    served.url = f"http://{host}:{port}"
    try:
        yield served
    finally:
        await runner.cleanup()
