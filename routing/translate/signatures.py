"""Whose thinking it is, carried through clients that know nothing of it.

Sealed thinking can be read again only by those who made it. Towards a client a signature is
written as ``helio:<dialect>:<family>:<original>``; the client sends it back unread, and the
decoder takes origin and original apart again. What has no such mark came past us (by a relay):
its dialect is known and its family is not, so its origin is ``<dialect>:``.

Knows no wire format. All four dialects use it, and the relay asks `marked` before it hands a
request on as it is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import quote, unquote

from routing.conversation import Dialect

PREFIX = "helio:"
CALL_PREFIX = "helio:call:"  # the signature of a tool call, carried in a block of its own
# The same six bytes at the start of a base64 text: they fill eight characters exactly.
MARKS = (PREFIX.encode(), base64.b64encode(PREFIX.encode()))

# Who speaks a dialect natively: their unmarked signatures are theirs.
NATIVE: Mapping[Dialect, str] = {
    Dialect.ANTHROPIC: "claude",
    Dialect.RESPONSES: "gpt",
    Dialect.GEMINI: "gemini",
}


def origin_of(dialect: Dialect, family: str) -> str:
    """Name who can read a signature; an empty family is an unknown one."""
    return f"{dialect}:{family}"


def wrap(signature: str, origin: str) -> str:
    """Mark a signature with its origin; without a known family it stays as it is."""
    dialect, _, family = origin.partition(":")
    if not family:
        return signature
    return f"{PREFIX}{dialect}:{quote(family, safe='')}:{signature}"


def unwrap(text: str, dialect: Dialect) -> tuple[str, str]:
    """Give (signature, origin) of what a client of this dialect sent back."""
    if text.startswith(PREFIX) and not text.startswith(CALL_PREFIX):
        parts = text.removeprefix(PREFIX).split(":", 2)
        if len(parts) == 3:
            return parts[2], f"{parts[0]}:{unquote(parts[1])}"
    return text, origin_of(dialect, "")


def wrap_call(signature: str, origin: str) -> str:
    """Mark the signature of a tool call, for dialects whose calls have no field for it."""
    return CALL_PREFIX + wrap(signature, origin).removeprefix(PREFIX)


def unwrap_call(text: str) -> tuple[str, str] | None:
    """Give (signature, origin) of a marked signature of a tool call; None if it is none."""
    parts = text.removeprefix(CALL_PREFIX).split(":", 2)
    if not text.startswith(CALL_PREFIX) or len(parts) < 3:
        return None
    return parts[2], f"{parts[0]}:{unquote(parts[1])}"


def wrap_base64(signature: str, origin: str) -> str:
    """Mark a signature in a field that must be base64 (Gemini's thoughtSignature)."""
    marked_text = wrap(signature, origin)
    if marked_text == signature:
        return signature
    return base64.b64encode(marked_text.encode()).decode()


def unwrap_base64(text: str, dialect: Dialect) -> tuple[str, str]:
    """Give (signature, origin) of what came back in a base64 field."""
    if not text.startswith(MARKS[1].decode()):
        return text, origin_of(dialect, "")
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text, origin_of(dialect, "")
    return unwrap(plain, dialect)


def readable(origin: str, dialect: Dialect, family: str) -> bool:
    """Tell whether a model of this family, spoken to in this dialect, can read it again.

    An unmarked signature is taken for that of the dialect's native family, and of no other.
    Chat's reasoning is plain text that all take but OpenAI's own models, which give none.
    """
    if origin == origin_of(Dialect.CHAT, ""):
        return dialect is Dialect.CHAT and family != "gpt"
    if origin == origin_of(dialect, ""):
        return NATIVE.get(dialect) == family
    return origin == origin_of(dialect, family)


def marked(raw: bytes) -> bool:
    """Tell whether a request's bytes hold a marked signature: then it cannot be relayed."""
    return any(mark in raw for mark in MARKS)
