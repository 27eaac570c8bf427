"""A conversation through Google's client."""

from __future__ import annotations

import base64
from typing import Any

from google import genai
from google.genai import types

from tests.contract.sdk.talks import PNG, Called, Heard, Result, Terms

STOPS = {"STOP": "end", "MAX_TOKENS": "max_tokens", "SAFETY": "refusal"}


class GeminiTalk:
    """Speaks `generateContent` and `streamGenerateContent`."""

    def __init__(self, url: str, key: str, terms: Terms) -> None:
        options = types.HttpOptions(base_url=url)
        self._client = genai.Client(api_key=key, http_options=options, vertexai=False)
        self._terms = terms
        self._said: list[Any] = []

    async def say(self, text: str, *, pictures: int = 0) -> Heard:
        """Say something; hear the answer."""
        data = base64.b64decode(PNG)
        parts = [types.Part.from_bytes(data=data, mime_type="image/png")] * pictures
        return await self._next([*parts, types.Part(text=text)])

    async def answer(self, *results: Result) -> Heard:
        """Give the results of all calls of the last answer; hear what follows."""
        return await self._next([_result(one) for one in results])

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aio.aclose()
        self._client.close()

    async def _next(self, parts: list[Any]) -> Heard:
        self._said.append(types.Content(role="user", parts=parts))
        asked = {"model": self._terms.model, "contents": self._said, "config": self._config()}
        if self._terms.stream:
            stream = await self._client.aio.models.generate_content_stream(**asked)
            chunks = [chunk async for chunk in stream]
        else:
            chunks = [await self._client.aio.models.generate_content(**asked)]
        spoken = [one.candidates[0] for one in chunks if one.candidates]
        told = [part for one in spoken if one.content for part in one.content.parts or ()]
        self._said.append(types.Content(role="model", parts=told))
        stop = next((str(one.finish_reason.value) for one in spoken if one.finish_reason), "")
        return _heard(told, stop, chunks[-1])

    def _config(self) -> types.GenerateContentConfig:
        terms = self._terms
        declared = [
            types.FunctionDeclaration(
                name=one.name, description=one.description, parameters_json_schema=one.schema
            )
            for one in terms.tools
        ]
        think = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        return types.GenerateContentConfig(
            system_instruction=terms.system or None,
            max_output_tokens=terms.max_tokens,
            tools=[types.Tool(function_declarations=declared)] if declared else None,
            thinking_config=think if terms.think else None,
            response_mime_type="application/json" if terms.schema else None,
            response_json_schema=terms.schema,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )


def _result(result: Result) -> types.Part:
    told = {"error" if result.error else "output": result.text}
    answer = types.FunctionResponse(name=result.call.name, response=told)
    answer.id = result.call.id or None
    return types.Part(function_response=answer)


def _heard(parts: list[Any], stop: str, last: Any) -> Heard:
    calls = [part.function_call for part in parts if part.function_call]
    used = last.usage_metadata
    ended = STOPS.get(stop, stop)
    thought = (used.thoughts_token_count or 0) if used else 0
    return Heard(
        text="".join(part.text for part in parts if part.text and not part.thought),
        thinking="".join(part.text for part in parts if part.text and part.thought),
        calls=tuple(Called(one.id or "", one.name, one.args) for one in calls),
        stop="tool_use" if calls and ended == "end" else ended,
        input=used.prompt_token_count if used else -1,
        output=(used.candidates_token_count or 0) + thought if used else -1,
        cached=(used.cached_content_token_count or 0) if used else 0,
        reasoning=thought,
        served=last.model_version or "",
    )
