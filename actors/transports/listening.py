"""Understanding what a provider sent: a whole body, or the frames of a stream.

A decoder may meet anything here. Whatever it cannot read becomes a `Fault` of kind MALFORMED,
and a fault that the stream itself tells gets the headers that came with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from actors.transports.classify import classify, inner_status, without_secret
from routing.conversation import Answer, Ended, Event
from routing.faults import Fault, FaultKind
from routing.ports import Call
from routing.translate.dialect import Frame, Malformed
from routing.translate.dialects import DIALECTS
from routing.translate.sse import FrameParser

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_FRAME_BYTES = 32 * 2**20  # largest single event; a stream without empty lines is no stream


class Listener:
    """Hears one stream. A failure stands in `fault`, so that what came before it is not lost."""

    def __init__(self, call: Call, headers: Mapping[str, str]) -> None:
        deployment = call.candidate.deployment
        self._reader = DIALECTS[call.provider.dialect].reader(deployment.family)
        self._headers = headers
        self._secret = call.secret
        self._parser = FrameParser()
        self._unread = 0
        self.ended = False
        self.fault: Fault | None = None

    def hear(self, chunk: bytes) -> list[Event]:
        """Give what the next bytes mean, up to what cannot be understood or tells of a failure."""
        self._unread += len(chunk)
        heard = self._understand(self._parser.feed(chunk))
        self.bear(self._unread)
        return heard

    def bear(self, unread: int) -> None:
        """Put up with so many bytes of an event that has not ended yet, within reason."""
        if unread > _FRAME_BYTES:
            self.fault = Fault(FaultKind.MALFORMED, "an event of the stream does not end")

    def finish(self) -> list[Event]:
        """Give what was held back; the connection has ended."""
        heard = self._understand(self._parser.finish())
        if self.ended or self.fault:
            return heard
        try:
            with unreadable(self._headers):
                heard += self._reader.finish()
        except Fault as fault:
            self.fault = without_secret(fault, self._secret)
        return heard

    def _understand(self, frames: Iterable[Frame]) -> list[Event]:
        heard: list[Event] = []
        try:
            for frame in frames:
                self._unread = 0
                heard += self._reader.read(frame)
        except Fault as fault:
            fault.headers = fault.headers or self._headers
            self.fault = without_secret(fault, self._secret)
        except UNREADABLE as error:
            self.fault = malformed(error, self._headers)
        if heard and isinstance(heard[-1], Ended):
            self.ended = True
        return heard


def answer_of(call: Call, headers: Mapping[str, str], raw: bytes) -> Answer:
    """Understand a whole answer.

    Raises:
        Fault: it is not what the dialect promises, or an error that came with a good status.
    """
    provider = call.provider
    try:
        with unreadable(headers):
            body = json.loads(raw)
            if not isinstance(body, dict):
                raise Malformed("the answer is no JSON object")
            if "error" in body and (status := inner_status(raw)):
                raise classify(provider.dialect, status, headers, raw)
            return DIALECTS[provider.dialect].read_answer(body, call.candidate.deployment.family)
    except Fault as fault:
        raise without_secret(fault, call.secret) from None


@contextmanager
def unreadable(headers: Mapping[str, str]) -> Iterator[None]:
    """Turn whatever a decoder stumbles over into a fault of the provider.

    Raises:
        Fault: MALFORMED, or what the stream told by itself.
    """
    try:
        yield
    except Fault as fault:
        fault.headers = fault.headers or headers
        raise
    except UNREADABLE as error:
        raise malformed(error, headers) from error


def malformed(error: Exception, headers: Mapping[str, str]) -> Fault:
    """Give the fault of an answer that a decoder cannot read."""
    said = str(error) if isinstance(error, Malformed) else type(error).__name__
    return Fault(FaultKind.MALFORMED, f"the answer cannot be read: {said[:200]}", headers=headers)
