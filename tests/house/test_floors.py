"""The floors of the house and the pages drawn from tables are as they should be."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = shutil.which("lint-imports", path=str(Path(sys.executable).parent))


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    assert LINT, "import-linter is one of the test's needs: make test"
    return subprocess.run(
        [LINT, "--no-cache"], cwd=directory, capture_output=True, text=True, check=False
    )


def test_nothing_imports_what_stands_above_it():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_a_planted_import_of_what_stands_above_is_seen(tmp_path):
    for room in ("engine", "store", "actors", "interfaces", "serve"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert lint(tmp_path).returncode == 0
    (tmp_path / "engine" / "lazy.py").write_text("def f():\n    import store\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "engine.lazy -> store" in done.stdout


def test_the_drawn_pages_are_fresh():
    draw = runpy.run_path(str(ROOT / "docs" / "draw.py"))
    assert draw["stale"]() == [], "run python docs/draw.py"


@pytest.mark.parametrize("name", ["state-machine.md", "events.md"])
def test_a_page_edited_by_hand_is_stale(tmp_path, name):
    draw = runpy.run_path(str(ROOT / "docs" / "draw.py"))
    for page, write in draw["PAGES"].items():
        (tmp_path / page).write_text(write())
    draw["stale"].__globals__["HERE"] = tmp_path
    assert draw["stale"]() == []
    (tmp_path / name).write_text("edited")
    assert draw["stale"]() == [name]
