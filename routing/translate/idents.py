"""Ids of tool calls: made where a provider gave none, and fitted to dialects that are choosy.

An id that a dialect refuses (``functions.search:0``) is spelled in letters it takes and read
back exactly, because some models look for their own ids in the conversation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_SPELLED = "toolu_helio_"


def made(prefix: str, *facts: object) -> str:
    """Make an id from what is known of the thing: the same facts give the same id."""
    told = "\x1f".join(map(str, facts)).encode(errors="surrogatepass")
    return prefix + hashlib.sha256(told).hexdigest()[:24]


def spell(ident: str) -> str:
    """Write an id in letters, digits, ``_`` and ``-`` only."""
    if _PLAIN.fullmatch(ident) and not ident.startswith(_SPELLED):
        return ident
    coded = base64.urlsafe_b64encode(ident.encode(errors="surrogatepass")).decode()
    return _SPELLED + coded.rstrip("=")


def unspell(text: str) -> str:
    """Give the id that `spell` wrote; any other stays as it is."""
    if not text.startswith(_SPELLED):
        return text
    coded = text.removeprefix(_SPELLED)
    try:
        return base64.b64decode(
            coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True
        ).decode(errors="surrogatepass")
    except (binascii.Error, ValueError):
        return text


def shorten(ident: str, limit: int) -> str:
    """Give an id of at most so many characters, the same one for the same id."""
    return ident if len(ident) <= limit else made("call_", ident)
