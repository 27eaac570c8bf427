"""Redaction: no form of a secret leaves, wherever the stream is cut; and a naive one that leaks."""

from __future__ import annotations

import base64
import itertools
import json
import re
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redaction import (
    MARK,
    MIN_CHARS,
    ByteRedactor,
    Redactor,
    Shapes,
    hide,
    hide_json,
    needles,
)

CANARY = 'k3y/With+odd "chars" & \\back ünïcode=='
OTHER = "another-secret-value"
HIDDEN = needles([CANARY, OTHER])
PLAIN_SHAPE = re.compile(r"(?<![A-Za-z0-9])key-[a-z]{4,12}")
SHAPES = Shapes(
    lambda text: [hit.span() for hit in PLAIN_SHAPE.finditer(text)],
    "abcdefghijklmnopqrstuvwxyz-",
    17,
)
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq83vEjR\n-----END RSA PRIVATE KEY-----"


def encodings(value):
    data = value.encode()
    return {
        "plain": value,
        "base64, first alignment": base64.b64encode(data).decode(),
        "base64, second alignment": base64.b64encode(b"x" + data + b"y").decode(),
        "base64, third alignment": base64.b64encode(b"xy" + data + b"yz").decode(),
        "base64 of an address": base64.urlsafe_b64encode(b"user:" + data).decode(),
        "url": urllib.parse.quote(value, safe=""),
        "url, slashes kept": urllib.parse.quote(value),
        "form": urllib.parse.quote_plus(value),
        "json": json.dumps(value),
        "json, as characters": json.dumps(value, ensure_ascii=False),
        "python": repr([value])[1:-1],
        "python, as bytes": repr(data),
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "reversed": value[::-1],
    }


@pytest.mark.parametrize("form", encodings(CANARY))
def test_no_form_of_a_secret_is_left(form):
    written = encodings(CANARY)[form]
    out = hide(f"before {written} after", HIDDEN)
    assert out.startswith("before ")
    assert out.endswith(" after")
    assert MARK in out
    for start in range(len(written) - MIN_CHARS + 1):
        assert written[start : start + MIN_CHARS] not in out


def cut(text, places):
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


def streamed(redactor, pieces):
    return "".join([*(redactor.feed(piece) for piece in pieces), redactor.flush()])


PIECES = st.lists(
    st.sampled_from(
        [*encodings(CANARY).values(), CANARY[:9], CANARY[3:], OTHER, OTHER[:12], PEM, PEM[:40],
         PEM[-20:], "-----BEGIN ", "-----", "key-abcd", "key-", "a", "\n", " ", "xkey-abcdef"]
    )
    | st.text(max_size=5),
    max_size=12,
).map("".join)  # fmt: skip


@given(text=PIECES, places=st.lists(st.integers(0), max_size=20))
def test_a_stream_gives_the_same_wherever_it_is_cut(text, places):
    whole = hide(text, HIDDEN, SHAPES)
    assert streamed(Redactor(HIDDEN, SHAPES), cut(text, places)) == whole
    assert streamed(Redactor(HIDDEN, SHAPES), list(text)) == whole


@given(text=PIECES)
def test_registered_values_are_replaced_as_one_search_over_the_whole_text_would(text):
    text = text.replace("-----BEGIN", "")
    longest_first = sorted(HIDDEN.forms, key=len, reverse=True)
    expected = re.sub("|".join(map(re.escape, longest_first)), lambda _: MARK, text)
    assert hide(text, HIDDEN) == expected


class Naive:
    """Planted: looks at each piece for itself."""

    def feed(self, text):
        return text.replace(OTHER, MARK)

    def flush(self):
        return ""


def test_a_planted_redactor_without_memory_leaks_across_the_cut():
    pieces = [OTHER[:7], OTHER[7:]]
    assert OTHER in streamed(Naive(), pieces)
    assert OTHER not in streamed(Redactor(HIDDEN), pieces)


def test_text_that_can_be_no_beginning_is_released_at_once():
    redactor = Redactor(HIDDEN, SHAPES)
    assert redactor.feed("progress 50 %\n") == "progress 50 %\n"
    assert redactor.feed("see " + OTHER[:5]) == "see "
    assert redactor.flush() == OTHER[:5]


def test_overlapping_beginnings_are_decided_by_what_comes():
    hidden = needles(["aaaaaaaab", "aaaaaaaac"])
    assert streamed(Redactor(hidden), list("aaaaaaaaaaaab")) == "aaaa" + MARK
    assert streamed(Redactor(hidden), list("aaaaaaaaaaaad")) == "aaaaaaaaaaaad"


def test_a_short_value_is_left_alone():
    assert hide("pin 1234567 here", needles(["1234567"])) == "pin 1234567 here"
    assert hide("pin 12345678 here", needles(["12345678"])) == f"pin {MARK} here"


def test_a_private_key_is_swallowed_up_to_its_end():
    assert hide(f"a\n{PEM}\nb", needles([])) == f"a\n{MARK}\nb"


def test_a_private_key_without_an_end_swallows_so_much_and_no_more():
    text = "-----BEGIN PRIVATE KEY-----" + "x" * 40_000
    out = hide(text, needles([]))
    assert out.startswith(MARK)
    assert 7_000 < len(out) < 8_000
    assert streamed(Redactor(needles([])), cut(text, range(0, 40_000, 997))) == out


def test_a_certificate_is_no_secret():
    text = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"
    assert hide(text, needles([])) == text


def test_a_long_value_and_each_line_of_it_are_hidden():
    lines = [f"{n}" * 40 for n in range(1, 6)]
    hidden = needles(["\n".join(lines), "z" * 1000])
    assert not set("12345") & set(hide("> " + "\n> ".join(lines), hidden))
    assert "z" not in hide("-" + "z" * 1000 + "-", hidden)


def test_json_values_are_hidden_throughout():
    value = {"a": [f"x {OTHER}", 5, None], OTHER: {"deep": OTHER}}
    assert hide_json(value, HIDDEN) == {"a": [f"x {MARK}", 5, None], MARK: {"deep": MARK}}


@given(data=st.binary(max_size=40), places=st.lists(st.integers(0), max_size=5))
def test_bytes_pass_unchanged_but_for_secrets(data, places):
    whole = data + CANARY.encode() + data
    redactor = ByteRedactor(HIDDEN)
    out = b"".join([*(redactor.feed(piece) for piece in cut(whole, places)), redactor.flush()])
    assert CANARY.encode() not in out
    assert out == data + MARK.encode() + data
