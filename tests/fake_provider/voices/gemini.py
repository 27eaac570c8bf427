"""How Gemini words an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.fake_provider import seal
from tests.fake_provider.plan import Call, Plan, Say, Seen, Think

_STOPS = {"max_tokens": "MAX_TOKENS", "refusal": "SAFETY", "malformed": "MALFORMED_FUNCTION_CALL"}


def whole(plan: Plan, seen: Seen) -> dict[str, Any]:
    """Give the answer at once."""
    parts = [shown for _, shown in _parts(plan, seen, cut=False)]
    return _chunk(parts, plan, seen, last=True)


def frames(plan: Plan, seen: Seen) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the answer as events: text in pieces, a call whole, the reason in the last one."""
    pieces = [shown for _, shown in _parts(plan, seen, cut=True)]
    for place, piece in enumerate(pieces):
        yield "", _chunk([piece], plan, seen, last=place == len(pieces) - 1)


def _chunk(parts: list[Any], plan: Plan, seen: Seen, *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = _STOPS.get(plan.why, "STOP")
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(plan, last=last),
        "modelVersion": plan.served or seen.model,
        "responseId": f"resp{seen.number:08d}",
    }


def _usage(plan: Plan, *, last: bool) -> dict[str, Any]:
    used = plan.usage
    told = {"promptTokenCount": used.input, "totalTokenCount": used.input}
    if used.cache_read:
        told["cachedContentTokenCount"] = used.cache_read
    if last:
        told["candidatesTokenCount"] = used.output - used.reasoning
        told["totalTokenCount"] = used.input + used.output
        if used.reasoning:
            told["thoughtsTokenCount"] = used.reasoning
    return told


def _parts(plan: Plan, seen: Seen, *, cut: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give (place, part). A signature stands at the first call, or else at the last text."""
    signs = seen.model.startswith("gemini-3") or seen.thinks
    first = next((call.id for call in plan.calls), "")
    spoken = [at for at, part in enumerate(plan.parts) if isinstance(part, Say)]
    for place, part in enumerate(plan.parts):
        token = {"thoughtSignature": seal.seal("gemini", f"{seen.number}/{place}")}
        match part:
            case Think(text, sealed):
                pieces = [] if sealed else plan.pieces(text) if cut else [text]
                yield from ((place, {"text": piece, "thought": True}) for piece in pieces)
            case Say(text):
                shown = [{"text": piece} for piece in (plan.pieces(text) if cut else [text])]
                if signs and not first and place == spoken[-1] and shown:
                    shown[-1] |= token
                yield from ((place, piece) for piece in shown or [{"text": ""}])
            case Call():
                called = {"functionCall": _call(part, seen)}
                yield place, called | (token if signs and part.id == first else {})


def _call(call: Call, seen: Seen) -> dict[str, Any]:
    try:
        args = json.loads(call.arguments)
    except ValueError:
        args = call.arguments  # no real answer looks so; a reader must survive it
    named = {"id": f"fn{call.id}"} if seen.model.startswith("gemini-3") else {}
    return {"name": call.name, "args": args, **named}
