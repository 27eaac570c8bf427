"""Server-sent events, both ways. The parser takes bytes cut anywhere; it knows no dialect."""

from __future__ import annotations

from routing.translate.dialect import Frame


class FrameParser:
    r"""Gathers bytes into frames; comments and unknown fields are passed over.

    Lines end with \n, \r\n or \r. A \r at the very end of the bytes so far may be half of a
    pair, so it waits; so do the pieces of a long line, which are joined once.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._data: list[bytes] = []
        self._event = ""

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take more bytes and give the frames that are whole now."""
        has_return = b"\r" in chunk or (bool(self._rest) and self._rest[-1].endswith(b"\r"))
        if not has_return and b"\n" not in chunk:
            self._rest.append(chunk)
            return []
        text = b"".join((*self._rest, chunk)) if self._rest else chunk
        held = b""
        if has_return:
            if text.endswith(b"\r"):
                text, held = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = text.split(b"\n")
        rest = lines.pop() + held
        self._rest = [rest] if rest else []
        return self._frames(lines)

    def finish(self) -> list[Frame]:
        """Give what stands before the end of the connection, though no empty line follows it."""
        rest, self._rest = b"".join(self._rest), []
        return self._frames([rest.removesuffix(b"\r"), b""])

    def _frames(self, lines: list[bytes]) -> list[Frame]:
        frames: list[Frame] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if self._data:
                    data = b"\n".join(self._data).decode(errors="replace")
                    frames.append(Frame(data, self._event))
                    self._data = []
                self._event = ""
            elif line.startswith(b"event:"):
                self._event = line[6:].removeprefix(b" ").decode(errors="replace")
            elif line == b"data":
                self._data.append(b"")
        return frames


def encode(frame: Frame) -> bytes:
    """Give the bytes of a frame; its data has no line break, as JSON has none."""
    if frame.event:
        return f"event: {frame.event}\ndata: {frame.data}\n\n".encode()
    return f"data: {frame.data}\n\n".encode()
