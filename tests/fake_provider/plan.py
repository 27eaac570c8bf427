"""What will be answered, before it is worded: parts, usage and pace, by script or by request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MARK = "fake:{"  # in a prompt: an answer's script follows as JSON


@dataclass(frozen=True, slots=True)
class Think:
    """Reasoning that is shown; `sealed` reasoning has no text for the reader."""

    text: str
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `arguments` is its JSON text, which a script may break."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; `input` counts the cached ones too, `output` the reasoning ones."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that passed the checks, as far as an answer depends on it."""

    dialect: str
    model: str
    body: Mapping[str, Any]
    stream: bool = False
    text: str = ""  # of the last message, if the user spoke in it
    results: tuple[str, ...] = ()  # of the last message, if tools answered in it
    images: int = 0  # of the last message
    tools: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None  # the answer must have this shape
    json: bool = False
    thinks: bool = False
    framing: str = "events"  # of a stream; Gemini has an "array" too, Ollama has "lines"
    number: int = 0  # of the request in the log; ids are made of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One answer."""

    parts: tuple[Think | Say | Call, ...]
    usage: Usage
    stop: str = ""  # end, tool_use, max_tokens, stop_sequence, refusal; empty: as the parts say
    sequence: str = ""  # which stop sequence it was
    served: str = ""  # the model's name in the answer; empty: as asked
    chunks: int = 3  # pieces of each text
    fragment: int = 12  # characters of arguments at a time
    interleave: bool = False  # arguments of parallel calls come in turns
    delay_s: float = 0.0  # before every event
    comments: bool = False  # comments and pings between the events
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> list[Call]:
        """The tool calls."""
        return [part for part in self.parts if isinstance(part, Call)]

    @property
    def why(self) -> str:
        """Why it stops."""
        return self.stop or ("tool_use" if self.calls else "end")

    def pieces(self, text: str) -> list[str]:
        """Cut a text as the script says; an empty text is no piece."""
        size = max(1, -(-len(text) // self.chunks))
        return [text[at : at + size] for at in range(0, len(text), size)]

    def fragments(self, call: Call) -> list[str]:
        """Cut a call's arguments as the script says."""
        cut = self.fragment
        return [call.arguments[at : at + cut] for at in range(0, len(call.arguments), cut)]


def plan(seen: Seen, script: Mapping[str, Any] | None) -> Plan:
    """Give the answer to a request: by script, by its own text, or an echo."""
    wanted = dict(script) if script is not None else _directive(seen)
    parts = tuple(_numbered(_parts(wanted, seen), seen.number))
    told = {"input": _size(seen.body), "output": max(1, sum(map(_length, parts)) // 4)}
    names = ("chunks", "fragment", "interleave", "delay_s", "comments", "stop", "sequence")
    pace = {name: wanted[name] for name in (*names, "served", "headers") if name in wanted}
    return Plan(parts=parts, usage=Usage(**(told | wanted.get("usage", {}))), **pace)


def _directive(seen: Seen) -> dict[str, Any]:
    at = seen.text.rfind(MARK)
    if at < 0:
        return {}
    try:
        found, _ = json.JSONDecoder().raw_decode(seen.text, at + len(MARK) - 1)
    except ValueError:
        return {}
    return dict(found)


def _parts(wanted: Mapping[str, Any], seen: Seen) -> Iterator[Think | Say | Call]:
    if "parts" in wanted:
        yield from map(_part, wanted["parts"])
        return
    if "thinking" in wanted or seen.thinks:
        yield Think(wanted.get("thinking") or "I was asked something, so I think about it.")
    if "text" in wanted or "calls" not in wanted:
        text = wanted.get("text")
        yield Say(_echo(seen) if text is None else text)
    for call in wanted.get("calls", ()):
        yield _part(call)


def _part(spec: Mapping[str, Any]) -> Think | Say | Call:
    match spec:
        case {"think": str(text)}:
            return Think(text, bool(spec.get("sealed", False)))
        case {"say": str(text)}:
            return Say(text)
        case {"call": str(name)}:
            given = spec.get("arguments", {})
            return Call(name, given if isinstance(given, str) else json.dumps(given))
        case _:
            raise ValueError(f"A part is think, say or call, not {sorted(spec)}.")


def _numbered(parts: Iterator[Think | Say | Call], number: int) -> Iterator[Think | Say | Call]:
    for place, part in enumerate(parts):
        if isinstance(part, Call):
            yield Call(part.name, part.arguments, f"{number:06d}{place:02d}")
        else:
            yield part


def _echo(seen: Seen) -> str:
    if seen.schema is not None:
        return json.dumps(example(seen.schema))
    if seen.json:
        return json.dumps({"echo": seen.text})
    if seen.results:
        return "results: " + "; ".join(seen.results)
    pictures = f" (images: {seen.images})" if seen.images else ""
    return f"echo: {seen.text}{pictures}"


def example(schema: Mapping[str, Any]) -> Any:
    """Give the smallest value of a JSON schema's shape that the fake can think of."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][0])
    kind = schema.get("type", "object")
    match kind[0] if isinstance(kind, list) else str(kind).lower():
        case "object":
            return {name: example(of) for name, of in schema.get("properties", {}).items()}
        case "array":
            return [example(schema.get("items", {"type": "string"}))]
        case simple:
            least = max(1, schema.get("minimum", 1))
            plain = {"string": "text", "integer": int(least), "number": float(least)}
            return {**plain, "boolean": True}.get(simple)


def _size(body: Mapping[str, Any]) -> int:
    return max(1, len(json.dumps(body)) // 4)


def _length(part: Think | Say | Call) -> int:
    return len(part.arguments) if isinstance(part, Call) else len(part.text)
