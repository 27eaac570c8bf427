"""A conversation through OpenAI's client, over responses; nothing is kept at the provider."""

from __future__ import annotations

from typing import Any

import openai
from openai.types.responses import Response

from tests.contract.sdk.chat_talk import arguments_of
from tests.contract.sdk.talks import PNG, Called, Heard, Result, Terms

PICTURE = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}


class StreamFailed(Exception):
    """An event told of a failure: OpenAI's client gives it like any other event."""


class ResponsesTalk:
    """Speaks `/v1/responses`."""

    def __init__(self, url: str, key: str, terms: Terms) -> None:
        self._client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self._terms = terms
        self._said: list[Any] = []

    async def say(self, text: str, *, pictures: int = 0) -> Heard:
        """Say something; hear the answer."""
        content: Any = [{"type": "input_text", "text": text}] + [PICTURE] * pictures
        self._said.append({"role": "user", "content": content if pictures else text})
        return await self._next()

    async def answer(self, *results: Result) -> Heard:
        """Give the results of all calls of the last answer; hear what follows."""
        for one in results:
            output: Any = one.text
            if one.picture:
                output = [{"type": "input_text", "text": one.text}, PICTURE]
            told = {"type": "function_call_output", "call_id": one.call.id, "output": output}
            self._said.append(told)
        return await self._next()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _next(self) -> Heard:
        response = await self._ask()
        self._said += [item.model_dump(exclude_none=True) for item in response.output]
        return _heard(response)

    async def _ask(self) -> Response:
        terms = self._terms
        asked: dict[str, Any] = {"model": terms.model, "input": self._said, "store": False}
        asked |= {"max_output_tokens": terms.max_tokens}
        if terms.system:
            asked["instructions"] = terms.system
        if terms.tools:
            asked["tools"] = [_tool(one) for one in terms.tools]
        if terms.think:
            asked["reasoning"] = {"effort": "medium", "summary": "auto"}
            asked["include"] = ["reasoning.encrypted_content"]
        if terms.schema:
            shape = {"type": "json_schema", "name": "shape", "schema": terms.schema}
            asked["text"] = {"format": shape | {"strict": True}}
        if not terms.stream:
            return await self._client.responses.create(**asked)
        whole: Response | None = None
        async for event in await self._client.responses.create(**asked, stream=True):
            if event.type in {"error", "response.failed"}:
                raise StreamFailed(str(event))
            if event.type in {"response.completed", "response.incomplete"}:
                whole = event.response
        assert whole is not None, "the stream did not end with a whole answer"
        return whole


def _tool(tool: Any) -> dict[str, Any]:
    told = {"type": "function", "name": tool.name, "description": tool.description}
    return told | {"parameters": tool.schema, "strict": False}


def _heard(response: Response) -> Heard:
    calls = [item for item in response.output if item.type == "function_call"]
    thoughts = [item for item in response.output if item.type == "reasoning"]
    used = response.usage
    cut = response.incomplete_details and response.incomplete_details.reason
    stops = {"max_output_tokens": "max_tokens", "content_filter": "refusal"}
    ended = "tool_use" if calls else "end"
    return Heard(
        text=response.output_text,
        thinking="".join(part.text for item in thoughts for part in item.summary),
        calls=tuple(Called(one.call_id, one.name, arguments_of(one.arguments)) for one in calls),
        stop=stops[cut] if cut else ended,
        input=used.input_tokens if used else -1,
        output=used.output_tokens if used else -1,
        cached=used.input_tokens_details.cached_tokens if used else 0,
        reasoning=used.output_tokens_details.reasoning_tokens if used else 0,
        served=response.model,
    )
