"""Server-sent events, cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.translate.dialect import Frame
from routing.translate.sse import FrameParser, encode
from tests.unit.routing.translate.kit import cuts

lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=8)
names = lines.filter(lambda name: not name.startswith(" "))
frames = st.builds(Frame, lines.filter(lambda line: not line.startswith(" ")), names)


def parsed(*chunks: bytes) -> list[Frame]:
    parser = FrameParser()
    return [frame for chunk in chunks for frame in parser.feed(chunk)] + list(parser.finish())


@given(st.data())
def test_frames_survive_any_cutting_and_any_line_end(data):
    told = data.draw(st.lists(frames, max_size=4))
    end = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    raw = b"".join(encode(frame).replace(b"\n", end) for frame in told)
    assert parsed(*data.draw(cuts(raw))) == told


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b": comment\n\ndata: x\n\n", [Frame("x")]),
        (b"data: a\ndata: b\n\n", [Frame("a\nb")]),
        (b"data:x\n\n", [Frame("x")]),
        (b"data\n\n", [Frame("")]),
        (b"event: e\n\ndata: x\n\n", [Frame("x")]),
        (b"id: 1\nretry: 5\nevent: e\ndata: x\n\n", [Frame("x", "e")]),
        (b"data: last", [Frame("last")]),
        (b"data: last\r", [Frame("last")]),
        (b"", []),
    ],
)
def test_lines_are_understood(raw, told):
    assert parsed(raw) == told
    assert parsed(*(raw[at : at + 1] for at in range(len(raw)))) == told


def test_a_frame_is_given_as_soon_as_its_empty_line_is_there():
    parser = FrameParser()
    assert parser.feed(b"data: x\n") == []
    assert parser.feed(b"\n") == [Frame("x")]
    assert parser.feed(b"data: y\r\n\r") == []
    assert parser.feed(b"\n") == [Frame("y")]
