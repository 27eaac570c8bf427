"""The items of a Responses request, understood as messages.

What one speaker says in a row is one message of the assistant, and results of tools that stand
together are one message of the user. Items that only the provider's own servers understand (a
web search of theirs, a compaction) are kept beside the messages with their place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.conversation import (
    Block,
    Dialect,
    Document,
    Image,
    Message,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from routing.translate import freeform, outcomes, signatures, wire
from routing.translate.dialect import Malformed
from routing.translate.responses.toolbox import full_name

Raw = Mapping[str, Any]

_ROLES = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
}
_NO_STATE = (
    "Heliograph keeps no answers: send the whole conversation in `input` "
    "(with `store: false` and `include: ['reasoning.encrypted_content']`)."
)


@dataclass(slots=True)
class Conversation:
    """What the items of a request say.

    `system` is what the instructions before the first turn are, `natives` the items nobody else
    understands with the number of messages before each, `loaded` the tools that a search of the
    client found.
    """

    system: list[Text] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    natives: list[tuple[int, Raw]] = field(default_factory=list)
    loaded: list[Raw] = field(default_factory=list)
    _blocks: list[Block] = field(default_factory=list)  # of the message that is being gathered
    _role: Role = Role.USER
    _signed: tuple[str, str] | None = None  # the signature of the call that comes next

    def read(self, items: Iterator[tuple[str, Raw]]) -> None:
        """Take the items of a request.

        Raises:
            Malformed: one is not what the dialect promises, or speaks of what is stored elsewhere.
        """
        for where, item in items:
            self._item(item, where)
        self._close()

    def _item(self, item: Raw, where: str) -> None:
        kind = item.get("type") or ("message" if "role" in item else "item_reference")
        match kind:
            case "message":
                self._message(item, where)
            case "reasoning":
                self._reasoning(item, where)
            case "function_call" | "custom_tool_call" | "tool_search_call":
                self._call(read_call(item, where))
            case "function_call_output" | "custom_tool_call_output":
                self._say(Role.USER, [_result(item, where)])
            case "tool_search_output" if item.get("execution") == "client":
                self._say(Role.USER, [self._found(item, where)])
            case "item_reference":
                raise Malformed(f"{where} refers to an item that is stored. {_NO_STATE}")
            case _:
                self._close()
                self.natives.append((len(self.messages), item))

    # -- gathering --------------------------------------------------------------------------------
    def _say(self, role: Role, blocks: list[Block]) -> None:
        if role is not self._role:
            self._close()
        self._role = role
        self._blocks += blocks

    def _close(self) -> None:
        if self._blocks:
            self.messages.append(Message(self._role, tuple(self._blocks)))
        self._blocks = []

    def _message(self, item: Raw, where: str) -> None:
        role = _ROLES.get(str(item.get("role")))
        if role is None:
            raise Malformed(f"{where}.role must be user, assistant, system or developer.")
        blocks = content(item.get("content"), f"{where}.content")
        if role is Role.ASSISTANT:
            self._say(role, blocks)
            return
        self._close()  # each message of the user is one of its own
        if role is Role.SYSTEM and not self.messages:
            self.system += [block for block in blocks if isinstance(block, Text)]
        elif blocks:
            self.messages.append(Message(role, tuple(blocks)))

    def _reasoning(self, item: Raw, where: str) -> None:
        sealed = wire.text(item.get("encrypted_content"), f"{where}.encrypted_content")
        if signed := signatures.unwrap_call(sealed):
            self._signed = signed
            return
        self._say(Role.ASSISTANT, [read_reasoning(item, where)])

    def _call(self, call: ToolCall) -> None:
        if self._signed:
            call = ToolCall(call.id, call.name, call.arguments, *self._signed)
            self._signed = None
        self._say(Role.ASSISTANT, [call])

    def _found(self, item: Raw, where: str) -> ToolResult:
        tools = [tool for _, tool in wire.objects(item.get("tools"), f"{where}.tools")]
        self.loaded += tools
        told = json.dumps(tools, ensure_ascii=False)
        return ToolResult(wire.text(item.get("call_id"), f"{where}.call_id"), (Text(told),))


# -- one item -------------------------------------------------------------------------------------
def content(value: Any, where: str) -> list[Block]:
    """Understand the content of a message or of a tool's output: a text or a list of parts.

    Raises:
        Malformed: it is neither.
    """
    if isinstance(value, str):
        return [Text(value)] if value else []
    return [_part(part, place) for place, part in wire.objects(value, where)]


def _part(part: Raw, where: str) -> Block:
    match part.get("type"):
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            return Text(wire.text(part.get("text"), f"{where}.text"))
        case "refusal":
            return Text(wire.text(part.get("refusal"), f"{where}.refusal"))
        case "input_image" | "computer_screenshot":
            return _image(part, where)
        case "input_file":
            return _file(part, where)
        case "input_audio":
            sound = wire.mapping(part.get("input_audio"), f"{where}.input_audio")
            kind = wire.text(sound.get("format"), f"{where}.input_audio.format")
            return Document(f"audio/{kind or 'wav'}", wire.text(sound.get("data"), where))
        case _:
            raise Malformed(f"{where}.type {part.get('type')!r} is not known.")


def _image(part: Raw, where: str) -> Block:
    url = part.get("image_url")
    if isinstance(url, Mapping):  # as the Chat dialect has it; some clients mix them up
        url = url.get("url")
    if not url:
        return _elsewhere("image", part)
    url = wire.text(url, f"{where}.image_url")
    detail = wire.text(part.get("detail"), f"{where}.detail")
    if inline := wire.of_data_url(url):
        return Image(*inline, detail=detail)
    return Image(url=url, detail=detail)


def _file(part: Raw, where: str) -> Block:
    name = wire.text(part.get("filename"), f"{where}.filename")
    if url := wire.text(part.get("file_url"), f"{where}.file_url"):
        return Document("application/pdf" if _is_pdf(url) else "", url=url, name=name)
    data = wire.text(part.get("file_data"), f"{where}.file_data")
    if not data:
        return _elsewhere("file", part)
    if inline := wire.of_data_url(data):
        return Document(*inline, name=name)
    return Document("application/pdf" if _is_pdf(name) else "text/plain", data, name=name)


def _is_pdf(name: str) -> bool:
    return name.partition("?")[0].lower().endswith(".pdf")


def _elsewhere(kind: str, part: Raw) -> Text:
    return Text(f"[The {kind} {part.get('file_id', '')} lies with another provider.]")


def read_reasoning(item: Raw, where: str, family: str | None = None) -> Thinking:
    """Understand a reasoning item: a provider's of this family, or a client's (None).

    Raises:
        Malformed: it is not what the dialect promises.
    """
    told = [
        wire.text(part.get("text"), f"{place}.text")
        for name in ("summary", "content")
        for place, part in wire.objects(item.get(name), f"{where}.{name}")
        if name == "summary" or not item.get("summary")
    ]
    sealed = wire.text(item.get("encrypted_content"), f"{where}.encrypted_content")
    origin = signatures.origin_of(Dialect.RESPONSES, family or "")
    if family is None:
        sealed, origin = signatures.unwrap(sealed, Dialect.RESPONSES)
    return Thinking(
        "\n\n".join(told),
        sealed,
        origin,
        # A client is told of thinking without words by an empty part, of sealed one by none.
        sealed=not told,
        id=wire.text(item.get("id"), f"{where}.id"),
    )


def read_call(item: Raw, where: str) -> ToolCall:
    """Understand a call of a function, of a tool that takes text, or of the client's tool search.

    Raises:
        Malformed: it is not what the dialect promises.
    """
    ident = wire.text(item.get("call_id"), f"{where}.call_id")
    name = wire.text(item.get("name"), f"{where}.name")
    match item.get("type"):
        case "custom_tool_call":
            arguments = freeform.pack(wire.text(item.get("input"), f"{where}.input"))
        case "tool_search_call":
            name, arguments = "tool_search", wire.arguments_text(item.get("arguments"))
        case _:
            arguments = _as_the_model_wrote(wire.text(item.get("arguments"), where))
    space = wire.text(item.get("namespace"), f"{where}.namespace")
    return ToolCall(
        ident or wire.text(item.get("id"), f"{where}.id"), full_name(space, name), arguments
    )


def _as_the_model_wrote(arguments: str) -> str:
    """Take out of its wrapping what `items_out` wrapped because it was no JSON."""
    if wire.MALFORMED_KEY not in arguments:
        return arguments
    told = wire.arguments_object(arguments)
    return wire.arguments_text(told) if list(told) == [wire.MALFORMED_KEY] else arguments


def _result(item: Raw, where: str) -> ToolResult:
    output = item.get("output")
    if not isinstance(output, str | list):
        output = "" if output is None else json.dumps(output, ensure_ascii=False)
    blocks = [
        block
        for block in content(output, f"{where}.output")
        if isinstance(block, Text | Image | Document)
    ]
    is_error = False
    if blocks and isinstance(blocks[0], Text):
        text, is_error = outcomes.understand(blocks[0].text)
        blocks[:1] = [Text(text)] if text else []
    return ToolResult(wire.text(item.get("call_id"), f"{where}.call_id"), tuple(blocks), is_error)
