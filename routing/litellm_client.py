"""The process that speaks through LiteLLM, and the only importer of it.

`python -P -m routing.litellm_client` is a child of the router: LiteLLM's import takes seconds of
CPU and hundreds of megabytes, which the streaming loop must not pay. Orders come in by standard
input and tellings go out by standard output, one JSON object a line, many calls at once:

    in    {"id", "do": "complete" | "embed", "words": {...}, "stream": bool}
          {"id", "do": "more", "pieces": n}     so many further pieces may be told
          {"id", "do": "cancel"}                end the call at the provider
    out   {"ready": version} or {"broken": why}                     once, before all else
          {"id", "head": {...}}                 the answer begins; the provider's headers
          {"id", "piece": text}                 a chunk of a stream, as JSON text
          {"id", "whole": {...}}                an answer that is not streamed
          {"id", "end": true}                   the last word of a call that went well
          {"id", "fault": {...}}                the last word of one that did not

Keys come in with the words and are kept nowhere. It ends when standard input does, so it cannot
outlive its parent. What the words mean, the parent knows (`actors.transports.litellm_words`).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from importlib.metadata import version
from typing import Any, BinaryIO

AHEAD = 64  # pieces that may be told before the parent asks for more
_PREFIX = "llm_provider-"  # LiteLLM marks what the provider itself sent
_MESSAGE_CHARS = 4000
_BODY_CHARS = 64_000

Words = Mapping[str, Any]
Tell = Callable[[Mapping[str, Any]], None]


class Calls:
    """The calls under way, on one event loop."""

    def __init__(self, litellm: Any, tell: Tell) -> None:
        self._litellm = litellm
        self._tell = tell
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._room: dict[int, asyncio.Semaphore] = {}

    def take(self, order: Mapping[str, Any]) -> None:
        """Carry out an order."""
        number = int(order["id"])
        match order["do"]:
            case "complete":
                self._begin(number, self._complete(number, order["words"], order["stream"]))
            case "embed":
                self._begin(number, self._embed(number, order["words"]))
            case "more" if number in self._room:
                for _ in range(int(order["pieces"])):
                    self._room[number].release()
            case "cancel" if number in self._tasks:
                self._tasks[number].cancel()

    def _begin(self, number: int, call: Coroutine[Any, Any, None]) -> None:
        self._room[number] = asyncio.Semaphore(AHEAD)
        self._tasks[number] = asyncio.get_running_loop().create_task(self._guarded(number, call))

    async def _guarded(self, number: int, call: Coroutine[Any, Any, None]) -> None:
        """See a call to its end; whatever happens, exactly one last word is told."""
        last: dict[str, Any] = {"end": True}
        try:
            await call
        except asyncio.CancelledError:
            last = {"fault": {"type": "Cancelled", "message": "the caller went away"}}
        except Exception as fault:  # noqa: BLE001  LiteLLM raises whatever its providers' code does
            last = {"fault": told_of(fault)}
        finally:
            del self._tasks[number], self._room[number]
            self._tell({"id": number} | last)

    async def _complete(self, number: int, words: Words, stream: bool) -> None:
        answer = await self._litellm.acompletion(**words, stream=stream)
        self._tell({"id": number, "head": headers_of(answer)})
        if not stream:
            self._tell({"id": number, "whole": answer.model_dump(mode="json", exclude_none=True)})
            return
        try:
            async for chunk in answer:
                await self._room[number].acquire()
                self._tell({"id": number, "piece": piece_of(chunk)})
        finally:
            await answer.aclose()

    async def _embed(self, number: int, words: Words) -> None:
        answer = await self._litellm.aembedding(**words)
        self._tell({"id": number, "head": headers_of(answer)})
        self._tell({"id": number, "whole": answer.model_dump(mode="json", exclude_none=True)})


def headers_of(answer: Any) -> dict[str, str]:
    """Give the provider's headers of a good answer, under their own names."""
    hidden = getattr(answer, "_hidden_params", None) or {}
    found = hidden.get("additional_headers") or {}
    theirs = {
        str(name).lower().removeprefix(_PREFIX): str(value)
        for name, value in found.items()
        if str(name).lower().startswith(_PREFIX)
    }
    return theirs or {str(name).lower(): str(value) for name, value in found.items()}


def piece_of(chunk: Any) -> str:
    """Give a chunk as JSON, naming the model that the provider named and not the one asked for."""
    hidden = getattr(chunk, "_hidden_params", None) or {}
    chunk.model = hidden.get("provider_response_model") or chunk.model
    return str(chunk.model_dump_json(exclude_none=True))


def told_of(fault: Exception) -> dict[str, Any]:
    """Give what an exception of LiteLLM says and quotes, without a trace of our own."""
    headers = getattr(fault, "litellm_response_headers", None) or {}
    status = getattr(fault, "status_code", 0)
    return {
        "type": type(fault).__name__,
        "status": status if isinstance(status, int) else 0,
        "message": str(fault)[:_MESSAGE_CHARS],
        "body": quoted(fault)[:_BODY_CHARS],
        "headers": {str(name).lower(): str(value) for name, value in dict(headers).items()},
    }


def quoted(fault: BaseException | None) -> str:
    """Give the provider's own words: the body of the answer at the root of an exception."""
    while fault is not None:
        try:
            if text := getattr(getattr(fault, "response", None), "text", ""):
                return str(text)
        except RuntimeError:  # the body of a stream that nobody read
            pass
        fault = fault.__cause__ or fault.__context__
    return ""


def teller(out: BinaryIO) -> Tell:
    """Make the one writer of lines; a parent that is gone ends this process."""

    def tell(told: Mapping[str, Any]) -> None:
        try:
            out.write(json.dumps(told, separators=(",", ":")).encode() + b"\n")
            out.flush()
        except OSError:
            os._exit(0)

    return tell


def listen(take: Callable[[Mapping[str, Any]], None]) -> None:
    """Read orders until the parent is gone, on a thread: an import may hold up the loop."""
    loop = asyncio.get_running_loop()

    def lines() -> None:
        for line in sys.stdin.buffer:
            loop.call_soon_threadsafe(take, json.loads(line))
        os._exit(0)

    threading.Thread(target=lines, name="orders", daemon=True).start()


def quiet(litellm: Any) -> None:
    """Switch off what LiteLLM prints, logs and sends besides the call itself."""
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.disable_streaming_logging = True
    litellm.telemetry = False


async def serve(tell: Tell) -> None:
    """Import LiteLLM and carry out orders until the parent is gone."""
    held: list[Mapping[str, Any]] = []
    calls: list[Calls] = []
    listen(lambda order: calls[0].take(order) if calls else held.append(order))
    try:
        import litellm  # noqa: PLC0415  after the thread that watches the parent
    except Exception as fault:  # noqa: BLE001  whatever an installation can be short of
        tell({"broken": f"{type(fault).__name__}: {fault}"})
        return
    quiet(litellm)
    calls.append(Calls(litellm, tell))
    tell({"ready": version("litellm")})
    for order in held:
        calls[0].take(order)
    await asyncio.Event().wait()


def main() -> None:
    """Run as the child: standard output is for tellings only, whatever LiteLLM prints."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(serve(teller(out)))


if __name__ == "__main__":
    main()
