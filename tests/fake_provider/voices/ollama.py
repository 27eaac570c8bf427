"""How Ollama's own `/api/chat` words an answer, and what it refuses: lines of JSON, no events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.fake_provider.plan import Plan, Say, Seen
from tests.fake_provider.refused import need, words

_FIELDS = words("model messages tools stream format options keep_alive think")
_AT = "2026-01-01T00:00:00Z"


def check(body: Mapping[str, Any]) -> Seen:
    """Give what the request asks for.

    Raises:
        Refused: it would not be understood.
    """
    for name in body:
        need(name in _FIELDS, f"json: unknown field {name!r}")
    need(body.get("model"), "model is required")
    last = (body.get("messages") or [{}])[-1]
    return Seen(
        dialect="ollama",
        model=body["model"],
        body=body,
        stream=bool(body.get("stream", True)),
        text=str(last.get("content", "")) if last.get("role") == "user" else "",
        framing="lines",
    )


def whole(plan: Plan, seen: Seen) -> dict[str, Any]:
    """Give the answer at once."""
    text = "".join(part.text for part in plan.parts if isinstance(part, Say))
    return _told(plan, seen, text) | _end(plan)


def frames(plan: Plan, seen: Seen) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the answer line by line."""
    for part in plan.parts:
        for piece in plan.pieces(part.text) if isinstance(part, Say) else ():
            yield "", _told(plan, seen, piece) | {"done": False}
    yield "", _told(plan, seen, "") | _end(plan)


def _told(plan: Plan, seen: Seen, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"model": plan.served or seen.model, "created_at": _AT, "message": message}


def _end(plan: Plan) -> dict[str, Any]:
    why = {"max_tokens": "length"}.get(plan.why, "stop")
    counts = {"prompt_eval_count": plan.usage.input, "eval_count": plan.usage.output}
    return {"done": True, "done_reason": why, **counts}
