"""The one form in which a model call lives inside the house, whatever dialect it came in.

A request is an `Ask`, a whole answer an `Answer`, a streamed answer a sequence of `Event`s, and
`fold` turns the last into the one before. Each dialect has a decoder and an encoder to and from
these (`routing.translate`), so that four dialects need four pairs and not sixteen. What one
dialect can say and another cannot is kept where it can be and dropped where the encoder says so.

It knows no wire format, no provider and no price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Dialect(StrEnum):
    """The wire formats that are spoken, to clients and to providers alike."""

    ANTHROPIC = "anthropic"  # POST /v1/messages
    CHAT = "chat"  # POST /v1/chat/completions
    RESPONSES = "responses"  # POST /v1/responses
    GEMINI = "gemini"  # POST /v1beta/models/M:generateContent


class Role(StrEnum):
    """Who speaks. A tool's result is said by the user, as Anthropic has it."""

    SYSTEM = "system"  # only for instructions in mid-conversation; others stand in `Ask.system`
    USER = "user"
    ASSISTANT = "assistant"


class Stop(StrEnum):
    """Why the model stopped."""

    END = "end"
    MAX_TOKENS = "max_tokens"
    SEQUENCE = "stop_sequence"
    TOOL_USE = "tool_use"
    REFUSAL = "refusal"
    PAUSE = "pause"


