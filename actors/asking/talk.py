"""A kept conversation: its last turns as messages, and the turns that an answer adds.

What is kept is what was shown: text without secrets, and of each attachment its name, kind and
size. So a conversation does not send its files again, and says instead that they were there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actors.asking.attachments import Attachment
from engine.messages import Order
from engine.ports import ReportDesk

Message = dict[str, Any]
_ROLES = ("user", "assistant")


async def last_turns(order: Order, desk: ReportDesk, limit: int) -> Sequence[Mapping[str, Any]]:
    """Give the last turns of the order's conversation, oldest first; [] where it keeps none.

    Raises:
        Unavailable: the dispatcher is away.
    """
    name = order.payload.get("conversation")
    if not name:
        return ()
    wanted = {"conversation": name, "project": order.project or "default", "limit": limit}
    listed = await desk.query("turn.list", wanted)
    return list(listed["items"])


def messages_of(turns: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Word turns for a model: the user begins, and nobody speaks twice in a row."""
    spoken: list[Message] = []
    for turn in turns:
        role, text = turn["role"], _text_of(turn["blocks"])
        if role not in _ROLES or not text or (not spoken and role != _ROLES[0]):
            continue
        if spoken and spoken[-1]["role"] == role:
            spoken[-1]["content"] += f"\n\n{text}"
        else:
            spoken.append({"role": role, "content": text})
    if spoken and spoken[-1]["role"] == _ROLES[0]:  # its answer was cut off by the limit
        spoken.pop()
    return spoken


def turn_of_user(prompt: str, attached: Sequence[Attachment]) -> dict[str, Any]:
    """Give the turn of what was asked."""
    files = [one.told() for one in attached]
    return {"role": "user", "blocks": [*files, {"type": "text", "text": prompt}]}


def turn_of_model(text: str, served: Mapping[str, Any]) -> dict[str, Any]:
    """Give the turn of what was answered."""
    return {
        "role": "assistant",
        "blocks": [{"type": "text", "text": text}],
        "model": str(served.get("model") or ""),
        "usage": dict(served.get("usage") or {}),
    }


def _text_of(blocks: Sequence[Mapping[str, Any]]) -> str:
    parts = [_words(block) for block in blocks]
    return "\n\n".join(part for part in parts if part.strip())


def _words(block: Mapping[str, Any]) -> str:
    if block.get("type") == "file":
        about = f"{block['media_type']}, {block['bytes']} bytes"
        return f"[The file {block['name']} ({about}) was shown here.]"
    return str(block.get("text") or "")
