"""The one door to the Responses dialect: each function stands in the module of its concern."""

from __future__ import annotations

from typing import Any

from routing.conversation import Answer, Ask
from routing.translate.dialect import Body, StreamReader, StreamWriter
from routing.translate.responses import answers, errors, request_in, request_out
from routing.translate.responses.stream_in import ResponsesReader
from routing.translate.responses.stream_out import ResponsesWriter


class ResponsesDialect:
    """`routing.translate.dialect.DialectFace` for POST /v1/responses."""

    def read_request(self, body: Body) -> Ask:
        """Understand a client's request."""
        return request_in.read_request(body)

    def write_request(self, ask: Ask, family: str) -> dict[str, Any]:
        """Word a request for a provider."""
        return request_out.write_request(ask, family)

    def read_answer(self, body: Body, family: str) -> Answer:
        """Understand a provider's whole answer."""
        return answers.read_answer(body, family)

    def write_answer(self, answer: Answer, ask: Ask) -> dict[str, Any]:
        """Word a whole answer for a client."""
        return answers.write_answer(answer, ask)

    def reader(self, family: str) -> StreamReader:
        """Begin to understand a provider's stream."""
        return ResponsesReader(family)

    def writer(self, ask: Ask) -> StreamWriter:
        """Begin to tell a client a stream."""
        return ResponsesWriter(ask)

    def read_error(self, status: int, body: Body) -> tuple[str, str]:  # noqa: ARG002
        """Give (code, message) of a provider's error body."""
        return errors.read_error(body)

    def write_error(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Word an error as OpenAI's clients understand it."""
        return errors.error_body(status, code, message)
