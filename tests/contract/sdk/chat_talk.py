"""A conversation through OpenAI's client, over chat completions."""

from __future__ import annotations

import json
from typing import Any

import openai

from tests.contract.sdk.talks import PNG, Called, Heard, Result, Terms

PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
STOPS = {"stop": "end", "tool_calls": "tool_use", "length": "max_tokens"}


class ChatTalk:
    """Speaks `/v1/chat/completions`."""

    def __init__(self, url: str, key: str, terms: Terms) -> None:
        self._client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self._terms = terms
        self._said: list[Any] = []
        if terms.system:
            self._said.append({"role": "system", "content": terms.system})

    async def say(self, text: str, *, pictures: int = 0) -> Heard:
        """Say something; hear the answer."""
        content: Any = [{"type": "text", "text": text}] + [PICTURE] * pictures
        self._said.append({"role": "user", "content": content if pictures else text})
        return await self._next()

    async def answer(self, *results: Result) -> Heard:
        """Give the results of all calls of the last answer; hear what follows."""
        for one in results:
            told = {"role": "tool", "tool_call_id": one.call.id, "content": one.text}
            self._said.append(told)
        return await self._next()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _next(self) -> Heard:
        message = await (self._streamed() if self._terms.stream else self._whole())
        kept = {"role": "assistant", "content": message["content"] or None}
        calls = message["calls"]
        if calls:
            kept["tool_calls"] = [
                {"id": name, "type": "function", "function": {"name": of, "arguments": text}}
                for name, of, text in calls
            ]
        self._said.append(kept)
        return _heard(message)

    def _asked(self) -> dict[str, Any]:
        terms = self._terms
        asked: dict[str, Any] = {"model": terms.model, "messages": self._said}
        asked["max_completion_tokens"] = terms.max_tokens
        if terms.tools:
            asked["tools"] = [{"type": "function", "function": _tool(one)} for one in terms.tools]
        if terms.think:
            asked["reasoning_effort"] = "medium"
        if terms.schema:
            shape = {"name": "shape", "schema": terms.schema, "strict": True}
            asked["response_format"] = {"type": "json_schema", "json_schema": shape}
        return asked

    async def _whole(self) -> dict[str, Any]:
        done = await self._client.chat.completions.create(**self._asked())
        message = done.choices[0].message
        return {
            "content": message.content or "",
            "thinking": getattr(message, "reasoning_content", None) or "",
            "calls": [
                (one.id, one.function.name, one.function.arguments)
                for one in message.tool_calls or ()
            ],
            "stop": done.choices[0].finish_reason,
            "usage": done.usage,
            "model": done.model,
        }

    async def _streamed(self) -> dict[str, Any]:
        told: dict[str, Any] = {"content": "", "thinking": "", "usage": None, "stop": ""}
        calls: dict[int, list[str]] = {}
        asked = self._asked() | {"stream": True, "stream_options": {"include_usage": True}}
        async for chunk in await self._client.chat.completions.create(**asked):
            told["model"] = chunk.model
            told["usage"] = chunk.usage or told["usage"]
            for choice in chunk.choices:
                told["content"] += choice.delta.content or ""
                told["thinking"] += getattr(choice.delta, "reasoning_content", None) or ""
                told["stop"] = choice.finish_reason or told["stop"]
                for one in choice.delta.tool_calls or ():
                    grown = calls.setdefault(one.index, ["", "", ""])
                    grown[0] = one.id or grown[0]
                    grown[1] += one.function.name or ""
                    grown[2] += one.function.arguments or ""
        return told | {"calls": [tuple(calls[at]) for at in sorted(calls)]}


def arguments_of(text: str) -> Any:
    """Give the arguments; a text that is no JSON stays one."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _tool(tool: Any) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.schema}


def _heard(message: dict[str, Any]) -> Heard:
    used = message["usage"]
    read = used and used.prompt_tokens_details
    thought = used and used.completion_tokens_details
    return Heard(
        text=message["content"],
        thinking=message["thinking"],
        calls=tuple(Called(a, b, arguments_of(c)) for a, b, c in message["calls"]),
        stop=STOPS.get(message["stop"], message["stop"]),
        input=used.prompt_tokens if used else -1,
        output=used.completion_tokens if used else -1,
        cached=(read and read.cached_tokens) or 0,
        reasoning=(thought and thought.reasoning_tokens) or 0,
        served=message["model"],
    )
