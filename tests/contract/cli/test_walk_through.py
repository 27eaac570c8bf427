"""`helio` before a whole house: the tour of the README, command by command, without Ray."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interfaces.cli import reach
from interfaces.cli.main import main
from store.home import Home
from tests.contract.cli.one_process import one_process


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    at = Home.at(tmp_path_factory.mktemp("helio") / "home")
    with one_process(at):
        yield at


@pytest.fixture
def helio(home, capsys, monkeypatch):
    monkeypatch.setenv("HELIOGRAPH_HOME", str(home.root))
    reach.choose("")

    def ran(*argv: str) -> Ran:
        capsys.readouterr()
        code = main(argv)
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return ran


def test_a_command_runs_and_its_result_comes_back(helio):
    ran = helio("job", "submit", "--wait", "--", "echo", "hello", "$HOME")
    assert (ran.code, ran.out, ran.err) == (0, "hello $HOME\n", "")


def test_the_long_shape_gives_the_job_as_json(helio, tmp_path):
    shape = ("job", "submit", "--backend", "shell", "--cwd", str(tmp_path), "--lane", "P2")
    job = helio(*shape, "--wait", "--json", "--", "pwd").json
    assert job["state"] == "succeeded"
    assert job["cwd"] == job["result"]["text"] == str(tmp_path.resolve())
    assert job["lane"] == "P2"


def test_stdin_env_and_secrets_reach_the_process(helio, tmp_path):
    (tmp_path / "in.txt").write_text("typed\n")
    ran = helio(
        *("job", "submit", "--wait", "--stdin", str(tmp_path / "in.txt"), "--env", "A=1"),
        *("--env", "B=secret:GREETING", "--sh", 'cat; echo "$A $B"'),
    )
    assert ran.out == "typed\n1 hello from the vault\n"


def test_output_streams_to_its_end(helio):
    ran = helio("job", "submit", "--logs", "--sh", "for i in 1 2 3; do echo $i; sleep 0.1; done")
    assert (ran.code, ran.out) == (0, "1\n2\n3\n")


def test_a_job_that_fails_ends_with_1_and_says_why(helio):
    ran = helio("job", "submit", "--wait", "--retries", "0", "--sh", "echo no >&2; exit 3")
    assert ran.code == 1
    assert "exited with code 3" in ran.err


def test_jobs_are_listed_shown_and_found_by_their_ending(helio):
    identity = helio("job", "submit", "--name", "findme", "--wait", "--json", "--", "true").json[
        "id"
    ]
    assert identity[-8:] in helio("job", "list", "--text", "findme").out
    assert helio("job", "show", identity[-8:], "--json").json["id"] == identity
    shown = helio("job", "show", identity[-8:])
    assert "findme" in shown.out
    assert "attempts" not in shown.err
    first = helio("job", "list", "--limit", "1", "--json").json
    second = helio("job", "list", "--limit", "1", "--json", "--cursor", first["next_cursor"]).json
    assert first["items"][0]["id"] > second["items"][0]["id"]


def test_cancel_ends_a_job_that_would_sleep_for_ever(helio):
    identity = helio("job", "submit", "--", "sleep", "600").out.strip()
    ran = helio("job", "cancel", identity, "--wait", "--timeout", "20", "--json")
    assert ran.json["state"] == "cancelled"
    again = helio("job", "wait", identity)
    assert (again.code, "cancelled" in again.err) == (1, True)


def test_a_wait_runs_out_of_time_and_the_job_goes_on(helio):
    identity = helio("job", "submit", "--", "sleep", "600").out.strip()
    ran = helio("job", "wait", identity, "--timeout", "0.3")
    assert ran.code == 124
    assert helio("job", "show", identity, "--json").json["state"] in {"ready", "running"}
    assert helio("job", "cancel", identity, "--wait").code == 0


def test_retry_makes_a_new_job(helio):
    identity = helio("job", "submit", "--wait", "--json", "--", "echo", "again").json["id"]
    ran = helio("job", "retry", identity, "--wait", "--json")
    assert ran.json["retry_of"] == identity
    assert ran.json["result"]["text"] == "again"


def test_the_same_key_gives_the_same_job_and_another_body_is_refused(helio):
    submit = ("job", "submit", "--idempotency-key", "k1", "--json", "--", "echo")
    first, second = helio(*submit, "a").json, helio(*submit, "a").json
    assert first["id"] == second["id"]
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert helio(*submit, "b").code == 6


def test_a_job_waits_for_another(helio):
    first = helio("job", "submit", "--", "sleep", "0.3").out.strip()
    ran = helio("job", "submit", "--after", first[-8:], "--wait", "--", "echo", "after")
    assert ran.out == "after\n"


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("job", "show", "zzzzzzzz"), 3, "zzzzzzzz"),
        (("job", "submit", "--lane", "1", "--", "x"), 2, "P0 to P5"),
        (("job", "submit", "--cwd", "/does/not/exist", "--", "x"), 2, "/does/not/exist"),
        (("job", "submit", "--backend", "telepathy", "--", "x"), 2, "telepathy"),
        (("job", "submit", "--sh", "echo {{nobody}}"), 2, "nobody"),
        (("job", "list", "--state", "sleepy"), 2, "blocked"),
        (("worker", "show", "session/nobody"), 3, "nobody"),
        (("project", "show", "nobody"), 3, "nobody"),
        (("decision", "show", "zzzzzzzz"), 3, "zzzzzzzz"),
        (("decision", "answer", "zzzzzzzz", "yes"), 3, "zzzzzzzz"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(helio, argv, code, words):
    ran = helio(*argv)
    assert ran.code == code
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_the_welcome_pipeline_reports_on_this_checkout(helio):
    root = Path(__file__).parents[3]
    ran = helio("pipeline", "run", "welcome", "--input", f"path={root}", "--watch")
    assert ran.code == 0, ran.err
    assert f"# What is in {root}" in ran.out
    assert "| .py |" in ran.out
    for step in ("kind", "inventory", "languages", "markers", "report"):
        assert f"{step:<14}succeeded" in ran.err
    assert "/docs" in ran.err
    assert "helio down" in ran.err


def test_a_pipeline_can_be_waited_for_as_json(helio, tmp_path):
    ran = helio("pipeline", "run", "welcome", "-i", f"path={tmp_path}", "--wait", "--json")
    assert ran.json["state"] == "succeeded"
    steps = helio("job", "list", "--run", ran.json["id"], "--json").json["items"]
    assert {step["state"] for step in steps} == {"succeeded", "skipped"}


def test_a_circle_is_named_before_anything_runs(helio, tmp_path):
    file = tmp_path / "circle.yaml"
    file.write_text("steps:\n  a: {run: [x], needs: [b]}\n  b: {run: [x], needs: [a]}\n")
    for word in ("check", "render", "run"):
        ran = helio("pipeline", word, str(file))
        assert ran.code == 2
        assert "a -> b -> a" in ran.err


def test_projects_workers_and_events_are_there(helio, tmp_path):
    (tmp_path / ".git").mkdir()
    assert helio("project", "add", "site", "--root", str(tmp_path), "--lane", "P4").code == 0
    assert "site" in helio("project", "list").out
    assert helio("job", "submit", "--cwd", str(tmp_path), "--wait", "--", "true").code == 0
    assert str(tmp_path.resolve()) in helio("worker", "list").out
    events = helio("event", "tail", "--after", "0", "--no-follow", "--filter", "job.", "--jsonl")
    kinds = [json.loads(line)["kind"] for line in events.out.splitlines()]
    assert "job.succeeded" in kinds
    assert all(kind.startswith("job.") for kind in kinds)


def test_a_question_waits_for_the_owner_and_is_answered_once(helio, tmp_path):
    file = tmp_path / "ask.yaml"
    file.write_text(
        "steps:\n  ask: {ask: {question: 'Ship it?', options: [yes, no]}}\n"
        "  ship: {run: [echo, '{{results.ask}}'], needs: [ask]}\n"
    )
    run = helio("pipeline", "run", str(file)).out.strip()
    listed = helio("decision", "list", "--json").json["items"]
    asked = next(item for item in listed if item["question"] == "Ship it?")
    assert "Ship it?" in helio("decision", "show", asked["id"][-8:]).out
    assert helio("decision", "answer", asked["id"][-8:], "maybe").code == 2
    assert helio("decision", "answer", asked["id"][-8:], "yes").code == 0
    assert helio("decision", "answer", asked["id"][-8:], "no").code == 6
    assert helio("job", "wait", run).code == 0
    shipped = helio("job", "list", "--run", run, "--text", "ship", "--json").json["items"][0]
    assert shipped["result"]["text"] == "yes"


def test_pause_holds_new_jobs_until_resume(helio):
    assert helio("pause").code == 0
    identity = helio("job", "submit", "--", "true").out.strip()
    assert helio("job", "wait", identity, "--timeout", "0.3").code == 124
    with reach.client() as client:
        client.ask("house.resume", {"by": "cli"})
    assert helio("job", "wait", identity, "--timeout", "20").code == 0


def test_a_large_result_is_shown_by_its_end_and_fetched_whole(helio, tmp_path):
    flood = "i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done"
    ran = helio("job", "submit", "--wait", "--name", "flood", "--sh", flood)
    assert ran.out.endswith("line 29999\n")
    assert "Get it: helio job artefact" in ran.err
    (job,) = helio("job", "list", "--text", "flood", "--json").json["items"]
    whole = tmp_path / "whole.txt"
    got = helio("job", "artefact", job["id"][-8:], "stdout.txt", "--output", str(whole))
    assert got.code == 0, got.err
    assert whole.read_text().splitlines() == [f"line {n}" for n in range(30_000)]


def test_jobs_can_wait_for_a_signal_or_for_the_owner(helio):
    gate = helio("job", "submit", "--signal", "go").out.strip()
    after = helio("job", "submit", "--after", gate, "--", "echo", "gone").out.strip()
    assert "helio job signal" in helio("job", "show", gate).out
    assert helio("job", "signal", gate, "go").code == 0
    assert helio("job", "wait", after).out == "gone\n"
    asked = helio("job", "submit", "--ask", "Now?", "--option", "yes", "--option", "no").out.strip()
    (card,) = helio("job", "show", asked, "--json").json["decisions"]
    assert helio("decision", "answer", card["id"], "yes").code == 0
    assert helio("job", "wait", asked).out == "yes\n"
    late = helio("job", "submit", "--signal", "never", "--deadline", "0.1s", "--wait")
    assert late.code == 1
    assert "The signal never did not come before the deadline." in late.err
