"""`helio ask` and the options by which a job speaks to models."""

from __future__ import annotations

import json

import pytest

SERVED = {"model": "fake-mid", "provider": "paper", "asked": "opus", "substituted": False}
STREAMED = [
    {"epoch": 1, "offset": 0, "next_offset": 5, "text": "It is", "at_rest": False},
    {"epoch": 1, "offset": 5, "next_offset": 13, "text": " a lamp.", "at_rest": False},
    {"epoch": 1, "offset": 13, "next_offset": 13, "text": "", "at_rest": True},
]


@pytest.fixture
def asked(house, job):
    """A house that answers, and what it was asked."""
    job |= {"backend": "llm", "cost_usd": 0.0012}
    job |= {"result": {"text": "It is a lamp.", "served": SERVED, "truncated": False}}
    house.on("job.submit", {"ids": [job["id"]], "keys": {}, "replayed": False})
    house.on("job.show", job)
    house.log = [dict(piece) for piece in STREAMED]
    return lambda: house.bodies("job.submit")[0]["jobs"][0]


def test_the_answer_comes_live_and_who_gave_it_stands_beside(helio, asked):
    ran = helio("ask", "What is it?", "--tier", "mid", "--conversation", "lamps", "--project", "p")
    assert (ran.code, ran.out) == (0, "It is a lamp.\n")
    assert ran.err == "fake-mid at paper, $0.0012, 1.0s\n"
    assert asked() == {
        "prompt": "What is it?",
        "tier": "mid",
        "conversation": "lamps",
        "backend": "llm",
        "lane": "P1",
        "source": "cli",
        "project": "p",
    }


def test_another_model_than_the_one_asked_for_is_named_as_such(helio, asked, job):
    job["result"]["served"] = SERVED | {"substituted": True}
    job["result"]["truncated"] = True
    ran = helio("ask", "What is it?", "-m", "opus")
    assert "fake-mid at paper instead of opus" in ran.err
    assert "cut at its longest" in ran.err


def test_json_has_everything_and_shows_nothing_else(helio, asked):
    ran = helio("ask", "What is it?", "--json")
    assert ran.json["result"]["served"] == SERVED
    assert ran.err == ""


def test_a_shape_is_read_here_and_the_answer_printed_whole(helio, asked, job, tmp_path):
    (tmp_path / "s.json").write_text('{"type": "object"}')
    job["result"]["text"] = '{"a": 1}'
    ran = helio("ask", "Which?", "--schema", str(tmp_path / "s.json"))
    assert ran.out == '{"a": 1}\n'
    assert asked()["schema"] == {"type": "object"}


def test_why_no_answer_comes_is_told_once(helio, asked, house, job):
    waiting = job | {"state": "delayed", "reason": "rate_limit", "finished_at": 0}
    waiting |= {"error": {"message": "All models are closed."}}
    house.on("job.show", [waiting, waiting, job])
    quiet = {"epoch": 0, "offset": 0, "next_offset": 0, "text": "", "at_rest": False}
    house.log = [dict(quiet) for _ in range(4)] + house.log
    ran = helio("ask", "What is it?")
    assert (ran.code, ran.out) == (0, "It is a lamp.\n")
    assert ran.err.count("is delayed (rate_limit)") == 1
    assert "All models are closed." in ran.err


def test_a_question_that_failed_ends_with_one_and_its_remedy(helio, asked, house, job):
    job |= {"state": "failed", "result": None}
    job["error"] = {"message": "No provider is configured.", "remedy": "helio model init"}
    ran = helio("ask", "What is it?", "--timeout", "9")
    assert ran.code == 1
    assert "remedy: helio model init" in ran.err


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["ask", "  "], "The question is empty."),
        (["ask", "x", "--file", "none.txt"], "There is no file none.txt."),
        (["ask", "x", "--schema", "none.json"], "none.json cannot be read"),
        (["job", "submit", "--prompt", "x", "--", "true"], "A job is one of these"),
        (["job", "submit", "--tier", "mid"], "A job is one of these"),
    ],
)
def test_what_is_wrong_here_is_told_before_anybody_is_asked(helio, house, argv, sentence):
    ran = helio(*argv)
    assert ran.code == 2
    assert sentence in ran.err
    assert house.asked == []


def test_files_are_named_from_the_directory_that_holds_them_all(helio, asked, tmp_path):
    deep = tmp_path / "deep"
    deep.mkdir()
    (deep / "a.txt").write_text("a")
    (tmp_path / "abcd:b.txt").write_text("b")
    (tmp_path / "link.txt").symlink_to(deep / "a.txt")
    files = [deep / "a.txt", tmp_path / "abcd:b.txt", tmp_path / "link.txt", "01abcdef:out.txt"]
    helio("ask", "x", *(word for file in files for word in ("--file", str(file))))
    assert asked()["cwd"] == str(tmp_path)
    assert asked()["attach"] == ["deep/a.txt", "./abcd:b.txt", "deep/a.txt", "01abcdef:out.txt"]


def test_a_submitted_prompt_says_all_that_it_says(helio, asked, tmp_path):
    (tmp_path / "s.json").write_text('{"type": "object"}')
    (tmp_path / "a.txt").write_text("a")
    said = ["--prompt", "x", "--model", "m", "--floor", "cheap", "--pin", "--budget", "0.5"]
    said += ["--max-tokens", "9", "--temperature", "0", "--schema", str(tmp_path / "s.json")]
    said += ["--attach", str(tmp_path / "a.txt"), "--cwd", str(tmp_path), "--system", "short"]
    assert helio("job", "submit", *said).code == 0
    assert asked() == {
        "prompt": "x", "model": "m", "floor": "cheap", "pin": True, "budget_usd": 0.5,
        "max_tokens": 9, "temperature": 0, "schema": {"type": "object"}, "attach": ["a.txt"],
        "cwd": str(tmp_path), "system": "short", "backend": "llm", "lane": "P2", "source": "cli",
    }  # fmt: skip


def test_a_file_outside_the_named_directory_is_refused(helio, house, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b").mkdir()
    argv = ["job", "submit", "--prompt", "x", "--attach", str(tmp_path / "a.txt")]
    ran = helio(*argv, "--cwd", str(tmp_path / "b"))
    assert (ran.code, house.asked) == (2, [])
    assert "lies outside" in ran.err


def test_a_command_may_ask_for_models(helio, asked):
    assert helio("job", "submit", "--models", "--tier", "cheap", "--", "python", "x.py").code == 0
    assert (asked()["models"], asked()["tier"], asked()["backend"]) == (True, "cheap", "shell")


def test_a_schema_must_be_an_object(helio, house, tmp_path):
    for text in ("[1]", "{}", "{"):
        (tmp_path / "s.json").write_text(text)
        ran = helio("ask", "x", "--schema", str(tmp_path / "s.json"))
        assert ran.code == 2, json.dumps(text)
