"""The chat dialect as `routing.translate.dialect.DialectFace` wants it."""

from __future__ import annotations

from typing import Any

from routing.conversation import Answer, Ask
from routing.translate.chat.answers import read_answer, write_answer
from routing.translate.chat.errors import read_error, write_error
from routing.translate.chat.request_in import read_request
from routing.translate.chat.request_out import write_request
from routing.translate.chat.stream_in import Reader
from routing.translate.chat.stream_out import Writer
from routing.translate.dialect import Body, StreamReader, StreamWriter


class ChatDialect:
    """POST /v1/chat/completions, in both directions."""

    def read_request(self, body: Body) -> Ask:
        """Understand a client's request.

        Raises:
            Malformed: it is not what the dialect promises.
        """
        return read_request(body)

    def write_request(self, ask: Ask, family: str) -> dict[str, Any]:
        """Word a request for a provider of this dialect."""
        return write_request(ask, family)

    def read_answer(self, body: Body, family: str) -> Answer:
        """Understand a provider's whole answer.

        Raises:
            Malformed: it is not what the dialect promises.
        """
        return read_answer(body, family)

    def write_answer(self, answer: Answer, ask: Ask) -> dict[str, Any]:
        """Word a whole answer for a client."""
        return write_answer(answer, ask)

    def reader(self, family: str) -> StreamReader:
        """Begin to understand a provider's stream."""
        return Reader(family)

    def writer(self, ask: Ask) -> StreamWriter:
        """Begin to tell a client a stream."""
        return Writer(ask)

    def read_error(self, status: int, body: Body) -> tuple[str, str]:  # noqa: ARG002 - the face's
        """Give (code, message) of a provider's error body, as far as it has them."""
        return read_error(body)

    def write_error(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Word an error for a client."""
        return write_error(status, code, message)
