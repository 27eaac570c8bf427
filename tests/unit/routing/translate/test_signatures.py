"""Signatures, names and ids on their way to a client and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.conversation import Ask, Dialect, Tool
from routing.translate.idents import shorten, spell, unspell
from routing.translate.names import fit, originals
from routing.translate.signatures import (
    marked,
    readable,
    unwrap,
    unwrap_base64,
    unwrap_call,
    wrap,
    wrap_base64,
    wrap_call,
)
from tests.unit.routing.translate.kit import odd_tool_names

dialects = st.sampled_from(list(Dialect))
families = st.text(min_size=1, max_size=8)


@given(st.text(max_size=20), dialects, families)
def test_a_signature_comes_back_with_its_origin(signature, dialect, family):
    origin = f"{dialect}:{family}"
    assert unwrap(wrap(signature, origin), Dialect.ANTHROPIC) == (signature, origin)
    assert unwrap_base64(wrap_base64(signature, origin), Dialect.GEMINI) == (signature, origin)
    assert unwrap_call(wrap_call(signature, origin)) == (signature, origin)
    assert marked(wrap(signature, origin).encode())
    assert marked(wrap_base64(signature, origin).encode())


@pytest.mark.parametrize("raw", ["", "EqQBCgYIAhIkY2", "helio:", "helio:call:a:b:c", "aGVsaW86!"])
def test_what_bears_no_mark_stays_as_it_is(raw):
    assert unwrap(raw, Dialect.ANTHROPIC) == (raw, "anthropic:")
    assert unwrap_base64(raw, Dialect.GEMINI) == (raw, "gemini:")


def test_a_signature_of_unknown_family_is_not_marked():
    assert wrap("S", "") == wrap("S", "anthropic:") == wrap_base64("S", "gemini:") == "S"
    assert not marked(b'{"signature":"S"}')


@pytest.mark.parametrize(
    ("origin", "dialect", "family", "can"),
    [
        ("anthropic:claude", Dialect.ANTHROPIC, "claude", True),
        ("anthropic:claude", Dialect.ANTHROPIC, "glm", False),
        ("anthropic:claude", Dialect.CHAT, "claude", False),
        ("anthropic:", Dialect.ANTHROPIC, "claude", True),
        ("anthropic:", Dialect.ANTHROPIC, "glm", False),
        ("gemini:", Dialect.GEMINI, "gemini", True),
        ("chat:", Dialect.CHAT, "deepseek", True),
        ("chat:", Dialect.CHAT, "gpt", False),
        ("", Dialect.ANTHROPIC, "claude", False),
    ],
)
def test_only_the_maker_can_read_it_again(origin, dialect, family, can):
    assert readable(origin, dialect, family) is can


@given(st.lists(odd_tool_names, max_size=4, unique=True))
def test_every_name_fits_and_comes_back(names):
    ask = Ask(model="m", messages=(), tools=tuple(Tool(name) for name in names))
    back = originals(ask)
    for name in names:
        short = fit(name)
        assert len(short) <= 64
        assert short.replace("-", "_").isidentifier()
        assert back.get(short, short) == name


@given(st.text(min_size=1, max_size=60))
def test_every_id_is_spelled_and_read_back(ident):
    spelled = spell(ident)
    assert spelled.replace("-", "_").replace("_", "a").isascii()
    assert spelled.replace("-", "").replace("_", "").isalnum() or set(spelled) <= set("-_")
    assert unspell(spelled) == ident
    assert len(shorten(ident, 40)) <= 40


def test_an_id_that_looks_spelled_and_is_not_stays():
    assert unspell("toolu_helio_!") == "toolu_helio_!"
    assert unspell("toolu_01X") == "toolu_01X"
