"""Output on a terminal: text and colours pass, whatever would steer the terminal is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interfaces.screen import Screen

STEERING = "\x1b]52;c;aGk=\x07\x1b[2J\x1b]0;title\x07\x9b1A\x08\x7f"


def shown(*pieces: str, colours: bool = True) -> str:
    screen = Screen(colours=colours)
    return "".join([screen.take(piece) for piece in pieces] + [screen.end()])


def test_text_passes_as_it_is():
    text = "één\ttwo\r\n三 🙂\n"
    assert shown(text) == text


def test_what_steers_a_terminal_is_shown_and_not_obeyed():
    assert shown("\x1b[2Jgone") == "\\x1b[2Jgone"
    assert shown("\x1b]52;c;aGk=\x07") == "\\x1b]52;c;aGk=\\x07"
    assert shown("\x9b2J\x08") == "\\x9b2J\\x08"


def test_colours_pass_end_with_the_output_and_can_be_switched_off():
    assert shown("\x1b[31mred") == "\x1b[31mred\x1b[0m"
    assert shown("\x1b[1;38:5:9mred\x1b[0m", colours=False) == "red"
    assert shown("50 %\r\x1b[K60 %\n") == "50 %\r\x1b[K60 %\n"


@pytest.mark.parametrize("at", range(1, 9))
def test_a_colour_that_is_cut_in_two_is_still_one(at):
    text = "a\x1b[31;1mb"
    assert shown(text[:at], text[at:]) == shown(text)


def test_a_sequence_that_never_ends_is_shown_at_the_end():
    assert shown("a\x1b[31") == "a\\x1b[31"


@given(st.lists(st.text(st.sampled_from("\x1b[]0;m31JKa\x07\x9b\n"), max_size=12), max_size=6))
def test_however_it_is_cut_the_screen_is_sent_the_same_and_nothing_that_steers(pieces):
    whole = shown("".join(pieces))
    assert shown(*pieces) == whole
    rest = whole.replace("\x1b[K", "")
    for found in ("\x07", "\x9b", "\x1b]", "\x1b[J", "\x1b\x1b"):
        assert found not in rest
