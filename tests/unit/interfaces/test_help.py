"""Help that is true: every command teaches, every example parses, nothing heavy is imported."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from interfaces.cli.main import app
from interfaces.cli.manual import entries, markdown

ROOT = Path(__file__).parents[3]
HEAVY = {"ray", "sqlalchemy", "fastapi", "starlette", "uvicorn", "litellm", "chromadb", "numpy"}


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_command_says_what_it_does_and_shows_it(entry):
    assert entry.help.endswith(".")
    assert entry.examples, f"{entry.name} has no example"
    assert all(line.startswith("helio ") for line in entry.examples)
    assert any(line.startswith(entry.name) for line in entry.examples)


@pytest.mark.parametrize("line", [line for entry in entries() for line in entry.examples])
def test_every_example_is_a_command_line_that_parses(line):
    called = []
    tree = typer.main.get_command(app)
    silence(tree, called)
    words = shlex.split(line.partition(" < ")[0])
    tree.main(args=words[1:], prog_name="helio", standalone_mode=False)
    assert len(called) == 1


def silence(command, called: list) -> None:
    """Make every command of the tree only note that it was reached."""
    for below in getattr(command, "commands", {}).values():
        silence(below, called)
    if not hasattr(command, "commands"):
        command.callback = lambda **given: called.append(given)


def test_every_option_is_explained():
    silent = [
        f"{entry.name} {name}"
        for entry in entries()
        for name, said in entry.parameters
        if not said.strip()
    ]
    assert silent == []


def test_the_reference_page_is_fresh():
    assert (ROOT / "docs" / "cli.md").read_text() == markdown(), "Draw it again: make docs"


def test_the_command_line_imports_nothing_heavy():
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "interfaces.cli.main", "--help"],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in told.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "interfaces" in imported
    assert imported & HEAVY == set()


def test_every_module_of_the_interfaces_stays_light():
    walk = (
        "import importlib, pkgutil, sys, interfaces\n"
        "for one in pkgutil.walk_packages(interfaces.__path__, 'interfaces.'):\n"
        "    importlib.import_module(one.name)\n"
        "print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", walk], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(told.stdout.split()) & HEAVY == set()


def test_completion_offers_commands():
    environ = {**os.environ, "_HELIO_COMPLETE": "complete_bash", "COMP_WORDS": "helio jo"}
    told = subprocess.run(
        [Path(sys.executable).with_name("helio")], capture_output=True, text=True, check=False,
        env=environ | {"COMP_CWORD": "1"},
    )  # fmt: skip
    assert "job" in told.stdout.split()
