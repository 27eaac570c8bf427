"""Server-sent events, both ways. The parser takes bytes cut anywhere; it knows no dialect."""

from __future__ import annotations

from collections.abc import Iterator

from routing.translate.dialect import Frame


class FrameParser:
    """Gathers bytes into frames; comments and unknown fields are passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._event = ""

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Take more bytes and give the frames that are whole now."""
        self._rest += chunk
        *lines, self._rest = self._split(self._rest)
        for line in lines:
            yield from self._line(line)

    def finish(self) -> Iterator[Frame]:
        """Give what stands before the end of the connection, though no empty line follows it."""
        if self._rest:
            yield from self._line(self._rest)
            self._rest = b""
        yield from self._line(b"")

    @staticmethod
    def _split(text: bytes) -> list[bytes]:
        r"""Cut at \n, \r\n and \r; a \r at the very end may be half of a pair, so it waits."""
        held = b""
        if text.endswith(b"\r"):
            text, held = text[:-1], b"\r"
        parts = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        parts[-1] += held
        return parts

    def _line(self, line: bytes) -> Iterator[Frame]:
        if not line:
            if self._data:
                yield Frame("\n".join(self._data), self._event)
            self._data, self._event = [], ""
            return
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode(errors="replace")
        if name == b"data":
            self._data.append(text)
        elif name == b"event":
            self._event = text


def encode(frame: Frame) -> bytes:
    """Give the bytes of a frame; its data has no line break, as JSON has none."""
    head = f"event: {frame.event}\n" if frame.event else ""
    return f"{head}data: {frame.data}\n\n".encode()
