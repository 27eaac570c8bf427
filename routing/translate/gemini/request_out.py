"""A request, worded for a Gemini provider.

Roles alternate, the responses to calls come first in the turn after them and in their order, and
what Gemini refuses (empty texts, foreign thinking, unknown schema keywords) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from routing.conversation import (
    Ask,
    Block,
    Dialect,
    Document,
    Image,
    Role,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from routing.translate import turns, wire
from routing.translate.gemini.parts import write_call, write_medium
from routing.translate.gemini.rules import NO_SIGNATURE, Rules, rules_of, thinking_config
from routing.translate.gemini.schema import for_gemini
from routing.translate.names import fit
from routing.translate.signatures import readable

Raw = dict[str, Any]

MOST_STOPS = 5  # Gemini refuses more stop sequences
_MODES = {"auto": "AUTO", "none": "NONE", "any": "ANY", "tool": "ANY"}


def write_request(ask: Ask, family: str) -> Raw:
    """Word a request; model and stream stand in the URL."""
    rules = rules_of(ask.model, family)
    body: Raw = {"contents": _contents(ask, family, rules)}
    if ask.system:
        body["systemInstruction"] = {"parts": [{"text": text.text} for text in ask.system]}
    if tools := _tools(ask.tools):
        body["tools"] = tools
        if ask.tool_choice:
            body["toolConfig"] = {"functionCallingConfig": _tool_choice(ask.tool_choice)}
    if settings := _settings(ask, rules):
        body["generationConfig"] = settings
    if ask.origin == Dialect.GEMINI:
        extras = dict(ask.extras)
        if "toolConfig" in extras and "tools" in body:  # it says more than the one form can
            body["toolConfig"] = extras["toolConfig"]
        extras.pop("toolConfig", None)
        wire.merge(body, extras)
    return body


# -- the conversation -----------------------------------------------------------------------------
def _contents(ask: Ask, family: str, rules: Rules) -> list[Raw]:
    own = turns.own_thinking(turns.named(ask.messages), Dialect.GEMINI, family)
    order: dict[str, int] = {}
    contents: list[Raw] = []
    for message in turns.merged(turns.system_said_by_user(own)):
        if message.role is Role.ASSISTANT:
            parts = said(_readable(message.blocks, family), lambda signature, _: signature, fit)
            calls = [block.id for block in message.blocks if isinstance(block, ToolCall)]
            order = {ident: at for at, ident in enumerate(calls)}
            contents.append({"role": "model", "parts": parts})
        else:
            contents.append({"role": "user", "parts": _asked(message.blocks, order, rules)})
    contents = [content for content in contents if content["parts"]]
    if rules.signatures:
        _fill_signatures(contents)
    return contents


def _readable(blocks: Iterable[Block], family: str) -> Iterator[Block]:
    """Leave out the signatures of calls that this model did not make."""
    for block in blocks:
        if isinstance(block, ToolCall) and not readable(block.origin, Dialect.GEMINI, family):
            yield ToolCall(block.id, block.name, block.arguments)
        else:
            yield block


def said(
    blocks: Iterable[Block], sign: Callable[[str, str], str], named: Callable[[str], str]
) -> list[Raw]:
    """Word what the model says; `sign` words a signature of an origin, `named` a tool's name."""
    parts: list[Raw] = []
    held = ""  # the signature of the text that comes next
    for block in blocks:
        if held and not isinstance(block, Text):
            parts.append({"text": "", "thoughtSignature": held})
            held = ""
        match block:
            case Thinking(signature=signature) if signature and not (block.text or block.sealed):
                held = sign(signature, block.origin)
            case Text(text) if text or held:
                parts.append({"text": text} | ({"thoughtSignature": held} if held else {}))
                held = ""
            case Thinking(text, signature, origin):
                parts.append({"thought": True} | ({} if block.sealed else {"text": text}))
                _sign(parts[-1], signature, origin, sign)
            case ToolCall():
                parts.append(write_call(block, named(block.name)))
                _sign(parts[-1], block.signature, block.origin, sign)
            case Image() | Document():
                parts.append(write_medium(block))
            case Text() | ToolResult():
                pass  # nothing to say, or nothing that a model says
    return [*parts, {"text": "", "thoughtSignature": held}] if held else parts


