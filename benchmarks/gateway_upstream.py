"""A provider of chat completions that costs as little as it can: the same bytes each time.

`python -P -m benchmarks.gateway_upstream` prints its address and serves until stdin closes. The
model's name says how: `paced` streams wait 2 ms before each piece, so that none can be joined.
"""

from __future__ import annotations

import asyncio
import json
import sys

from aiohttp import web

CHUNKS = 50
PAUSE_S = 0.002
_HEAD = {"id": "chatcmpl-1", "created": 1_760_000_000, "model": "m"}
_USAGE = {"prompt_tokens": 40, "completion_tokens": CHUNKS, "total_tokens": 40 + CHUNKS}


def _whole() -> bytes:
    message = {"role": "assistant", "content": "word " * CHUNKS}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    told = {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    return json.dumps(told).encode()


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    told = {**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def _stream() -> list[bytes]:
    begun = _chunk({"role": "assistant", "content": ""})
    words = [_chunk({"content": f"word{at} "}) for at in range(CHUNKS)]
    used = {**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _USAGE}
    ended = b"data: " + json.dumps(used).encode() + b"\n\n"
    return [begun, *words, _chunk({}, "stop"), ended, b"data: [DONE]\n\n"]


WHOLE, STREAM = _whole(), _stream()


async def answer(request: web.Request) -> web.StreamResponse:
    """Answer one chat completion."""
    asked = await request.json()
    if not asked.get("stream"):
        return web.Response(body=WHOLE, content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    paced = "paced" in asked["model"]
    for chunk in STREAM:
        await response.write(chunk)
        if paced:
            await asyncio.sleep(PAUSE_S)
    await response.write_eof()
    return response


async def serve() -> None:
    """Serve until stdin closes."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
