"""Estimates: tokens of a prompt, usual values, waits that are guessed."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.settings import ModelSettings
from routing.admission import MINUTE_US, Window
from routing.backoff import ladder_wait, slot_wait
from routing.conversation import (
    Ask,
    Document,
    Image,
    Message,
    Role,
    Shape,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from routing.percentiles import LEAST, NEWEST, Recent
from routing.tokens import IMAGE, estimate, of_text

S = 1_000_000


def ask(*blocks, **more):
    return Ask(model="m", messages=(Message(Role.USER, blocks),), **more)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("The quick brown fox jumps over the lazy dog. " * 100, 1000, 1400),  # about 1,000
        ("def f(x):\n    return [y for y in x if y]\n" * 100, 1100, 1500),  # about 1,200
        ("敏捷的棕色狐狸跳过了懒狗" * 100, 1000, 1400),  # about 1,200
    ],
)
def test_an_estimate_is_about_right_and_rather_too_large(text, least, most):
    assert least <= of_text(text) <= most


def test_everything_that_is_sent_counts():
    bare = estimate(ask(Text("hello")))
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    for more in (
        ask(Text("hello"), Text("and more of it")),
        ask(Text("hello"), system=(Text("You are brief."),)),
        ask(Text("hello"), tools=(Tool("read", "Reads a file.", schema),)),
        ask(Text("hello"), tools=(Tool("bash", builtin={"type": "bash_20250124"}),)),
        ask(Text("hello"), shape=Shape(schema)),
        ask(Text("hello"), ToolCall("1", "read", '{"path": "a"}')),
        ask(Text("hello"), ToolResult("1", (Text("the file"),))),
        ask(Text("hello"), Thinking("well", "c2ln" * 50)),
        ask(Text("hello"), Document("application/pdf", "QUJD" * 9000)),
    ):
        assert estimate(more) > bare


def test_a_picture_counts_as_its_usual_largest_wherever_it_stands():
    assert estimate(ask(Image("image/png", "x" * 10**6))) < IMAGE + 10
    inside = ask(ToolResult("1", (Image("image/png", "x"),)))
    assert estimate(inside) >= IMAGE


@given(st.text())
def test_any_text_has_an_estimate(text):
    assert 0 <= of_text(text) <= len(text.encode("utf-8", "surrogatepass")) + 1


def test_a_percentile_needs_some_values_and_forgets_old_ones():
    recent = Recent()
    for _ in range(LEAST - 1):
        recent.add(5)
    assert recent.p95() is None
    recent.add(5)
    assert recent.p95() == 5
    for value in range(NEWEST):
        recent.add(value)
    assert recent.p95() == 95


@given(st.integers(1, 50), st.integers(0, 50), st.integers())
def test_a_guessed_wait_is_never_shorter_than_its_base_nor_longer_than_the_ladder(
    failures, repeats, seed
):
    wait = slot_wait(failures, repeats, ModelSettings(), Random(seed))
    assert 5 * S <= wait <= 1800 * 1.2 * S


def test_the_ladder_has_three_steps():
    waits = [ladder_wait(step, ModelSettings(), Random(0)) for step in (1, 2, 3, 4)]
    for wait, base in zip(waits, (120, 600, 1800, 1800), strict=True):
        assert base * S <= wait <= base * 1.2 * S


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 20 * S), st.integers(1, 10)), max_size=120),
)
def test_no_minute_sees_more_than_a_windows_cap(limit, steps):
    window, now, taken = Window(limit, 0.9), 0, []
    for pause, amount in steps:
        now += pause
        if window.admits(amount, now):
            window.take(amount, now)
            taken.append((now, min(amount, window.cap)))
        else:
            free = window.free_at(amount, now)
            assert window.admits(amount, free)
            assert not window.admits(amount, free - 1)
    for start, _ in taken:
        assert sum(n for at, n in taken if start <= at < start + MINUTE_US) <= window.cap


@given(
    st.integers(1, 50),
    st.lists(
        st.tuples(st.integers(0, 40 * S), st.integers(-10, 10), st.sampled_from([0.5, 0.8, 1.0])),
        max_size=60,
    ),
)
def test_what_a_full_window_remembers_is_what_a_new_look_finds(limit, steps):
    window, now, taken = Window(limit, 0.9), 0, [0]
    for pause, amount, part in steps:
        now += pause
        if amount > 0:
            window.take(amount, now)
            taken.append(now)
        elif amount < 0:
            window.correct(amount, taken[amount % len(taken)])
        for wanted in (1, 5, 1):
            until, lack = window.free_at(wanted, now, part), window.lack(wanted, now, part)
            assert (lack is None) == (until <= now)
            if lack is not None:
                reserved = part < 1 and window.admits(wanted, now)
                assert (lack.until, lack.reserved) == (until, reserved)


def test_a_full_window_tells_when_only_its_reserve_is_left():
    window = Window(10, 1.0)
    window.take(4, 0)
    window.take(5, 30 * S)
    told = [window.lack(3, second * S, 0.5) for second in (40, 70, 91)]
    assert [lack and (lack.until, lack.reserved) for lack in told] == [
        (91 * S, False),
        (91 * S, True),
        None,
    ]


def test_what_was_taken_too_many_comes_back_at_once():
    window = Window(10, 1.0)
    window.take(10, 0)
    assert not window.admits(1, 5 * S)
    window.correct(-4, 0)
    assert window.admits(4, 5 * S)
    assert not window.admits(5, 5 * S)
    window.correct(99, 3 * MINUTE_US)
    assert window.used(4 * MINUTE_US) == 0
