"""Which client speaks which dialect, and opening and closing of conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.contract.sdk.anthropic_talk import AnthropicTalk
from tests.contract.sdk.chat_talk import ChatTalk
from tests.contract.sdk.gemini_talk import GeminiTalk
from tests.contract.sdk.responses_talk import ResponsesTalk
from tests.contract.sdk.talks import Talk, Terms

# Google's client inherits from aiohttp's session, which aiohttp does not like.
GOOGLES = "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
CLIENTS: dict[str, type[AnthropicTalk | ChatTalk | ResponsesTalk | GeminiTalk]] = {
    "anthropic": AnthropicTalk,
    "chat": ChatTalk,
    "responses": ResponsesTalk,
    "gemini": GeminiTalk,
}


@asynccontextmanager
async def talking(dialect: str, url: str, key: str, terms: Terms) -> AsyncIterator[Talk]:
    """Open a conversation through the official client of a dialect."""
    talk = CLIENTS[dialect](url, key, terms)
    try:
        yield talk
    finally:
        await talk.close()
