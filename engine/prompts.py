"""What a job may say to a model, and which backend takes which word. Knows no model by name.

`llm` makes one call, `council` several at once. A `shell` or `python` job with `models: true`
gets the gateway's address and a key of its own; the other words then say how that key's calls
are answered. The models of agent CLIs are chosen by these words as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.errors import BadInput

TIERS = ("ultra", "mid", "cheap", "reasoning")
WORDS = (
    "system", "model", "tier", "floor", "pin", "budget_usd", "max_tokens", "temperature",
    "schema", "attach", "conversation", "members", "quorum", "models",
)  # fmt: skip
_HOW = frozenset({"tier", "floor", "pin", "budget_usd"})
_PROCESS = _HOW | {"models"}
_AGENT = _HOW | {"system", "model"}
_TAKES: Mapping[str, frozenset[str]] = {
    "llm": _AGENT | {"max_tokens", "temperature", "schema", "attach", "conversation"},
    "council": (_HOW - {"pin"}) | {"system", "max_tokens", "members", "quorum"},
    "shell": _PROCESS,
    "python": _PROCESS,
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
ARTEFACT = re.compile(r"([0-9a-hjkmnp-tv-z]{4,26}):(.+)", re.DOTALL)


def check_words(backend: str, spec: Mapping[str, Any]) -> None:
    """Check what a task says about models.

    Raises:
        BadInput: a word that its backend does not take, or words that do not fit each other.
    """
    said = [word for word in WORDS if word in spec]
    if not said:
        return
    takes = _TAKES.get(backend, _AGENT)
    if strange := [word for word in said if word not in takes]:
        raise BadInput(
            f"The backend {backend!r} does not take {_listed(strange)}.",
            remedy=f"About models it takes: {', '.join(w for w in WORDS if w in takes)}.",
        )
    if takes == _PROCESS and not spec.get("models"):
        raise BadInput(
            f"{_listed(said)} says how models answer, but the command is given none.",
            remedy="Add models: true, and it gets the gateway's address and a key.",
        )
    if spec.get("pin") and not spec.get("model") and takes != _PROCESS:
        raise BadInput("`pin` holds a named model fast, and none is named.", remedy="Add `model`.")
    _check_conversation(spec.get("conversation"))
    _check_attachments(spec.get("attach") or ())
    _check_members(spec)


def _check_conversation(name: str | None) -> None:
    if name is not None and not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be the name of a conversation.",
            remedy="Use up to 100 letters, digits and the signs _ . - and no template: "
            "its jobs take turns from the moment of their submit.",
        )


def _check_attachments(paths: Iterable[str]) -> None:
    for path in paths:
        if not path.strip() or "\0" in path:
            raise BadInput(
                f"{path!r} names no file.",
                remedy="Give a path inside the job's directory, or JOB:NAME for a file of a job.",
            )


def _check_members(spec: Mapping[str, Any]) -> None:
    members, quorum = spec.get("members"), spec.get("quorum")
    if members and quorum and quorum > len(members):
        raise BadInput(
            f"A quorum of {quorum} cannot be had of {len(members)} members.",
            remedy="Name more members, or ask for fewer answers.",
        )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
