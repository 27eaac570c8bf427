"""Cutting a stream at its seams: the same bytes, the same frames, however they arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.transports.frames import FrameCutter, is_usage_alone

FRAMES = st.lists(
    st.sampled_from(
        [
            b"data: {}\n\n",
            b"event: a\ndata: 1\n\n",
            b": ping\n\n",
            b"event: a\r\ndata: 1\r\n\r\n",
            b"data: a\ndata: b\n\n",
        ]
    ),
    max_size=8,
)


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    cutter = FrameCutter()
    frames = []
    for begin, end in zip([0, *places], [*places, len(raw)], strict=True):
        frames += cutter.cut(raw[begin:end])
    rest = cutter.rest()
    return frames + ([rest] if rest else [])


@given(FRAMES, st.binary(max_size=5), st.data())
def test_frames_do_not_depend_on_how_they_came(frames, end, data):
    raw = b"".join(frames) + end.replace(b"\n", b"").replace(b"\r", b"")
    places = data.draw(st.lists(st.integers(0, len(raw)), max_size=10).map(sorted))
    got = cut(raw, places)
    assert b"".join(got) == raw
    assert got[: len(frames)] == frames


@given(st.binary(max_size=40), st.data())
def test_no_byte_is_lost_whatever_comes(raw, data):
    places = data.draw(st.lists(st.integers(0, len(raw)), max_size=10).map(sorted))
    assert b"".join(cut(raw, places)) == raw


def test_half_a_frame_waits():
    cutter = FrameCutter()
    assert cutter.cut(b"data: 1\n\ndata: 2\n") == [b"data: 1\n\n"]
    assert cutter.held == len(b"data: 2\n")
    assert cutter.cut(b"\n") == [b"data: 2\n\n"]


@pytest.mark.parametrize(
    ("frame", "alone"),
    [
        (b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n', True),
        (b'data: {"choices": [ ], "usage": {"total_tokens": 3}}\r\n\r\n', True),
        (b'data: {"choices":[],"usage":null}\n\n', False),
        (b'data: {"choices":[{"delta":{}}],"usage":{"total_tokens":3}}\n\n', False),
        (b'data: {"choices":[{"delta":{"content":"\\"choices\\":[] \\"usage\\""}}]}\n\n', False),
        (b'data: {"choices":[],"prompt_filter_results":[]}\n\n', False),
        (b"data: [DONE]\n\n", False),
        (b': "usage" "choices":[]\n\n', False),
    ],
)
def test_a_frame_that_tells_the_usage_and_nothing_else(frame, alone):
    assert is_usage_alone(frame) is alone
