"""Which implementation speaks which dialect.

Each is imported when it is first asked for: a house that serves one dialect loads one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from routing.conversation import Dialect
from routing.translate.dialect import DialectFace

_PLACES: Mapping[Dialect, tuple[str, str]] = {
    Dialect.ANTHROPIC: ("routing.translate.anthropic", "AnthropicDialect"),
    Dialect.CHAT: ("routing.translate.chat", "ChatDialect"),
    Dialect.RESPONSES: ("routing.translate.responses", "ResponsesDialect"),
    Dialect.GEMINI: ("routing.translate.gemini", "GeminiDialect"),
}


class _Dialects(Mapping[Dialect, DialectFace]):
    """The faces by dialect, each made once."""

    def __init__(self) -> None:
        self._faces: dict[Dialect, DialectFace] = {}

    def __getitem__(self, dialect: Dialect) -> DialectFace:
        face = self._faces.get(dialect)
        if face is None:
            module, name = _PLACES[dialect]
            face = cast("DialectFace", getattr(import_module(module), name)())
            self._faces[dialect] = face
        return face

    def __iter__(self) -> Iterator[Dialect]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


DIALECTS: Mapping[Dialect, DialectFace] = _Dialects()
