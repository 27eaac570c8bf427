"""Key shapes: what is found, what is left alone, that streams agree, and that it is never slow."""

from __future__ import annotations

import random
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redaction import MARK, Redactor, hide, needles
from store.patterns import KEY_SHAPES

NONE = needles([])
A = "Ab3dEf6hIj9lMn2pQr5tUv8xYz1cDe4g"
KEYS = {
    "anthropic": f"sk-ant-api03-{A}{A}-{A}AA",
    "openai": f"sk-{A}{A[:16]}",
    "openai project": f"sk-proj-{A}_{A}",
    "openrouter": f"sk-or-v1-{'0123456789abcdef' * 4}",
    "github": f"ghp_{A}{A[:4]}",
    "github fine-grained": f"github_pat_{A}_{A}",
    "telegram": f"123456789:AA{A}X",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "slack": f"xoxb-123456789012-{A}",
    "google": f"AIza{A}abc",
    "hugging face": f"hf_{A}",
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("around", ["{}", "KEY={}\n", '"{}"', "https://x:{}@host/", "é{}é", "({})"])
def test_a_key_is_hidden_wherever_it_stands(name, around):
    assert hide(around.format(KEYS[name]), NONE, KEY_SHAPES) == around.format(MARK)


@pytest.mark.parametrize(
    "text",
    [
        "task-management-system-for-everybody-2024",
        "risk-assessment-of-the-quarterly-report",
        "sk-short",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "session/site-web-0f3a9b21cc 01jd3m9r6c8r7v3q9g0w7s2k4n",
        "12:34:56 AKIA is a prefix",
        "disk-usage-by-directory-and-owner-of-files",
    ],
)
def test_ordinary_words_are_left_alone(text):
    assert hide(text, NONE, KEY_SHAPES) == text


@given(
    parts=st.lists(
        st.sampled_from([*KEYS.values(), *(key[:12] for key in KEYS.values()), " ", "-", "x", "\n"])
        | st.text("ab-_:3Zé ", max_size=30),
        max_size=8,
    ),
    sizes=st.lists(st.integers(1, 40), min_size=1),
)
def test_a_stream_gives_the_same_wherever_it_is_cut(parts, sizes):
    text = "".join(parts)
    redactor, out, at, turn = Redactor(NONE, KEY_SHAPES), [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        out.append(redactor.feed(text[at : at + size]))
        at, turn = at + size, turn + 1
    assert "".join(out) + redactor.flush() == hide(text, NONE, KEY_SHAPES)


@pytest.mark.parametrize(
    "text",
    [
        "sk-" * 200_000,
        "sk-ant-" * 90_000,
        "-----BEGIN " * 60_000,
        "9" * 600_000,
        "xoxb-" + "-" * 600_000,
        "a" * 600_000,
        " ".join(["word"] * 120_000),
    ],
    ids=["heads", "long heads", "begins", "digits", "dashes", "one word", "words"],
)
def test_half_a_megabyte_of_anything_takes_a_moment(text):
    rng = random.Random(7)
    secrets = needles("".join(rng.choices("abcdefgh01234567", k=40)) for _ in range(20))
    redactor = Redactor(secrets, KEY_SHAPES)
    begun = perf_counter()
    for at in range(0, len(text), 4096):
        redactor.feed(text[at : at + 4096])
    redactor.flush()
    assert perf_counter() - begun < 3
