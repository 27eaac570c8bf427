"""Reasoning in the chat dialect, which has no field for it and two habits.

`reasoning_content` (or `reasoning`) is plain text; `reasoning_details` is a list that also
carries signatures and sealed parts. Where both are told they say the same, and the list counts.
Towards a client the list is written only where there is something to bring back unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routing.conversation import Dialect, Thinking
from routing.translate import wire
from routing.translate.signatures import origin_of, unwrap, wrap

_TEXT, _SUMMARY, _SEALED = "reasoning.text", "reasoning.summary", "reasoning.encrypted"


def plain_reasoning(raw: Mapping[str, Any]) -> str:
    """Give the reasoning that is told as plain text."""
    for name in ("reasoning_content", "reasoning"):
        value = raw.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def read_reasoning(raw: Mapping[str, Any], origin: str = "") -> tuple[Thinking, ...]:
    """Read the reasoning of a whole message; without an origin it came from a client."""
    plain = plain_reasoning(raw)
    details = [
        block
        for _, detail in wire.objects(raw.get("reasoning_details"), "reasoning_details")
        if (block := read_detail(detail, origin)) is not None
    ]
    if details and plain and not any(block.text for block in details):
        return _with_words(details, plain, origin)
    if details:
        return tuple(details)
    return (Thinking(plain, origin=origin or origin_of(Dialect.CHAT, "")),) if plain else ()


def read_detail(detail: Mapping[str, Any], origin: str = "") -> Thinking | None:
    """Read one entry of the list; None is a kind that is not known."""
    kind = detail.get("type")
    sealed = kind == _SEALED
    if kind not in (_TEXT, _SUMMARY, _SEALED):
        return None
    words = "" if sealed else wire.text(detail.get("summary" if kind == _SUMMARY else "text"), kind)
    signature = wire.text(detail.get("data" if sealed else "signature"), kind)
    if not origin:
        signature, origin = unwrap(signature, Dialect.CHAT)
    return Thinking(words, signature, origin, sealed, wire.text(detail.get("id"), kind))


def _with_words(details: list[Thinking], plain: str, origin: str) -> tuple[Thinking, ...]:
    """Give the words to the one entry that lacks them, or let them stand before the others."""
    open_ones = [block for block in details if not block.sealed]
    if len(open_ones) == 1:
        one = open_ones[0]
        told = Thinking(plain, one.signature, one.origin, False, one.id)
        return tuple(told if block is one else block for block in details)
    return (Thinking(plain, origin=origin or origin_of(Dialect.CHAT, "")), *details)


def needs_details(block: Thinking) -> bool:
    """Tell whether plain text would lose something that must come back."""
    foreign = bool(block.origin) and not block.origin.startswith("chat:")
    return foreign or _is_signed(block)


def write_detail(block: Thinking, place: int, signature: str) -> dict[str, Any]:
    """Write one entry of the list."""
    detail: dict[str, Any] = {"type": _SEALED if block.sealed else _TEXT, "index": place}
    if block.sealed:
        detail["data"] = signature
    else:
        detail["text"] = block.text
        detail["signature"] = signature or None
    if block.id:
        detail["id"] = block.id
    return detail


def write_reasoning(blocks: Iterable[Thinking], *, to_client: bool) -> dict[str, Any]:
    """Give the fields of a message that tell its reasoning."""
    shown = list(blocks)
    fields: dict[str, Any] = {}
    if plain := "".join(block.text for block in shown):
        fields["reasoning_content"] = plain
    if any(needs_details(block) if to_client else _is_signed(block) for block in shown):
        fields["reasoning_details"] = [
            write_detail(block, place, towards(block) if to_client else block.signature)
            for place, block in enumerate(shown)
        ]
    return fields


def towards(block: Thinking) -> str:
    """Give the signature as a client shall bring it back."""
    return wrap(block.signature, block.origin)


def _is_signed(block: Thinking) -> bool:
    return bool(block.signature) or block.sealed
