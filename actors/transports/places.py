"""Where a provider's endpoints are, and how one shows it a key. Pure; it knows no socket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from routing.conversation import Dialect
from routing.models import Provider

ANTHROPIC_VERSION = "2023-06-01"
# The base of a provider has no version; a user who wrote one all the same meant the same place.
# ChatGPT's own endpoint for Codex has no versions at all.
_HAS_VERSION = re.compile(r"/(?:v\d+(?:alpha|beta)?\d*|codex)$")
_VERSION = re.compile(r"^/v\d+(?:alpha|beta)?\d*(?=/)")
_PATHS = {
    Dialect.ANTHROPIC: "/v1/messages",
    Dialect.CHAT: "/v1/chat/completions",
    Dialect.RESPONSES: "/v1/responses",
}
# Google serves embeddings in OpenAI's shape too, under a path of its own.
_GEMINI_EMBEDDINGS = "/v1beta/openai/embeddings"


def url_of(base: str, path: str) -> str:
    """Join a provider's base and a path that begins with its version."""
    root = base.rstrip("/")
    return root + (_VERSION.sub("", path) if _HAS_VERSION.search(root) else path)


def answer_url(provider: Provider, model: str, *, stream: bool) -> str:
    """Give where a model's answers are asked for."""
    if provider.dialect is not Dialect.GEMINI:
        return url_of(provider.url, _PATHS[provider.dialect])
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return url_of(provider.url, f"/v1beta/models/{quote(model, safe='/')}:{verb}")


def passage_url(provider: Provider, path: str) -> str:
    """Give where OpenAI's other endpoints (embeddings, transcriptions) are; empty if nowhere."""
    match provider.dialect:
        case Dialect.ANTHROPIC:
            return ""
        case Dialect.GEMINI:
            found = path == "/v1/embeddings"
            return url_of(provider.url, _GEMINI_EMBEDDINGS) if found else ""
        case Dialect.CHAT | Dialect.RESPONSES:
            return url_of(provider.url, path)


def key_headers(dialect: Dialect, secret: str) -> dict[str, str]:
    """Give the headers that show a key; none for a provider that wants none."""
    if not secret:
        return {}
    match dialect:
        case Dialect.ANTHROPIC:
            return {"x-api-key": secret}
        case Dialect.GEMINI:
            return {"x-goog-api-key": secret}
        case Dialect.CHAT | Dialect.RESPONSES:
            return {"authorization": f"Bearer {secret}"}


def direct_headers(provider: Provider, secret: str, came: Mapping[str, str]) -> dict[str, str]:
    """Give the headers of a call that we worded ourselves; `came` are the client's."""
    told = {"content-type": "application/json"}
    if provider.dialect is Dialect.ANTHROPIC:
        told["anthropic-version"] = came.get("anthropic-version", ANTHROPIC_VERSION)
        if betas := key_betas(came.get("anthropic-beta", "")):
            told["anthropic-beta"] = betas
    return told | key_headers(provider.dialect, secret) | dict(provider.headers)


def key_betas(betas: str) -> str:
    """Leave out of Anthropic's betas what belongs to a login: with a key it is refused."""
    named = (one.strip() for one in betas.split(","))
    return ",".join(one for one in named if one and not one.startswith("oauth-"))
