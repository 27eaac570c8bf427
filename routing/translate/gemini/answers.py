"""Gemini's whole answers, both ways, and what streams share with them: usage and stop reasons.

It knows no request and no stream machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.conversation import Answer, Ask, Block, Stop, ToolCall, Usage
from routing.faults import Fault, FaultKind
from routing.translate import names, wire
from routing.translate.dialect import Body, Malformed
from routing.translate.gemini.parts import add, inner, listed, mark, pick, signed
from routing.translate.gemini.request_in import said as understand
from routing.translate.gemini.request_out import said as word
from routing.translate.idents import made

_STOPS: Mapping[str, Stop] = {
    "STOP": Stop.END,
    "MAX_TOKENS": Stop.MAX_TOKENS,
    "CONTINUATION": Stop.PAUSE,
    **dict.fromkeys(
        (
            "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
            "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
        ),
        Stop.REFUSAL,
    ),
}  # fmt: skip
# The model said something that is no answer; another try, or another model, may do better.
_BROKEN = frozenset({
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE",
})  # fmt: skip
_REASONS: Mapping[Stop, str] = {Stop.MAX_TOKENS: "MAX_TOKENS", Stop.REFUSAL: "SAFETY"}


def read_answer(body: Body, family: str) -> Answer:
    """Understand a provider's whole answer.

    Raises:
        Malformed: it is not what the dialect promises.
        Fault: the prompt was blocked, or the model's function call is broken.
    """
    blocked(body)
    candidate = first_candidate(body)
    if candidate is None:
        raise Malformed("candidates: the answer has none.")
    blocks: list[Block] = []
    ident = wire.text(pick(body, "responseId"), "responseId")
    parts = inner(candidate, "content", "candidates[0].").get("parts")
    for where, part in listed(parts, "candidates[0].content.parts"):
        if pick(part, "functionCall") is not None:
            blocks.append(read_call(part, family, (ident, len(blocks)), where))
            continue
        for block in understand(part, family, where):
            add(blocks, block, thought=bool(part.get("thought")))
    calls = any(isinstance(block, ToolCall) for block in blocks)
    return Answer(
        id=ident,
        model=wire.text(pick(body, "modelVersion"), "modelVersion"),
        blocks=tuple(blocks),
        stop=stop_of(candidate, calls=calls) or Stop.END,
        usage=read_usage(body),
    )


def write_answer(answer: Answer, ask: Ask) -> dict[str, Any]:
    """Word a whole answer for a client."""
    known = names.originals(ask)
    parts = word(answer.blocks, mark, lambda name: known.get(name, name))
    body: dict[str, Any] = {
        "candidates": [
            {
                "content": {"parts": parts, "role": "model"},
                "finishReason": reason_of(answer.stop),
                "index": 0,
            }
        ],
        "modelVersion": answer.model or ask.model,
        "responseId": answer.id or made("", answer),
    }
    if answer.usage:
        body["usageMetadata"] = write_usage(answer.usage)
    return body


# -- what streams share ---------------------------------------------------------------------------
def blocked(body: Body) -> None:
    """Look whether the prompt was let through.

    Raises:
        Fault: of kind CONTENT, if Gemini refused it.
    """
    reason = inner(body, "promptFeedback").get("blockReason")
    if reason and not body.get("candidates"):
        said = f"Gemini refused the prompt ({reason})."
        raise Fault(FaultKind.CONTENT, said, status=400, body=body)


def first_candidate(body: Body) -> Mapping[str, Any] | None:
    """Give the one candidate that counts, if there is one."""
    for _, candidate in listed(body.get("candidates"), "candidates"):
        return candidate
    return None


def stop_of(candidate: Mapping[str, Any], *, calls: bool) -> Stop | None:
    """Give why the model stopped, None while it has not; `calls`: it wants tools.

    Raises:
        Fault: of kind MALFORMED, if it stopped over a broken call.
    """
    reason = pick(candidate, "finishReason")
    if not reason or reason == "FINISH_REASON_UNSPECIFIED":
        return None
    if reason in _BROKEN:
        message = candidate.get("finishMessage") or "its function call cannot be understood"
        raise Fault(FaultKind.MALFORMED, f"The model ended with {reason}: {message}")
    stop = _STOPS.get(reason, Stop.END)
    return Stop.TOOL_USE if calls and stop is Stop.END else stop


def reason_of(stop: Stop) -> str:
    """Give Gemini's word for why the model stopped."""
    return _REASONS.get(stop, "STOP")


def read_call(part: Mapping[str, Any], family: str, place: tuple[str, int], where: str) -> ToolCall:
    """Understand a call of the model's; where it has no id, one is made from its `place`.

    Raises:
        Malformed: it is not what the dialect promises.
    """
    told = inner(part, "functionCall", f"{where}.")
    name = wire.text(told.get("name"), f"{where}.functionCall.name")
    arguments = wire.arguments_text(inner(told, "args", f"{where}.functionCall."))
    ident = wire.text(told.get("id"), f"{where}.functionCall.id")
    signature, origin = signed(part, family, where)
    ident = ident or made("call_", *place, name, arguments)
    return ToolCall(ident, name, arguments, signature, origin if signature else "")


def read_usage(body: Body) -> Usage | None:
    """Understand usageMetadata; thoughts are counted beside the candidates."""
    told = inner(body, "usageMetadata")
    if not told:
        return None
    thoughts = wire.count(pick(told, "thoughtsTokenCount"))
    tools = wire.count(pick(told, "toolUsePromptTokenCount"))
    return Usage(
        input=wire.count(pick(told, "promptTokenCount")) + tools,
        output=wire.count(pick(told, "candidatesTokenCount")) + thoughts,
        cache_read=wire.count(pick(told, "cachedContentTokenCount")),
        reasoning=thoughts,
    )


def write_usage(usage: Usage) -> dict[str, int]:
    """Word usageMetadata."""
    told = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": max(usage.output - usage.reasoning, 0),
        "totalTokenCount": usage.input + usage.output,
    }
    if usage.reasoning:
        told["thoughtsTokenCount"] = usage.reasoning
    if usage.cache_read:
        told["cachedContentTokenCount"] = usage.cache_read
    return told
