"""Small enough to be held in mind: no long file, no long function, no vague name, no loose end."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = (
    "engine",
    "routing",
    "store",
    "actors",
    "interfaces",
    "serve",
    "tests",
    "benchmarks",
    "docs",
)
FILE_LINES = 400
FUNCTION_LINES = 40
VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "misc"}
# Written in pieces, so that this file does not find itself.
LOOSE = re.compile(
    "|".join(
        (
            r"\bTO" + r"DO\b",
            r"\bFIX" + r"ME\b",
            r"\bfor " + r"now\b",
            r"\bplace" + r"holder\b",
            r"\bstub" + r"bed\b",
        )
    )
)
PLACES = re.compile("|".join((r"/work/(?:main|shared)" + r"\b", r"pypi\.(?:org|python)" + r"\b")))


def sources(*suffixes: str) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            inside = path.relative_to(ROOT)
            hidden = any(part.startswith((".", "__")) for part in inside.parts[:-1])
            if path.suffix in suffixes and path.is_file() and not hidden:
                yield inside


def offenders(look: Callable[[Path, str], list[str]], *suffixes: str) -> list[str]:
    return [
        f"{path}: {found}"
        for path in sources(*suffixes)
        for found in look(path, (ROOT / path).read_text())
    ]


def long_file(_: Path, text: str) -> list[str]:
    length = len(text.splitlines())
    return [f"has {length} lines"] if length > FILE_LINES else []


def long_functions(_: Path, text: str) -> list[str]:
    return [
        f"{node.name} has {length} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]


def vague_name(path: Path, _: str) -> list[str]:
    return sorted(VAGUE.intersection([path.stem, *path.parts[:-1]]))


def silent_module(path: Path, text: str) -> list[str]:
    if path.parts[0] == "tests" or not text.strip() or ast.get_docstring(ast.parse(text)):
        return []
    return ["does not say what it is"]


def prose(text: str) -> Iterator[str]:
    """Give the comments and the docstrings of a Python text."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def loose_ends(path: Path, text: str) -> list[str]:
    read = "\n".join(prose(text)) if path.suffix == ".py" else text
    return LOOSE.findall(read)


def machine_paths(_: Path, text: str) -> list[str]:
    return PLACES.findall(text)


def test_every_file_is_short():
    assert offenders(long_file, ".py") == []


def test_every_function_is_short():
    assert offenders(long_functions, ".py") == []


def test_no_name_is_vague():
    assert offenders(vague_name, ".py") == []


def test_every_module_says_what_it_is():
    assert offenders(silent_module, ".py") == []


def test_no_comment_and_no_page_leaves_a_loose_end():
    assert offenders(loose_ends, ".py", ".md", ".sql") == []


def test_no_file_names_the_machine_it_was_written_on():
    assert offenders(machine_paths, ".py", ".md", ".sql", ".yaml", ".toml", ".sh") == []


def test_the_checks_see_what_they_look_for():
    path = Path("engine/helpers.py")
    long = "def f():\n" + "    x = 1\n" * FUNCTION_LINES
    assert long_functions(path, long) == ["f has 41 lines"]
    assert long_file(path, "\n" * 401) == ["has 401 lines"]
    assert vague_name(path, "") == ["helpers"]
    assert silent_module(path, "x = 1") == ["does not say what it is"]
    assert loose_ends(path, "x = 1  # TO" + "DO later\n")
    assert loose_ends(path, 'def f():\n    """Works for' + ' now."""\n')
    assert not loose_ends(path, "[one for now in times]\n")
    assert machine_paths(path, "/work/" + "main/x")
    assert len(list(sources(".py"))) > 30
