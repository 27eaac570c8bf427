"""`helio job`: what it asks for, what it prints, how it ends."""

from __future__ import annotations

import io
import sys

import pytest

from engine.errors import (
    BadInput,
    Conflict,
    CycleFound,
    Denied,
    HelioError,
    HouseFault,
    NotFound,
    Unavailable,
)

MADE = {"ids": ["01hzzzzzzzzzzzzzzz4kq8w2mz"], "keys": {}, "replayed": False}


@pytest.fixture
def submitted(house, job):
    house.on("job.submit", MADE)
    house.on("job.show", job)
    return house


def request_of(house):
    return house.bodies("job.submit")[-1]["jobs"][0]


def test_a_command_goes_as_an_argv_and_no_shell_sees_it(helio, submitted):
    ran = helio("job", "submit", "--", "echo", "$HOME", "--json", "a b")
    assert ran.code == 0
    assert request_of(submitted) == {
        "run": ["echo", "$HOME", "--json", "a b"],
        "backend": "shell",
        "lane": "P2",
        "source": "cli",
    }
    assert ran.out.strip() == MADE["ids"][0]
    assert "helio job logs -f 4kq8w2mz" in ran.err


def test_every_option_reaches_the_request(helio, submitted, tmp_path):
    (tmp_path / "in.txt").write_text("typed")
    ran = helio(
        *("job", "submit", "--sh", "cat", "--lane", "P0", "--name", "n", "--project", "p"),
        *("--cwd", str(tmp_path), "--env", "A=1", "--env", "B=secret:NAME", "--after", "4kq8w2mz"),
        *("--stdin", str(tmp_path / "in.txt"), "--run-limit", "9", "--retries", "0", "--hold"),
        *("--once", "--persistent", "--idempotency-key", "k-1", "--json"),
    )
    assert ran.json == {"id": MADE["ids"][0], "replayed": False}
    assert request_of(submitted) == {
        "sh": "cat",
        "backend": "shell",
        "lane": "P0",
        "name": "n",
        "project": "p",
        "cwd": str(tmp_path),
        "env": {"A": "1", "B": "secret:NAME"},
        "needs": ["4kq8w2mz"],
        "stdin": "typed",
        "timeout_s": 9.0,
        "max_failures": 0,
        "hold": True,
        "effects": "once",
        "persistent": True,
        "source": "cli",
    }
    assert submitted.bodies("job.submit")[-1]["idem_key"] == "k-1"


def test_a_relative_directory_is_made_absolute(helio, submitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    helio("job", "submit", "--cwd", "sub/../x", "--", "true")
    assert request_of(submitted)["cwd"] == str(tmp_path / "x")


def test_standard_input_can_be_given(helio, submitted, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("from the pipe"))
    helio("job", "submit", "--stdin", "-", "--", "cat")
    assert request_of(submitted)["stdin"] == "from the pipe"


def test_wait_prints_the_result_and_ends_with_0(helio, submitted, job):
    submitted.on("job.show", [job | {"state": "running"}, job | {"state": "running"}, job])
    ran = helio("job", "submit", "--wait", "--", "echo", "hello")
    assert (ran.code, ran.out, ran.err) == (0, "hello\n", "")


def test_wait_with_json_prints_the_job(helio, submitted, job):
    ran = helio("job", "submit", "--wait", "--json", "--", "echo", "hello")
    assert (ran.code, ran.json, ran.err) == (0, job, "")


def test_wait_for_a_job_that_failed_ends_with_1_and_says_why(helio, submitted, job):
    error = {"message": "It exited with 3.", "remedy": "Read its output."}
    submitted.on("job.show", job | {"state": "failed", "error": error})
    ran = helio("job", "submit", "--wait", "--", "false")
    assert ran.code == 1
    assert "failed" in ran.err
    assert "It exited with 3.\nremedy: Read its output." in ran.err


def test_a_wait_that_times_out_ends_with_124_and_the_job_goes_on(helio, submitted, job):
    submitted.on("job.show", job | {"state": "running"})
    ran = helio("job", "wait", "4kq8w2mz", "--timeout", "0.2")
    assert ran.code == 124
    assert "helio job wait 4kq8w2mz" in ran.err


def test_a_wait_survives_a_house_that_restarts(helio, submitted, job):
    away = Unavailable("The dispatcher restarts.")
    submitted.on("job.show", [job | {"state": "running"}, away, away, job])
    assert helio("job", "wait", "4kq8w2mz").code == 0


def test_logs_stream_while_it_runs(helio, submitted):
    submitted.log = [
        {"epoch": 1, "text": "one\n", "next_offset": 4, "at_rest": False},
        {"epoch": 1, "text": "", "next_offset": 4, "at_rest": False},
        {"epoch": 1, "text": "two\n", "next_offset": 8, "at_rest": False},
        {"epoch": 1, "text": "", "next_offset": 8, "at_rest": True},
    ]
    ran = helio("job", "submit", "--logs", "--", "echo", "hello")
    assert (ran.code, ran.out) == (0, "one\ntwo\n")


def test_logs_follow_a_later_attempt_from_its_beginning(helio, submitted):
    submitted.log = [
        {"epoch": 1, "text": "first\n", "next_offset": 6, "at_rest": False},
        {"epoch": 1, "text": "", "next_offset": 6, "newest_epoch": 2, "at_rest": False},
        {"epoch": 2, "text": "second\n", "next_offset": 7, "newest_epoch": 2, "at_rest": False},
        {"epoch": 2, "text": "", "next_offset": 7, "newest_epoch": 2, "at_rest": True},
    ]
    assert helio("job", "logs", "-f", "4kq8w2mz").out == "first\nsecond\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("no"), 2),
        (CycleFound("a waits for a"), 2),
        (NotFound("no"), 3),
        (Unavailable("no"), 4),
        (Denied("no"), 5),
        (Conflict("no"), 6),
        (HouseFault("no"), 1),
        (HelioError("no"), 1),
    ],
)
def test_every_refusal_has_its_exit_code_and_its_problem(helio, house, error, code):
    house.on("job.cancel", error)
    ran = helio("job", "cancel", "4kq8w2mz", "--json")
    assert ran.code == code
    assert ran.out == ""
    assert ran.problem == error.as_problem()


