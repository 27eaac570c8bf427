"""Cut a text into literals and templates: the one place that knows the braces.

    {{input.who}}    a template: a dotted path; blanks inside the braces do not matter
    {{{{             two opening braces, literally
    {{{index}}}      a brace, a template, a brace

Any other use of two opening braces is an error. What a path means, `engine.lookup` knows.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from engine.errors import BadInput, UnknownName

ALONE = frozenset({"prev_result", "all_results", "index", "item"})
NAMED = frozenset({"results", "input", "signal"})
NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_-]*"
_PATH = re.compile(rf"{NAME_PATTERN}(?:\.(?:{NAME_PATTERN}|[0-9]+))*")
_OPEN, _CLOSE, _ESCAPED = "{{", "}}", "{{{{"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Ref:
    """One template: `path` is what stood between the braces, cut at the dots."""

    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The dotted path as written."""
        return ".".join(self.path)

    @property
    def base(self) -> str:
        """The part that must be known at submit: ``input.who``, ``results.build``, ``index``."""
        return ".".join(self.path[:2]) if self.path[0] in NAMED else self.path[0]


Token = str | Ref


def parse(text: str) -> tuple[Token, ...]:
    """Cut a text into literals and templates.

    Raises:
        BadInput: two opening braces that begin no template.
        UnknownName: a template whose first word is none of ours.
    """
    tokens: list[Token] = []
    token: Token
    at = 0
    while (opening := text.find(_OPEN, at)) >= 0:
        tokens += [text[at:opening]] if opening > at else []
        if text.startswith(_ESCAPED, opening):
            token, at = _OPEN, opening + len(_ESCAPED)
        elif text.startswith("{", opening + len(_OPEN)):
            token, at = "{", opening + 1
        else:
            token, at = _template(text, opening)
        tokens.append(token)
    return (*tokens, text[at:]) if at < len(text) else tuple(tokens)


def sole_template(text: str) -> Ref | None:
    """Give the template of which the whole text consists, or None.

    Raises:
        BadInput, UnknownName: as `parse`.
    """
    if _OPEN not in text:
        return None
    tokens = parse(text.strip())
    return tokens[0] if len(tokens) == 1 and isinstance(tokens[0], Ref) else None


def unknown(ref: Ref, known: Collection[str]) -> UnknownName:
    """Make the error that names a template and lists what is known instead."""
    listed = ", ".join(sorted(known)) or "none"
    return UnknownName(
        f"The template {{{{{ref.name}}}}} is not known here.",
        remedy=f"Known templates: {listed}.",
        template=ref.name,
    )


def _template(text: str, opening: int) -> tuple[Ref, int]:
    closing = text.find(_CLOSE, opening)
    inside = text[opening + len(_OPEN) : closing].strip() if closing > 0 else ""
    if not _PATH.fullmatch(inside):
        shown = text[opening : opening + _SHOWN]
        raise BadInput(
            f"{shown!r} begins with two opening braces but is no template.",
            remedy="Write a name as in {{input.NAME}}, or four braces, {{{{, to mean two.",
        )
    ref = Ref(tuple(inside.split(".")))
    first = ref.path[0]
    if first not in ALONE | NAMED or (first in NAMED and len(ref.path) == 1):
        raise unknown(ref, [*ALONE, *(f"{name}.NAME" for name in NAMED)])
    return ref, closing + len(_CLOSE)
