"""Interleaved blocks, told one after the other."""

from __future__ import annotations

from routing.conversation import Begun, Closed, Ended, Grew, Opened, Text, ToolCall
from routing.translate.sequence import OneAtATime

A, B = Opened(0, ToolCall("a", "t")), Opened(1, ToolCall("b", "t"))


def told(*events) -> list:
    order = OneAtATime()
    return [ordered for event in events for ordered in order.put(event)]


def test_pieces_of_a_second_call_wait_for_the_end_of_the_first():
    mixed = (A, B, Grew(1, "1"), Grew(0, "0"), Closed(0), Grew(1, "2"), Closed(1))
    first = [A, Grew(0, "0"), Closed(0)]
    assert told(*mixed) == [*first, B, Grew(1, "1"), Grew(1, "2"), Closed(1)]


def test_a_call_whose_turn_has_come_is_told_as_it_grows():
    order = OneAtATime()
    for event in (A, B, Grew(1, "1")):
        order.put(event)
    assert order.put(Closed(0)) == [Closed(0), B, Grew(1, "1")]
    assert order.put(Grew(1, "2")) == [Grew(1, "2")]


def test_a_block_that_was_whole_before_its_turn_is_told_whole():
    assert told(A, B, Closed(1), Closed(0)) == [A, Closed(0), B, Closed(1)]


def test_the_end_closes_what_is_open_and_tells_what_waits():
    end = Ended()
    assert told(A, B, end) == [A, Closed(0), B, Closed(1), end]


def test_one_block_after_the_other_passes_at_once():
    events = [Begun(), Opened(0, Text("x")), Grew(0, "y"), Closed(0), A, Closed(0), Ended()]
    assert told(*events) == events
