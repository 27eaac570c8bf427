"""A conversation through Anthropic's client."""

from __future__ import annotations

from typing import Any

import anthropic
from anthropic.types import Message

from tests.contract.sdk.talks import PNG, Called, Heard, Result, Terms

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
STOPS = {"end_turn": "end"}


class AnthropicTalk:
    """Speaks `/v1/messages`."""

    def __init__(self, url: str, key: str, terms: Terms) -> None:
        self._client = anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=0)
        self._terms = terms
        self._said: list[Any] = []

    async def say(self, text: str, *, pictures: int = 0) -> Heard:
        """Say something; hear the answer."""
        content: Any = [PICTURE] * pictures + [{"type": "text", "text": text}]
        return await self._next(content if pictures else text)

    async def answer(self, *results: Result) -> Heard:
        """Give the results of all calls of the last answer; hear what follows."""
        return await self._next([_result(one) for one in results])

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _next(self, content: Any) -> Heard:
        self._said.append({"role": "user", "content": content})
        message = await self._ask()
        kept = [block.model_dump(exclude_none=True) for block in message.content]
        self._said.append({"role": "assistant", "content": kept})
        return _heard(message)

    async def _ask(self) -> Message:
        terms = self._terms
        asked: dict[str, Any] = {"model": terms.model, "max_tokens": terms.max_tokens}
        if terms.system:
            asked["system"] = terms.system
        if terms.tools:
            asked["tools"] = [
                {"name": one.name, "description": one.description, "input_schema": one.schema}
                for one in terms.tools
            ]
        if terms.think:
            asked["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        if terms.schema:
            asked["output_config"] = {"format": {"type": "json_schema", "schema": terms.schema}}
        if not terms.stream:
            return await self._client.messages.create(messages=self._said, **asked)
        async with self._client.messages.stream(messages=self._said, **asked) as stream:
            return await stream.get_final_message()


def _result(result: Result) -> dict[str, Any]:
    content: list[Any] = [{"type": "text", "text": result.text}]
    content += [PICTURE] if result.picture else []
    told = {"type": "tool_result", "tool_use_id": result.call.id, "content": content}
    return told | ({"is_error": True} if result.error else {})


def _heard(message: Message) -> Heard:
    used = message.usage
    cached = used.cache_read_input_tokens or 0
    return Heard(
        text="".join(block.text for block in message.content if block.type == "text"),
        thinking="".join(block.thinking for block in message.content if block.type == "thinking"),
        calls=tuple(
            Called(block.id, block.name, block.input)
            for block in message.content
            if block.type == "tool_use"
        ),
        stop=STOPS.get(str(message.stop_reason), str(message.stop_reason)),
        input=used.input_tokens + cached + (used.cache_creation_input_tokens or 0),
        output=used.output_tokens,
        cached=cached,
        served=message.model,
    )
