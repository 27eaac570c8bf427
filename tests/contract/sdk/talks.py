"""One conversation, whatever the dialect: what a test says to an official client and hears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

# A picture of one red dot.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4"
    "2mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call as the client understood it; arguments that are no JSON stay a text."""

    id: str
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gave."""

    call: Called
    text: str
    error: bool = False
    picture: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer as the client understood it. `input` counts cached tokens too."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Called, ...] = ()
    stop: str = ""
    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    served: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str
    schema: dict[str, Any] = field(
        default_factory=lambda: {
            "type": "object",
            "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
            "required": ["path"],
        }
    )
    description: str = "Writes a file."


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a conversation is opened with."""

    model: str
    stream: bool = False
    system: str = ""
    tools: tuple[Tool, ...] = ()
    think: bool = False
    max_tokens: int = 4096
    schema: dict[str, Any] | None = None


class Talk(Protocol):
    """One conversation through an official client."""

    async def say(self, text: str, *, pictures: int = 0) -> Heard:
        """Say something; hear the answer."""

    async def answer(self, *results: Result) -> Heard:
        """Give the results of all calls of the last answer; hear what follows."""

    async def close(self) -> None:
        """Let go of the connections."""
