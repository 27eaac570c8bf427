"""What every dialect offers: the same six functions and two stream machines.

`routing.translate.dialects` maps each `Dialect` to its implementation of this protocol. Bodies
are JSON objects. All of it is pure: no clock, no socket, no random; ids that a dialect demands
and the other side did not give are derived from what is there (an answer's id, a block's place).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from routing.conversation import Answer, Ask, Event
from routing.faults import Fault

Body = Mapping[str, Any]


class Malformed(ValueError):
    """A body is not what its dialect promises; the text says where."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event: its name (often empty) and its data as text."""

    data: str
    event: str = ""


class StreamReader(Protocol):
    """Understands a provider's stream, event by event."""

    def read(self, frame: Frame) -> list[Event]:
        """Give what the frame means; unknown frames mean nothing.

        Raises:
            Malformed: it is not what the dialect promises.
            Fault: the stream itself tells of a failure (an in-stream error event).
        """

    def finish(self) -> list[Event]:
        """The connection ended: give what was held back.

        Raises:
            Fault: of kind CUT, if the answer was not whole.
        """


class StreamWriter(Protocol):
    """Tells a client a stream in its dialect; gives ready frames."""

    def write(self, event: Event) -> list[Frame]:
        """Give the frames that tell this event."""

    def fail(self, fault: Fault) -> list[Frame]:
        """Give the frames that end the stream with an error; the answer stays incomplete."""


class DialectFace(Protocol):
    """One wire format, in both directions."""

    def read_request(self, body: Body) -> Ask:
        """Understand a client's request (`model` and `stream` of Gemini come by its URL).

        Raises:
            Malformed: it is not what the dialect promises.
        """

    def write_request(self, ask: Ask, family: str) -> dict[str, Any]:
        """Word a request for a provider of this dialect.

        `ask.model` is the provider's id already. `family` is the model's: thinking of another
        origin than ``dialect:family`` is left out.
        """

    def read_answer(self, body: Body, family: str) -> Answer:
        """Understand a provider's whole answer; thinking gets the origin ``dialect:family``.

        Raises:
            Malformed: it is not what the dialect promises.
        """

    def write_answer(self, answer: Answer, ask: Ask) -> dict[str, Any]:
        """Word a whole answer for a client. `ask` is what it had asked."""

    def reader(self, family: str) -> StreamReader:
        """Begin to understand a provider's stream; thinking gets the origin ``dialect:family``."""

    def writer(self, ask: Ask) -> StreamWriter:
        """Begin to tell a client a stream."""

    def read_error(self, status: int, body: Body) -> tuple[str, str]:
        """Give (code, message) of a provider's error body, as far as it has them."""

    def write_error(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Word an error for a client, in the shape that its official SDK understands."""
