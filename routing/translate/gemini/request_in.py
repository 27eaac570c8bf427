"""Gemini's generateContent request, understood.

Calls without ids get some, by their place; responses find their calls by id, else by name, else
by order. It knows no provider and no stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.conversation import (
    Ask,
    Block,
    Dialect,
    Document,
    Image,
    Message,
    Reasoning,
    Role,
    Shape,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from routing.translate import wire
from routing.translate.dialect import Body, Malformed
from routing.translate.gemini.parts import add, code_text, inner, listed, pick, read_medium, signed
from routing.translate.gemini.schema import from_gemini

Parts = Iterator[tuple[str, Mapping[str, Any]]]

_UNDERSTOOD = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "model", "stream"}
)
_IDENTITIES = frozenset({"labels"})
_MODES = {"AUTO": "auto", "NONE": "none", "ANY": "any", "VALIDATED": "auto"}
# What the one form has a place for, and candidateCount: we give one answer.
_SETTINGS = frozenset({
    "maxOutputTokens", "temperature", "topP", "topK", "stopSequences", "seed", "responseMimeType",
    "responseSchema", "responseJsonSchema", "thinkingConfig", "candidateCount",
})  # fmt: skip


def read_request(body: Body) -> Ask:
    """Understand a client's request; `model` and `stream` come by its URL.

    Raises:
        Malformed: it is not what the dialect promises.
    """
    settings = inner(body, "generationConfig")
    where = "generationConfig."
    stops = wire.items(pick(settings, "stopSequences"), f"{where}stopSequences")
    return Ask(
        model=wire.text(body.get("model"), "model").removeprefix("models/"),
        messages=_Conversation().read(listed(body.get("contents"), "contents")),
        system=_system(pick(body, "systemInstruction")),
        tools=tuple(_tools(listed(body.get("tools"), "tools"))),
        tool_choice=_tool_choice(inner(body, "toolConfig")),
        max_tokens=wire.whole(pick(settings, "maxOutputTokens"), f"{where}maxOutputTokens"),
        temperature=wire.number(settings.get("temperature"), f"{where}temperature"),
        top_p=wire.number(pick(settings, "topP"), f"{where}topP"),
        top_k=wire.whole(pick(settings, "topK"), f"{where}topK"),
        stop=tuple(wire.text(stop, f"{where}stopSequences") for stop in stops),
        seed=wire.whole(settings.get("seed"), f"{where}seed"),
        reasoning=_reasoning(settings),
        shape=_shape(settings),
        origin=Dialect.GEMINI,
        extras=_extras(body, settings),
    )


# -- the conversation -----------------------------------------------------------------------------
@dataclass(slots=True)
class _Conversation:
    """Reads contents in order and remembers which calls wait for their response."""

    waiting: list[ToolCall] = field(default_factory=list)
    calls: int = 0

    def read(self, contents: Parts) -> tuple[Message, ...]:
        """Give the messages; neighbours of the model are one, as a stream tells them apart."""
        messages: list[Message] = []
        for where, content in contents:
            role = content.get("role") or "user"
            if role not in ("user", "model", "function"):
                raise Malformed(f"{where}.role must be user or model, not {role!r}.")
            parts = listed(content.get("parts"), f"{where}.parts")
            if role == "model":
                self._add_model(messages, parts)
            elif blocks := tuple(self._asked(parts)):
                messages.append(Message(Role.USER, blocks))
        return tuple(messages)

    def _add_model(self, messages: list[Message], parts: Parts) -> None:
        blocks: list[Block] = []
        if messages and messages[-1].role is Role.ASSISTANT:
            blocks += messages.pop().blocks
        for where, part in parts:
            if pick(part, "functionCall") is not None:
                blocks.append(self._call(part, where))
                continue
            for block in said(part, None, where):
                add(blocks, block, thought=bool(part.get("thought")))
        if blocks:
            messages.append(Message(Role.ASSISTANT, tuple(blocks)))

    def _call(self, part: Mapping[str, Any], where: str) -> ToolCall:
        told = inner(part, "functionCall", f"{where}.")
        self.calls += 1
        signature, origin = signed(part, None, where)
        call = ToolCall(
            wire.text(told.get("id"), f"{where}.functionCall.id") or f"call_{self.calls}",
            wire.text(told.get("name"), f"{where}.functionCall.name"),
            wire.arguments_text(inner(told, "args", f"{where}.functionCall.")),
            signature,
            origin if signature else "",
        )
        self.waiting.append(call)
        return call

    def _asked(self, parts: Parts) -> Iterator[Block]:
        for where, part in parts:
            if pick(part, "functionResponse") is not None:
                told = inner(part, "functionResponse", f"{where}.")
                yield self._result(told, f"{where}.functionResponse")
            elif (medium := read_medium(part, where)) is not None:
                yield medium
            elif text := wire.text(part.get("text"), f"{where}.text") or code_text(part):
                yield Text(text)

    def _result(self, told: Mapping[str, Any], where: str) -> ToolResult:
        ident = wire.text(told.get("id"), f"{where}.id")
        name = wire.text(told.get("name"), f"{where}.name")
        call = self._answered(ident, name)
        if call is None and not ident:
            raise Malformed(f"{where} answers no functionCall that stands before it.")
        blocks, is_error = _response(inner(told, "response", f"{where}."))
        for place, part in listed(told.get("parts"), f"{where}.parts"):
            if (medium := read_medium(part, place)) is not None:
                blocks.append(medium)
        found = (call.id, name or call.name) if call else (ident, name)
        return ToolResult(found[0], tuple(blocks), is_error, name=found[1])

    def _answered(self, ident: str, name: str) -> ToolCall | None:
        """Take the call that a response belongs to out of those that wait."""
        fitting = [call for call in self.waiting if call.id == ident]
        if not ident:
            fitting = [call for call in self.waiting if call.name == name] or self.waiting
        if not fitting:
            return None
        call = fitting[0]
        self.waiting.remove(call)
        return call


def said(part: Mapping[str, Any], family: str | None, where: str) -> list[Block]:
    """Understand a part of the model's that is no call; `family` is None for a client's.

    Raises:
        Malformed: a field is of the wrong kind.
    """
    text = wire.text(part.get("text"), f"{where}.text")
    signature, origin = signed(part, family, where)
    if part.get("thought"):
        sealed = bool(signature) and part.get("text") is None
        return [Thinking(text, signature, origin, sealed)] if text or signature else []
    # A signature on a text becomes a thought of its own directly before it.
    thought: list[Block] = [Thinking("", signature, origin)] if signature else []
    if text := text or code_text(part):
        return [*thought, Text(text)]
    medium = read_medium(part, where)
    return [*thought, medium] if medium else thought


def _response(response: Mapping[str, Any]) -> tuple[list[Text | Image | Document], bool]:
    """Give what a function gave, and whether it failed."""
    for key, is_error in (("error", True), ("output", False)):
        if set(response) == {key}:
            told = response[key]
            text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
            return ([Text(text)] if text else []), is_error
    if not response:
        return [], False
    return [Text(json.dumps(response, ensure_ascii=False))], "error" in response


def _system(content: Any) -> tuple[Text, ...]:
    if isinstance(content, str):
        return (Text(content),)
    parts = inner({"systemInstruction": content}, "systemInstruction").get("parts")
    texts = (
        wire.text(part.get("text"), f"{where}.text")
        for where, part in listed(parts, "systemInstruction.parts")
    )
    return tuple(Text(text) for text in texts if text)


# -- tools ----------------------------------------------------------------------------------------
def _tools(tools: Parts) -> Iterator[Tool]:
    for where, tool in tools:
        for key, value in tool.items():
            if key in ("functionDeclarations", "function_declarations"):
                for place, declared in listed(value, f"{where}.functionDeclarations"):
                    yield _declared(declared, place)
            else:
                yield Tool(key, builtin={key: value}, origin=Dialect.GEMINI)


def _declared(declared: Mapping[str, Any], where: str) -> Tool:
    name = wire.text(declared.get("name"), f"{where}.name")
    if not name:
        raise Malformed(f"{where}: a function declaration needs a name.")
    schema = inner(declared, "parametersJsonSchema", f"{where}.")
    return Tool(
        name,
        wire.text(declared.get("description"), f"{where}.description"),
        schema or from_gemini(inner(declared, "parameters", f"{where}.")),
    )


def _tool_choice(config: Mapping[str, Any]) -> ToolChoice | None:
    calling = inner(config, "functionCallingConfig", "toolConfig.")
    mode = _MODES.get(str(calling.get("mode", "")).upper())
    if mode is None:
        return None
    names = _allowed(calling)
    return ToolChoice("tool", names[0]) if mode == "any" and len(names) == 1 else ToolChoice(mode)


def _allowed(calling: Mapping[str, Any]) -> list[str]:
    names = pick(calling, "allowedFunctionNames")
    where = "toolConfig.functionCallingConfig.allowedFunctionNames"
    return [wire.text(name, where) for name in wire.items(names, where)]


# -- settings -------------------------------------------------------------------------------------
def _reasoning(settings: Mapping[str, Any]) -> Reasoning | None:
    if pick(settings, "thinkingConfig") is None:
        return None
    told = inner(settings, "thinkingConfig", "generationConfig.")
    budget = wire.whole(pick(told, "thinkingBudget"), "generationConfig.thinkingConfig")
    level = str(pick(told, "thinkingLevel") or "").lower()
    return Reasoning(
        effort="" if level == "thinking_level_unspecified" else level,
        budget_tokens=None if budget is not None and budget < 0 else budget,
        adaptive=budget is not None and budget < 0,
        summary="auto" if pick(told, "includeThoughts") else "",
    )


def _shape(settings: Mapping[str, Any]) -> Shape | None:
    if pick(settings, "responseMimeType") != "application/json":
        return None
    if schema := inner(settings, "responseJsonSchema", "generationConfig."):
        return Shape(schema)
    subset = inner(settings, "responseSchema", "generationConfig.")
    return Shape(from_gemini(subset) if subset else None)


def _extras(body: Body, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what only Gemini understands: safety settings, caches, odd settings and choices."""
    kept = {
        name: value
        for key, value in body.items()
        if (name := _camel(key)) not in _UNDERSTOOD and name not in _IDENTITIES
    }
    rest = {key: value for key, value in settings.items() if _camel(key) not in _SETTINGS}
    media_type = pick(settings, "responseMimeType")
    if media_type not in (None, "application/json", "text/plain"):
        rest["responseMimeType"] = media_type
        rest |= {k: settings[k] for k in ("responseSchema", "responseJsonSchema") if k in settings}
    config = inner(body, "toolConfig")
    calling = inner(config, "functionCallingConfig", "toolConfig.")
    one_word = len(_allowed(calling)) < 2 and calling.get("mode") != "VALIDATED"
    if not one_word or pick(config, "retrievalConfig"):
        kept["toolConfig"] = dict(config)
    return kept | ({"generationConfig": rest} if rest else {})


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
