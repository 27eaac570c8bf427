"""An attempt's output: raw bytes in; a capped log, a tail for the result and live events out.

Bytes are decoded and redacted before anything else sees them.

Offsets are bytes of the log file, which is UTF-8 however the process writes. A reader that missed
an event reads the file from the offset it has; so events may be dropped, and nothing is lost.
"""

from __future__ import annotations

import codecs
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from actors.processes import Stream

_PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700


class Redactor(Protocol):
    """Hides secrets in a text that arrives in pieces."""

    def feed(self, text: str) -> str:
        """Take a piece and give what can be released; a possible beginning is held back."""

    def flush(self) -> str:
        """Give the rest."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Text that joined the log at this offset."""

    offset: int
    text: str


class LogFile:
    """The file of an attempt: it takes text up to a cap, says so, and then counts."""

    def __init__(self, path: Path, cap_bytes: int) -> None:
        path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._fd = os.open(path, flags, _PRIVATE)
        self._cap = cap_bytes
        self._size = 0
        self._closed = False
        self.dropped_bytes = 0

    def append(self, text: str) -> Chunk | None:
        """Add text; gives what the file took, None when it takes no more.

        A full disk ends the log and not the job: its result is still reported.
        """
        data = text.encode(errors="replace")
        if self._closed:
            self.dropped_bytes += len(data)
            return None
        room = self._cap - self._size
        if len(data) > room:
            self.dropped_bytes += len(data) - room
            kept = data[:room].decode(errors="ignore")
            data = f"{kept}\n[the log ends here: its limit is {self._cap} bytes]\n".encode()
        offset = self._size
        try:
            self._write(data)
        except OSError:
            self.dropped_bytes += len(data)
            self.close()
            return None
        if len(data) > room:
            self.close()
        return Chunk(offset, data.decode())

    def close(self) -> None:
        """Close the file, once."""
        if not self._closed:
            self._closed = True
            os.close(self._fd)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self._size += len(data)


class Tail:
    """The end of one stream, at most `limit_bytes` of it."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._seen = 0

    def add(self, text: str) -> None:
        """Append text; what is too old goes."""
        data = text.encode(errors="replace")
        self._pieces.append(data)
        self._size += len(data)
        self._seen += len(data)
        while self._size - len(self._pieces[0]) >= self._limit:
            self._size -= len(self._pieces.popleft())

    @property
    def truncated(self) -> bool:
        """Whether there was more than is kept."""
        return self._seen > self._limit

    @property
    def text(self) -> str:
        """The kept text."""
        return b"".join(self._pieces)[-self._limit :].decode(errors="ignore")


class Recorder:
    """Takes an attempt's raw output and keeps what may be kept of it."""

    def __init__(
        self,
        log: LogFile,
        tail_bytes: int,
        redactor: Callable[[], Redactor],
        show: Callable[[Chunk], None],
    ) -> None:
        self._log = log
        self._show = show
        self._pipes = {stream: _Pipe(redactor(), Tail(tail_bytes)) for stream in Stream}

    def heard(self, stream: Stream, data: bytes) -> None:
        """Take bytes as they came from the process."""
        pipe = self._pipes[stream]
        self._keep(pipe, pipe.redactor.feed(pipe.decoder.decode(data)))

    def note(self, text: str) -> None:
        """Add a line of our own to the log."""
        self._write(f"{text}\n")

    def pause(self, stream: Stream) -> None:
        """Release what was held back of a stream: one text in it has ended, another may follow."""
        pipe = self._pipes[stream]
        self._keep(pipe, pipe.redactor.feed(pipe.decoder.decode(b"", final=True)))
        self._keep(pipe, pipe.redactor.flush())

    def tail(self, stream: Stream) -> Tail:
        """The end of a stream; complete after `finish`."""
        return self._pipes[stream].tail

    def finish(self) -> None:
        """Release what was held back and close the log. Doing it twice is harmless."""
        for stream in self._pipes:
            self.pause(stream)
        self._log.close()

    def _keep(self, pipe: _Pipe, text: str) -> None:
        if text:
            pipe.tail.add(text)
            self._write(text)

    def _write(self, text: str) -> None:
        chunk = self._log.append(text)
        if chunk is not None:
            self._show(chunk)


class _Pipe:
    """What belongs to one stream on its way from bytes to text."""

    def __init__(self, redactor: Redactor, tail: Tail) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.redactor = redactor
        self.tail = tail
