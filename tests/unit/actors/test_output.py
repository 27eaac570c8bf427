"""The log of an attempt, the tail of a stream, and what goes between bytes and text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.output import Chunk, LogFile, Recorder, Tail
from actors.processes import Stream
from tests.unit.actors.sessions.kit import OpenBook


def test_a_log_gives_the_offset_of_each_piece(tmp_path: Path) -> None:
    path = tmp_path / "a" / "1.log"
    log = LogFile(path, 1000)
    assert log.append("häl") == Chunk(0, "häl")
    assert log.append("lo\n") == Chunk(4, "lo\n")
    log.close()
    assert path.read_text() == "hällo\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_stops_at_its_cap_says_so_once_and_counts_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    log = LogFile(path, 5)
    log.append("123")
    last = log.append("4ä678")
    assert last == Chunk(3, "4\n[the log ends here: its limit is 5 bytes]\n")
    assert log.append("more") is None
    assert path.read_text() == "1234\n[the log ends here: its limit is 5 bytes]\n"
    assert log.dropped_bytes == 4 + 4


def test_a_full_disk_ends_the_log_and_nothing_else() -> None:
    log = LogFile(Path("/dev/full"), 1000)
    assert log.append("text") is None
    assert log.append("more") is None
    assert log.dropped_bytes == 8
    log.close()


@given(st.lists(st.text(max_size=8), max_size=12), st.integers(1, 20))
def test_a_tail_is_the_end_of_the_whole(pieces: list[str], limit: int) -> None:
    tail = Tail(limit)
    for piece in pieces:
        tail.add(piece)
    whole = "".join(pieces).encode()
    assert tail.text == whole[-limit:].decode(errors="ignore")
    assert tail.truncated == (len(whole) > limit)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_text_is_the_same_however_the_bytes_are_cut(tmp_path: Path, size: int) -> None:
    raw = "Grüße, 世界 🎉\n".encode() * 3 + b"\xff\xfe broken \xf0\x9f"
    shown: list[Chunk] = []
    recorder = Recorder(
        LogFile(tmp_path / "log", 10_000), 10_000, OpenBook().redactor, shown.append
    )
    for at in range(0, len(raw), size):
        recorder.heard(Stream.OUT, raw[at : at + size])
    recorder.finish()
    recorder.finish()
    expected = raw.decode(errors="replace")
    assert (tmp_path / "log").read_text() == expected
    assert recorder.tail(Stream.OUT).text == expected
    assert "".join(chunk.text for chunk in shown) == expected
