"""The welcome pipeline compiles, and each of its commands runs for real, on a real checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.dispatching.pipelines import BACKENDS as HOUSE_BACKENDS
from engine.conditions import holds
from engine.pipelines import compile_pipeline, describe
from engine.settings import LimitSettings
from engine.templates import render_spec, render_value
from interfaces.cli.progress import last_steps
from interfaces.pipeline_files import BACKENDS
from interfaces.yaml_pipelines import library, load

BARE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}


def run_here(pipeline: dict, inputs: dict, tasks: Path) -> dict[str, str]:
    """Run the steps one after the other, each in a fresh directory; gives their texts."""
    told = describe(compile_pipeline(pipeline, inputs, BACKENDS, LimitSettings()))
    jobs = {job["key"]: job for job in told["jobs"]}
    results: dict[str, dict] = {}
    for key in told["order"]:
        spec = jobs[key]["spec"]
        values = {"input": spec.get("inputs") or {}, "results": results}
        if "when" in spec and not holds(spec["when"], lambda values=values: values):
            results[key] = None
        elif "map" in spec:
            items = render_value(spec["map"]["over"], values)
            texts = [
                execute(
                    spec["map"]["template"]["spec"], values | {"item": item}, tasks / f"{key}{n}"
                )
                for n, item in enumerate(items)
            ]
            results[key] = {"text": "\n".join(texts), "data": texts}
        else:
            results[key] = {"text": execute(spec, values, tasks / key), "data": None}
    return {key: result["text"] if result else None for key, result in results.items()}


def execute(spec: dict, values: dict, directory: Path) -> str:
    directory.mkdir(parents=True)
    filled = render_spec(spec, values)
    argv = filled.get("run") or ["/bin/sh", "-c", filled["sh"]]
    done = subprocess.run(
        argv, cwd=directory, env=BARE | (filled.get("env") or {}), input=filled.get("stdin") or "",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A small git checkout with an odd file name, a binary, tests and loose ends."""
    root = tmp_path / "a checkout"
    for name, content in {
        "app.py": b"# TODO: one\nprint(1)\n# TODO twice TODO\n",
        "test_app.py": b"assert 1\n",
        "src/deep/odd name.md": b"# FIXME this\n",
        "pyproject.toml": b"[project]\n",
        "logo.bin": bytes(range(256)) * 40,
        ".gitignore": b"ignored/\n",
        "ignored/huge.py": b"x\n" * 9999,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    git = ["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@b.example"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "First light"]):
        subprocess.run([*git, *words], check=True, env=BARE)
    return root


def inputs_for(root: Path) -> dict:
    return {"path": str(root), "python": sys.executable, "markers": '["TODO", "FIXME"]'}


def test_the_report_tells_what_is_in_a_checkout(checkout, tmp_path):
    told = run_here(load("welcome"), inputs_for(checkout), tmp_path / "tasks")
    report = told["report"]
    assert (tmp_path / "tasks" / "report" / "report.md").read_text().rstrip("\n") == report
    assert "| .py | 2 | 4 |" in report
    assert "| (binary) | 1 | 0 |" in report
    assert "- 10.0 KiB  `logo.bin`" in report
    assert "1 of 6 files look like tests." in report
    assert "- `pyproject.toml`" in report
    assert "- TODO: 3\n- FIXME: 1" in report
    assert "Commits: 1. Authors: 1." in report
    assert "First light" in report
    assert "huge.py" not in report


def test_a_directory_without_git_gets_a_report_without_history(tmp_path):
    root = tmp_path / "plain"
    root.mkdir()
    (root / "a.txt").write_text("one\n")
    told = run_here(load("welcome"), inputs_for(root), tmp_path / "tasks")
    assert told["history"] is None
    assert "| .txt | 1 | 1 |" in told["report"]
    assert "None found." in told["report"]


def test_an_empty_directory_breaks_no_step(tmp_path):
    root = tmp_path / "void"
    root.mkdir()
    told = run_here(load("welcome"), inputs_for(root), tmp_path / "tasks")
    assert "0 of 0 files look like tests." in told["report"]


def test_a_repository_without_commits_breaks_no_step(tmp_path):
    root = tmp_path / "new"
    root.mkdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True, env=BARE)
    told = run_here(load("welcome"), inputs_for(root), tmp_path / "tasks")
    assert "No commits yet." in told["report"]


def test_names_in_the_checkout_cannot_become_commands(checkout, tmp_path):
    (checkout / "$(touch broken).py").write_text("TODO\n")
    (checkout / "`touch broken`; touch broken").write_text("TODO\n")
    told = run_here(load("welcome"), inputs_for(checkout), tmp_path / "tasks")
    assert "- TODO: 5" in told["report"]
    assert list(tmp_path.rglob("broken")) == []


def test_the_report_is_the_one_step_that_nobody_needs():
    assert last_steps(load("welcome")) == ["report"]


@pytest.mark.parametrize("name", library())
def test_every_pipeline_of_the_library_compiles(name):
    assert compile_pipeline(load(name), {}, BACKENDS, LimitSettings()).drafts


def test_the_check_without_a_house_knows_the_backends_of_the_house():
    assert set(BACKENDS) == set(HOUSE_BACKENDS)
