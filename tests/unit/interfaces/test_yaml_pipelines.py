"""Reading YAML: what is refused, and that the line is named."""

from __future__ import annotations

import json

import pytest

from engine.errors import BadInput, NotFound
from interfaces.yaml_pipelines import library, load, parse


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps:\n  a: {run: [x]}\n  a: {run: [y]}\n", "line 3: the key 'a' stands here again"),
        ("steps:\n\ta: 1\n", "line 2"),
        ("steps: [1, 2\n", "line"),
        ("- a\n- b\n", "a pipeline is a mapping"),
        ("", "a pipeline is a mapping"),
        ("steps: &x {a: 1}\nother: *x\n", "line 2: an alias"),
        ("steps: {1: {run: [x]}}\n", "line 1: the key 1 is no text"),
        ("steps: !!python/object/apply:os.system ['id']\n", "line 1"),
        ("a: 1\n---\nb: 2\n", "line"),
        ("[" * 5000, "nested too deep"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, words):
    with pytest.raises(BadInput) as caught:
        parse(text, "demo.yaml")
    assert caught.value.detail.startswith("demo.yaml")
    assert words in caught.value.detail
    assert "helio pipeline check" in caught.value.remedy


def test_plain_words_stay_what_they_look_like():
    words = (
        "on: off, yes: no, at: 12:30, day: 2026-11-22, n: 7, x: 1.5, id: 010, flag: true, none: ~"
    )
    read = parse(words.replace(", ", "\n"), "demo")
    assert read == {
        "on": "off",
        "yes": "no",
        "at": "12:30",
        "day": "2026-11-22",
        "n": 7,
        "x": 1.5,
        "id": "010",
        "flag": True,
        "none": None,
    }
    assert json.loads(json.dumps(read)) == read


def test_a_library_pipeline_is_found_by_name_and_a_file_goes_first(tmp_path, monkeypatch):
    assert "welcome" in library()
    assert "steps" in load("welcome")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "welcome").write_text("steps: {mine: {run: [x]}}")
    assert "mine" in load("welcome")["steps"]


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(NotFound) as caught:
        load("wellcome")
    assert "welcome" in caught.value.remedy


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput):
        load(str(tmp_path / "x.yaml"))


def test_every_library_pipeline_has_a_sentence():
    assert all(sentence.endswith(".") for sentence in library().values())
