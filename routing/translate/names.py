"""Names of tools that every dialect accepts, and the way back.

The strictest rule of the four holds for all: at most 64 of letters, digits, ``_`` and ``-``,
beginning with a letter or ``_``. A name that breaks it is cut and ends with a digest of itself;
the client's own request says what each stood for, so the way back needs no memory.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from routing.conversation import Ask

MAX_LENGTH = 64
_FITS = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST_LENGTH = 12


def fit(name: str) -> str:
    """Give the name under which a provider learns of a tool."""
    if not name or _FITS.fullmatch(name):
        return name
    clean = _FOREIGN.sub("_", name)
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    head = clean if clean[0].isalpha() or clean[0] == "_" else "_" + clean
    return f"{head[: MAX_LENGTH - _DIGEST_LENGTH - 1]}_{digest}"


def originals(ask: Ask) -> Mapping[str, str]:
    """Map the fitted names of a request's tools to those that the client knows."""
    return {short: tool.name for tool in ask.tools if (short := fit(tool.name)) != tool.name}