def _sign(part: Raw, signature: str, origin: str, sign: Callable[[str, str], str]) -> None:
    if told := sign(signature, origin):
        part["thoughtSignature"] = told


def _fill_signatures(contents: Sequence[Raw]) -> None:
    """Give the calls of the current turn the text that stands for a signature that is gone."""
    for content in reversed(contents):
        parts = content["parts"]
        if content["role"] == "user":
            if not any("functionResponse" in part for part in parts):
                return  # here the turn began
            continue
        first = next((part for part in parts if "functionCall" in part), None)
        if first is not None:
            first.setdefault("thoughtSignature", NO_SIGNATURE)


def _asked(blocks: Iterable[Block], order: dict[str, int], rules: Rules) -> list[Raw]:
    """Word what the user says: results of tools first, in the order of their calls."""
    others: list[Raw] = []
    results: list[ToolResult] = []
    for block in blocks:
        match block:
            case ToolResult():
                results.append(block)
            case Text(text) if text:
                others.append({"text": text})
            case Image() | Document():
                others.append(write_medium(block))
            case Text() | Thinking() | ToolCall():
                pass  # nothing to say, or nothing that a user says
    results.sort(key=lambda result: order.get(result.call_id, len(order)))
    loose = [] if rules.media_in_results else [p for result in results for p in _beside(result)]
    return [*(_result(result, rules) for result in results), *loose, *others]


def _result(result: ToolResult, rules: Rules) -> Raw:
    text = "\n".join(block.text for block in result.blocks if isinstance(block, Text))
    told: Raw = {
        "id": result.call_id,
        "name": fit(result.name) or "unknown",
        "response": {"error" if result.is_error else "output": text},
    }
    if rules.media_in_results and (media := _media(result)):
        told["parts"] = media
    return {"functionResponse": told}


def _beside(result: ToolResult) -> list[Raw]:
    """Give what a response cannot hold, with a word on where it belongs."""
    said = {"text": f"From the result of the tool {result.name or result.call_id}:"}
    return [said, *media] if (media := _media(result)) else []


def _media(result: ToolResult) -> list[Raw]:
    return [write_medium(block) for block in result.blocks if not isinstance(block, Text)]


# -- tools and settings ---------------------------------------------------------------------------
def _tools(tools: Iterable[Tool]) -> list[Raw]:
    declared: list[Raw] = []
    own: list[Raw] = []
    for tool in tools:
        if tool.builtin is None:
            declared.append(_declared(tool))
        elif tool.origin == Dialect.GEMINI:
            own.append(dict(tool.builtin))
    return ([{"functionDeclarations": declared}] if declared else []) + own


def _declared(tool: Tool) -> Raw:
    told: Raw = {"name": fit(tool.name)}
    if tool.description:
        told["description"] = tool.description
    schema = for_gemini(tool.schema)
    if set(schema) - {"type", "properties", "additionalProperties"} or schema.get("properties"):
        told["parametersJsonSchema"] = {"type": "object", **schema}
    return told


def _tool_choice(choice: ToolChoice) -> Raw:
    told: Raw = {"mode": _MODES[choice.mode]}
    if choice.mode == "tool":
        told["allowedFunctionNames"] = [fit(choice.name)]
    return told


def _settings(ask: Ask, rules: Rules) -> Raw:
    told: Raw = {
        "maxOutputTokens": ask.max_tokens,
        "temperature": ask.temperature,
        "topP": ask.top_p,
        "topK": ask.top_k,
        "stopSequences": list(ask.stop[:MOST_STOPS]) or None,
        "seed": ask.seed,
    }
    if ask.shape:
        told["responseMimeType"] = "application/json"
        told["responseJsonSchema"] = for_gemini(ask.shape.schema) if ask.shape.schema else None
    if ask.reasoning:
        # Who does not say whether he wants to see the thoughts speaks a dialect that shows them.
        shown = bool(ask.reasoning.summary) or ask.origin not in (
            Dialect.GEMINI,
            Dialect.RESPONSES,
        )
        told["thinkingConfig"] = thinking_config(ask.reasoning, rules, shown=shown) or None
    return {name: value for name, value in told.items() if value is not None}
