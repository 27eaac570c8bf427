"""Which implementation speaks which dialect.

Each is imported when it is first asked for: a house that serves one dialect loads one.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from routing.conversation import Dialect
from routing.translate.dialect import DialectFace

_FACES = {
    Dialect.ANTHROPIC: ("routing.translate.anthropic", "AnthropicDialect"),
    Dialect.CHAT: ("routing.translate.chat", "ChatDialect"),
    Dialect.RESPONSES: ("routing.translate.responses", "ResponsesDialect"),
    Dialect.GEMINI: ("routing.translate.gemini", "GeminiDialect"),
}


@cache
def face_of(dialect: Dialect) -> DialectFace:
    """Give the implementation of a dialect."""
    module, name = _FACES[dialect]
    return cast("DialectFace", getattr(import_module(module), name)())
