"""Who trained a model, guessed from its name where the catalogue does not say. Pure.

Families matter where two models must not share their mistakes: a council asks several, and a
deliverable is reviewed by another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORD = re.compile(r"[a-z]+")
_SAME: Mapping[str, str] = {
    "o": "gpt",  # o3, o4-mini
    "chatgpt": "gpt",
    "text": "gpt",  # text-embedding-3-small
    "whisper": "gpt",
    "gemma": "gemini",
    "codestral": "mistral",
    "devstral": "mistral",
    "magistral": "mistral",
    "ministral": "mistral",
    "mixtral": "mistral",
    "pixtral": "mistral",
    "qwq": "qwen",
    "codellama": "llama",
}


def family_of(name: str) -> str:
    """Give the family that a model's name tells of: the first word behind its last slash."""
    found = _WORD.search(name.rpartition("/")[2].lower())
    word = found.group() if found else name.lower()
    return _SAME.get(word, word)
