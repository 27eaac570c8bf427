"""What a terminal, a pipe and a stranger's hand do to `helio`: tables, help, Ctrl-C, full disks."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interfaces.cli import patience, voice
from interfaces.views import JOBS


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Put a terminal in place of stdout, 60 columns wide and without colours."""

    def put() -> Terminal:
        for name, value in (("COLUMNS", "60"), ("NO_COLOR", "1"), ("TERM", "xterm")):
            monkeypatch.setenv(name, value)
        shown = Terminal()
        monkeypatch.setattr(sys, "stdout", shown)
        return shown

    return put


def test_a_narrow_terminal_never_cuts_what_commands_are_given(job, terminal):
    long = job | {"name": "a very long name " * 9, "state": "skipped", "reason": "upstream"}
    shown = terminal()
    voice.emit_table(JOBS, [long])
    _, row = shown.getvalue().splitlines()
    assert len(row) <= 60
    assert row.startswith("4kq8w2mz  P2  skipped (upstream)  1.0s")
    assert "…" in row


def test_columns_with_nothing_in_them_take_no_room(job, terminal):
    shown = terminal()
    voice.emit_table(JOBS, [job | {"cwd": ""}])
    assert "WHERE" not in shown.getvalue()


def test_a_pipe_gets_whole_values_and_no_blanks_behind_them(job, capsys):
    voice.emit_table(JOBS, [job | {"name": "n" * 200}, job])
    lines = capsys.readouterr().out.splitlines()
    assert "n" * 200 in lines[1]
    assert all(line == line.rstrip() for line in lines)


def test_output_is_tamed_on_a_terminal_and_untouched_in_a_pipe(terminal):
    shown = terminal()
    pieces = ["\x1b[2J\x1b[31mred", "\x07\n"]
    voice.emit_output(pieces)
    assert shown.getvalue() == "\\x1b[2Jred\\x07\n"
    pipe = io.StringIO()
    voice.emit_output(pieces, pipe)
    assert pipe.getvalue() == "".join(pieces)


def test_json_and_messages_hold_nothing_that_steers_a_terminal(capsys):
    voice.emit_json({"name": "a\x9b2J\x1b[2J"})
    voice.say("gone \x1b[2J")
    told = capsys.readouterr()
    assert told.out == '{\n  "name": "a\\u009b2J\\u001b[2J"\n}\n'
    assert told.err == "gone \\x1b[2J\n"


def test_no_command_shows_the_help_and_calls_it_no_error(helio):
    for argv in ((), ("job",)):
        ran = helio(*argv)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("Usage: helio")


def test_who_stops_watching_is_told_that_the_job_goes_on(helio, house, job, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    house.on("job.show", job | {"state": "running"})
    monkeypatch.setattr(patience, "rest", interrupt)
    for argv in (("job", "wait", "4kq8w2mz"), ("job", "cancel", "4kq8w2mz", "--wait")):
        house.on("job.cancel", job | {"state": "running"})
        ran = helio(*argv)
        assert ran.code == 130
        assert "helio job show 4kq8w2mz" in ran.err
        assert "not interrupted" in ran.err


def helio_to(sink, home, **environ):
    with Path(sink).open("w") as file:
        return subprocess.run(
            [sys.executable, "-m", "interfaces.cli.main", "job", "list"],
            stdout=file, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "HELIOGRAPH_HOME": str(home.root)} | environ,
        )  # fmt: skip


def test_a_full_disk_is_told_in_a_sentence(house, home, job):
    house.on("job.list", {"items": [job], "next_cursor": None})
    ran = helio_to("/dev/full", home)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: The output cannot be written: No space left on device.")


def test_a_terminal_that_knows_no_accents_gets_escapes(house, home, job, tmp_path):
    house.on("job.list", {"items": [job | {"name": "café"}], "next_cursor": None})
    ran = helio_to(tmp_path / "out", home, PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "caf\\xe9" in (tmp_path / "out").read_text()


def test_a_failed_run_names_the_step_its_cause_and_the_remedy(helio, house, job, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("steps:\n  build: {run: [x]}\n  ship: {run: [y], needs: [build]}\n")
    root = job | {"id": "01hzzzzzzzzzzzzzzz00000000", "kind": "group", "state": "failed"}
    error = {"message": "It exited with code 7: no header", "remedy": "Mend it."}
    step = job | {"state": "failed", "name": "build", "error": error}
    house.on("pipeline.run", {"id": root["id"], "steps": {"build": step["id"]}})
    house.on("job.show", root)
    house.on("job.list", {"items": [step], "next_cursor": None})
    ran = helio("pipeline", "run", str(file), "--wait")
    assert ran.code == 1
    assert "Step build, 4kq8w2mz failed: It exited with code 7: no header.\n" in ran.err
    assert "remedy: Mend it.\n" in ran.err
    assert "helio job logs 4kq8w2mz" in ran.err
    assert house.bodies("job.list")[-1]["states"] == ["failed", "cancelled"]


def test_a_waiting_job_shows_what_it_waits_for(helio, house, job):
    waiting = job | {"state": "waiting", "name": "", "spec": {"wait": {"signal": "go on"}}}
    house.on("job.show", waiting | {"awaits": {"signal": "go on"}})
    shown = helio("job", "show", "4kq8w2mz").out
    assert "helio job signal 4kq8w2mz 'go on'" in shown
    assert "wait for go on" in shown


def test_a_project_has_no_root_that_is_not_there(helio, house):
    ran = helio("project", "add", "site", "--root", "/does/not/exist")
    assert (ran.code, "/does/not/exist" in ran.err) == (2, True)
    assert house.asked == []
