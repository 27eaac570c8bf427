"""Bad input through the real door: a sentence, a remedy, and nothing that was accepted is lost.

The house is whole and lives in this process: the API over HTTP, the dispatcher on SQLite, sessions
with real processes. Whatever it is sent here, it stores nothing of it and goes on as before.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interfaces.client import base_url
from store.home import Home
from tests.contract.cli.one_process import TOKEN, one_process
from tests.fault.house import House, short_dir

pytestmark = pytest.mark.fault

A_B_A = {"a": {"run": ["x"], "needs": ["b"]}, "b": {"run": ["x"], "needs": ["a"]}}
BATCH_CIRCLE = [{"key": k, "run": ["x"], "needs": [n]} for k, n in ("ab", "bc", "ca")]

# What is sent, and the status, the kind, and words of the sentence and of the remedy.
REFUSED: dict[str, tuple[str, Any, int, str, str, str]] = {
    "a circle of jobs": (
        "/v1/jobs", {"jobs": BATCH_CIRCLE}, 400, "cycle", "a -> ", "needs"),
    "a circle of steps": (
        "/v1/pipelines/run", {"pipeline": {"steps": A_B_A}}, 400, "cycle", "a -> b -> a", "needs"),
    "a template that names nobody": (
        "/v1/jobs", {"sh": "echo {{results.nobody}}"}, 400, "unknown-name", "nobody", ""),
    "a step that names nobody": (
        "/v1/pipelines/run", {"pipeline": {"steps": {"a": {"sh": "echo {{input.nobody}}"}}}},
        400, "unknown-name", "nobody", ""),
    "a backend nobody has": (
        "/v1/jobs", {"run": ["x"], "backend": "telepathy"}, 400, "unknown-name", "telepathy",
        "shell"),
    "a directory that is not there": (
        "/v1/jobs", {"run": ["x"], "cwd": "/does/not/exist"}, 400, "not-a-directory",
        "/does/not/exist", ""),
    "a bare integer as priority": (
        "/v1/jobs", {"run": ["x"], "lane": 1}, 400, "bad-input", "not a priority", "P0 to P5"),
    "an integer in quotes as priority": (
        "/v1/jobs", {"run": ["x"], "lane": "1"}, 400, "bad-input", "not a priority", "P0 to P5"),
    "a spec over its limit": (
        "/v1/jobs", {"run": ["echo", "x" * 300_000]}, 413, "payload-too-large", "",
        "stdin"),
    "a request over its limit": (
        "/v1/jobs", {"run": ["echo", "x" * (9 * 2**20)]}, 413, "payload-too-large", "",
        "serve.request_bytes"),
    "a field nobody knows": (
        "/v1/jobs", {"run": ["x"], "prioritty": "P1"}, 400, "bad-input", "prioritty", "/docs"),
    "two kinds of work at once": (
        "/v1/jobs", {"run": ["x"], "sh": "x"}, 400, "bad-input", "", ""),
    "a command that is empty": (
        "/v1/jobs", {"run": []}, 400, "bad-input", "", ""),
    "a member that does not exist": (
        "/v1/jobs", {"group": {"mode": "race", "members": ["0123456789abcdef"]}},
        404, "not-found", "", "helio job list"),
    "no object at all": ("/v1/jobs", [1, 2], 400, "bad-input", "", ""),
    "not JSON": ("/v1/jobs", b"{run: x", 400, "bad-input", "", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with short_dir() as directory:
        home = Home.at(directory / "home")
        with one_process(home):
            yield home


@pytest.fixture(scope="module")
def owner(home: Home) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=base_url(home), headers=headers, timeout=30) as client:
        yield client


def all_ids(owner: httpx.Client) -> set[str]:
    return {job["id"] for job in owner.get("/v1/jobs", params={"limit": 500}).json()["items"]}


def result_of(owner: httpx.Client, job: str) -> dict[str, Any]:
    return owner.get(f"/v1/jobs/{job}/wait", params={"timeout_s": 20}).json()


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_accepted_is_refused_with_its_remedy_and_nothing_changes(
    owner: httpx.Client, case: str
) -> None:
    path, body, status, slug, words, remedy = REFUSED[case]
    before = owner.post("/v1/jobs", json={"run": ["echo", "kept"]}).json()["ids"][0]
    known = all_ids(owner)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = owner.post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition(":")[2]) == (status, slug), problem
    assert words in problem["detail"]
    assert problem["remedy"]
    assert remedy in problem["remedy"], problem["remedy"]
    assert all_ids(owner) == known
    assert result_of(owner, before)["result"]["text"] == "kept"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer no"}, {"Authorization": "x"}])
def test_a_bad_token_changes_nothing_and_the_answer_says_where_the_right_one_is(
    home: Home, owner: httpx.Client, headers: dict[str, str]
) -> None:
    known = all_ids(owner)
    stranger = base_url(home) + "/v1/jobs"
    answer = httpx.post(stranger, json={"run": ["echo", "x"]}, headers=headers)
    assert answer.status_code == 401
    assert "token" in answer.json()["remedy"]
    assert TOKEN not in answer.text
    assert all_ids(owner) == known


EVIL = [
    "'; touch broken-out; echo '", '"; touch broken-out; echo "', "$(touch broken-out)",
    "`touch broken-out`", "x\ntouch broken-out\n", "| touch broken-out #", "&& touch broken-out",
    "-e --help", "{{input.secret}}", "\\'; touch broken-out #",
]  # fmt: skip
PLACES = (
    "printf %s {{results.said}}",
    'printf %s "{{results.said}}"',
    "printf '%s' pre-{{results.said}}",
    "cat <<END | head -c -1\n{{results.said}}\nEND",
)


@pytest.mark.parametrize("text", EVIL)
def test_what_one_step_says_never_becomes_a_command_of_the_next(
    home: Home, owner: httpx.Client, text: str
) -> None:
    steps: dict[str, Any] = {"said": {"run": ["printf", "%s", "{{input.text}}"]}}
    steps["argv"] = {"needs": ["said"], "run": ["printf", "%s", "{{results.said}}"]}
    for number, place in enumerate(PLACES):
        steps[f"sh{number}"] = {"needs": ["said"], "sh": place}
    pipeline = {"inputs": {"text": {"type": "string"}}, "steps": steps}
    body = {"pipeline": pipeline, "inputs": {"text": text}}
    made = owner.post("/v1/pipelines/run", json=body)
    assert made.status_code == 201, made.text
    assert result_of(owner, made.json()["id"])["state"] == "succeeded"
    for name, job in made.json()["steps"].items():
        said = result_of(owner, job)["result"]["text"]
        assert said.removeprefix("pre-").rstrip("\n") == text.rstrip("\n"), name
    assert not list(home.root.rglob("broken-out"))


def helio(
    home: Path, *argv: str, given: str = "", timeout_s: float = 90
) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    env = dict(os.environ) | {"HELIOGRAPH_HOME": str(home)}
    command = [sys.executable, "-P", "-m", "interfaces.cli.main", *argv]
    return subprocess.run(
        command,
        env=env,
        input=given,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture
def furnished() -> Iterator[House]:
    """Give a home without a house; whatever a test starts in it ends with the test."""
    with short_dir() as directory:
        house = House(directory / "home")
        house.furnish()
        try:
            yield house
            house.assert_nothing_left()
        finally:
            house.end_by_force()


def test_up_on_a_busy_port_names_the_port_and_the_setting_and_leaves_nothing(
    furnished: House,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        furnished.home.config.write_text(f"[serve]\nport = {port}\n")
        furnished.home.config.chmod(0o600)
        told = helio(furnished.home.root, "up")
    assert told.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in told.stderr
    assert "serve.port" in told.stderr


def test_up_on_a_newer_store_says_so_after_one_try_and_does_not_touch_it(furnished: House) -> None:
    home = furnished.home
    with one_process(home):
        pass
    with sqlite3.connect(home.store) as raw:
        raw.execute("INSERT INTO schema_version VALUES (9999, 'from_the_future', 1)")
    raw.close()
    before = home.store.read_bytes()
    told = helio(home.root, "up")
    assert told.returncode == 1
    assert "schema 9999" in told.stderr
    assert "newer Heliograph" in told.stderr
    assert told.stderr.count("Starting the Ray head") == 1
    assert home.store.read_bytes() == before