def test_a_wrong_token_ends_with_5(helio, house, home):
    home.token.write_text("another")
    ran = helio("job", "list")
    assert ran.code == 5
    assert "remedy: Use the house's own token." in ran.err


def test_no_house_ends_with_4_and_names_the_remedy(helio):
    ran = helio("job", "list")
    assert ran.code == 4
    assert "helio up" in ran.err


@pytest.mark.parametrize(
    "argv",
    [
        ("job", "submit"),
        ("job", "submit", "--sh", "x", "--", "y"),
        ("job", "submit", "--env", "novalue", "--", "x"),
        ("job", "submit", "--stdin", "/does/not/exist", "--", "x"),
        ("job", "show"),
        ("job", "lst"),
        ("job", "list", "--limit", "0"),
        ("job", "signal", "4kq8w2mz", "go", "--payload", "{"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_changes_nothing(helio, submitted, argv):
    ran = helio(*argv)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert "remedy: " in ran.err
    assert submitted.asked == []


def test_a_list_is_a_table_or_one_object_with_a_cursor(helio, house, job):
    house.on("job.list", {"items": [job], "next_cursor": "c2"})
    table = helio("job", "list", "--state", "succeeded", "--lane", "P2")
    assert "4kq8w2mz  P2" in table.out
    assert "greet" in table.out
    assert "--cursor c2" in table.err
    assert house.bodies("job.list")[-1]["states"] == "succeeded"
    assert helio("job", "list", "--json").json == {"items": [job], "next_cursor": "c2"}


def test_an_empty_list_says_what_to_do(helio, house):
    house.on("job.list", {"items": [], "next_cursor": None})
    ran = helio("job", "list")
    assert ran.out == ""
    assert "helio job submit -- echo hello" in ran.err


def test_a_name_cannot_move_the_cursor(helio, house, job):
    house.on("job.list", {"items": [job | {"name": "\x1b[2Jgone\n"}], "next_cursor": None})
    assert "\x1b" not in helio("job", "list").out


def test_show_names_state_reason_attempts_and_result(helio, house, job):
    attempts = [{"epoch": 1, "outcome": "done", "started_at": 1, "session": "session/x"}]
    house.on("job.show", job | {"attempts": attempts, "state": "delayed", "reason": "backoff"})
    ran = helio("job", "show", "4kq8w2mz")
    assert "delayed (backoff)" in ran.out
    assert "session/x" in ran.out
    assert ran.out.endswith("hello\n")


def test_retry_gives_the_new_id(helio, house):
    house.on("job.retry", {"id": "new"})
    assert helio("job", "retry", "4kq8w2mz").out == "new\n"


def test_a_second_signal_is_told_so(helio, house):
    house.on("job.signal", {"accepted": True, "first": False})
    ran = helio("job", "signal", "4kq8w2mz", "go", "--payload", '{"a": 1}')
    assert house.bodies("job.signal")[-1]["payload"] == {"a": 1}
    assert "the first one counts" in ran.err
