"""Which address means what: a pure table from method and path to an endpoint and its dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import unquote

from engine.errors import NotFound, WrongMethod
from routing.conversation import Dialect


class Endpoint(Enum):
    """What the gateway offers."""

    ANSWER = auto()
    COUNT = auto()
    EMBED = auto()
    TRANSCRIBE = auto()
    MODELS = auto()
    HELLO = auto()
    HEALTH = auto()


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `path` is as a provider of the dialect has it; `stream` where it says so."""

    endpoint: Endpoint
    dialect: Dialect
    path: str
    model: str = ""
    stream: bool = False


_POSTS: Mapping[str, tuple[Endpoint, Dialect]] = {
    "/v1/messages": (Endpoint.ANSWER, Dialect.ANTHROPIC),
    "/v1/messages/count_tokens": (Endpoint.COUNT, Dialect.ANTHROPIC),
    "/v1/chat/completions": (Endpoint.ANSWER, Dialect.CHAT),
    "/v1/responses": (Endpoint.ANSWER, Dialect.RESPONSES),
    "/v1/embeddings": (Endpoint.EMBED, Dialect.CHAT),
    "/v1/audio/transcriptions": (Endpoint.TRANSCRIBE, Dialect.CHAT),
}
_GETS: Mapping[str, Endpoint] = {
    "/api/hello": Endpoint.HELLO,
    "/healthz": Endpoint.HEALTH,
}
_GEMINI = re.compile(r"^/v1(?:beta|alpha)?/models/(?P<model>.+):(?P<verb>[A-Za-z]+)$")
# Google's clients are known by it at /v1 too, which they share with OpenAI's.
_GOOGLES = "x-goog-api-key"
_GEMINI_VERBS = {
    "generateContent": (Endpoint.ANSWER, False),
    "streamGenerateContent": (Endpoint.ANSWER, True),
    "countTokens": (Endpoint.COUNT, False),
}
_MODELS = re.compile(r"^/v1(?P<beta>beta|alpha)?/models(?:/(?P<model>.+))?$")


def route(method: str, path: str, headers: Mapping[str, str]) -> Route:
    """Find what an address means. A base url without its /v1 is forgiven.

    Raises:
        NotFound: nothing is there.
        WrongMethod: something is, but not for this method.
    """
    plain = path.rstrip("/")
    if plain in _GETS:
        _allow(method, path, "GET", "HEAD")
        return Route(_GETS[plain], Dialect.CHAT, plain)
    versioned = plain if plain in _POSTS else f"/v1{plain}"
    if versioned in _POSTS:
        _allow(method, path, "POST")
        endpoint, dialect = _POSTS[versioned]
        return Route(endpoint, dialect, versioned)
    if verbed := _GEMINI.match(plain):
        return _gemini(method, path, verbed)
    if listed := _MODELS.match(plain) or _MODELS.match(f"/v1{plain}"):
        _allow(method, path, "GET", "HEAD")
        model = unquote(listed["model"] or "")
        return Route(Endpoint.MODELS, _shape_of(listed, headers), plain, model)
    raise _nothing(path)


def dialect_of(path: str, headers: Mapping[str, str]) -> Dialect:
    """Give the dialect in which an error about an address is worded, whatever it is."""
    if "/messages" in path or "anthropic-version" in headers:
        return Dialect.ANTHROPIC
    if _GOOGLES in headers or path.startswith(("/v1beta", "/v1alpha")) or _GEMINI.match(path):
        return Dialect.GEMINI
    return Dialect.RESPONSES if path.rstrip("/").endswith("/responses") else Dialect.CHAT


def _gemini(method: str, path: str, verbed: re.Match[str]) -> Route:
    if verbed["verb"] not in _GEMINI_VERBS:
        raise _nothing(path)
    _allow(method, path, "POST")
    endpoint, stream = _GEMINI_VERBS[verbed["verb"]]
    return Route(endpoint, Dialect.GEMINI, path, unquote(verbed["model"]), stream)


def _shape_of(listed: re.Match[str], headers: Mapping[str, str]) -> Dialect:
    if "anthropic-version" in headers:
        return Dialect.ANTHROPIC
    return Dialect.GEMINI if listed["beta"] or _GOOGLES in headers else Dialect.CHAT


def _allow(method: str, path: str, *methods: str) -> None:
    if method not in methods:
        raise WrongMethod(
            f"{path} is not for {method}.", remedy=f"Use {methods[0]}.", allow=", ".join(methods)
        )


def _nothing(path: str) -> NotFound:
    return NotFound(
        f"The gateway has nothing at {path}.",
        remedy="Its addresses are listed in docs/gateway.md.",
    )