# -- blocks ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Text:
    """Words. `cache` is Anthropic's cache_control object, kept for those who understand it."""

    text: str
    cache: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: base64 `data` with its media type, or a `url`."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""  # low, high or auto, where the client said so
    cache: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A file (PDF, text, sound): base64 `data` with its media type, or a `url`."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    name: str = ""
    cache: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning that the model showed or sealed.

    `signature` is what the producer wants back unchanged: Anthropic's signature, the encrypted
    content of a Responses reasoning item, a Gemini thought signature. `origin` names who can
    read it, ``dialect:family``; empty means that nobody knows. `sealed`: there is no text
    (Anthropic's redacted_thinking: then `signature` holds its data). `id` is a Responses item id.
    """

    text: str = ""
    signature: str = ""
    origin: str = ""
    sealed: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool. `arguments` is the JSON text exactly as the model wrote it.

    `signature` is Gemini's thought signature of a function call, with its `origin`.
    """

    id: str
    name: str
    arguments: str = ""
    signature: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave. `name` is filled in from the call where the dialect does not carry it."""

    call_id: str
    blocks: tuple[Text | Image | Document, ...] = ()
    is_error: bool = False
    name: str = ""
    cache: Mapping[str, Any] | None = None


Block = Text | Image | Document | Thinking | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation."""

    role: Role
    blocks: tuple[Block, ...]


# -- the request ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call.

    `builtin` is a provider's own tool (web search, bash of a date) as it came; it can only be
    passed on within its dialect, named by `origin`, and an encoder of another dialect drops it.

    `native` is how the dialect `origin` words a tool that others can have as a function with
    this name and schema: a `custom` tool that takes plain text, one inside a namespace. Its
    encoder words the tool and its calls by it; all others look at name and schema.
    """

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    strict: bool | None = None
    cache: Mapping[str, Any] | None = None
    builtin: Mapping[str, Any] | None = None
    origin: str = ""
    native: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """mode: auto, none, any (some tool must be called), or tool (the one named)."""

    mode: str = "auto"
    name: str = ""
    parallel: bool | None = None  # None: the provider's default


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much the model shall think: an effort by name, or a budget in tokens; 0 switches it off.

    effort: minimal, low, medium, high, xhigh, max or empty. `adaptive` is Anthropic's own mode.
    """

    effort: str = ""
    budget_tokens: int | None = None
    adaptive: bool = False
    summary: str = ""  # auto, concise or detailed: what a Responses client wants to see of it


@dataclass(frozen=True, slots=True)
class Shape:
    """The answer must be JSON; with a schema, of that shape."""

    schema: Mapping[str, Any] | None = None
    name: str = ""
    strict: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to a model.

    `extras` holds fields that only the dialect `origin` understands; an encoder of that dialect
    sends them, all others drop them. Client identities (`metadata.user_id`, `user`) are never
    kept: they would tell a third party who asks.
    """

    model: str
    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    reasoning: Reasoning | None = None
    shape: Shape | None = None
    stream: bool = False
    origin: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)


# -- the answer -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. `input` counts all of the prompt, cached parts included; `output` all that was made.

    `cache_read` and `cache_write` are parts of `input`, `reasoning` is a part of `output`.
    Encoders of dialects that count otherwise (Anthropic leaves cached parts out) convert.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One whole answer."""

    id: str = ""
    model: str = ""
    blocks: tuple[Block, ...] = ()
    stop: Stop = Stop.END
    stop_sequence: str = ""
    usage: Usage | None = None  # None: the provider did not say


# -- the answer as a stream -----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Begun:
    """The answer begins. Usage may be known in part already."""

    id: str = ""
    model: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A block begins at a place of its own; what is known of it stands in it already.

    Several may be open at once: parallel tool calls can arrive interleaved.
    """

    index: int
    block: Text | Thinking | ToolCall


@dataclass(frozen=True, slots=True)
class Grew:
    """More of an open block: text, thinking, or the arguments of a call."""

    index: int
    text: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """The block is whole."""

    index: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer is whole. An answer without this event was cut."""

    stop: Stop = Stop.END
    stop_sequence: str = ""
    usage: Usage | None = None


Event = Begun | Opened | Grew | Closed | Ended


class Fold:
    """Gathers events into an `Answer`; what it has so far can be read at any time."""

    def __init__(self) -> None:
        self._begun = Begun()
        self._blocks: dict[int, Text | Thinking | ToolCall] = {}
        self._parts: dict[int, list[str]] = {}
        self.ended: Ended | None = None

    def add(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case Begun():
                self._begun = event
            case Opened(index, block):
                self._blocks[index] = block
                self._parts[index] = [_text_of(block)]
            case Grew(index, text, signature):
                self._parts[index].append(text)
                if signature:
                    self._blocks[index] = _signed(self._blocks[index], signature)
            case Ended():
                self.ended = event
            case Closed():
                pass

    def answer(self) -> Answer:
        """Give the answer as far as it came."""
        ended = self.ended or Ended()
        whole = (
            _with_text(self._blocks[at], "".join(self._parts[at])) for at in sorted(self._blocks)
        )
        return Answer(
            id=self._begun.id,
            model=self._begun.model,
            blocks=tuple(whole),
            stop=ended.stop,
            stop_sequence=ended.stop_sequence,
            usage=ended.usage or self._begun.usage,
        )


def fold(events: Iterable[Event]) -> Answer:
    """Give the answer that a whole stream told."""
    folded = Fold()
    for event in events:
        folded.add(event)
    return folded.answer()


def events_of(answer: Answer) -> Sequence[Event]:
    """Tell a whole answer as a stream, one piece a block; `fold` is the inverse."""
    told: list[Event] = [Begun(answer.id, answer.model, answer.usage)]
    for index, block in enumerate(answer.blocks):
        if isinstance(block, Text | Thinking | ToolCall):
            told += [Opened(index, block), Closed(index)]
    told.append(Ended(answer.stop, answer.stop_sequence, answer.usage))
    return told


def _text_of(block: Text | Thinking | ToolCall) -> str:
    return block.arguments if isinstance(block, ToolCall) else block.text


def _with_text(block: Text | Thinking | ToolCall, text: str) -> Text | Thinking | ToolCall:
    match block:
        case ToolCall():
            return ToolCall(block.id, block.name, text, block.signature, block.origin)
        case Thinking():
            return Thinking(text, block.signature, block.origin, block.sealed, block.id)
        case Text():
            return Text(text, block.cache)


def _signed(block: Text | Thinking | ToolCall, more: str) -> Text | Thinking | ToolCall:
    match block:
        case ToolCall():
            said = block.signature + more
            return ToolCall(block.id, block.name, block.arguments, said, block.origin)
        case Thinking():
            said = block.signature + more
            return Thinking(block.text, said, block.origin, block.sealed, block.id)
        case Text():
            return block
