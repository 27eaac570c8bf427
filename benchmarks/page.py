"""RESULTS.md has parts that different benchmarks write; each leaves the others' alone."""

from __future__ import annotations

import re
from pathlib import Path


def put(page: Path, name: str, text: str) -> None:
    """Write the part of this name, in its place or at the end; the rest stays as it is."""
    old = page.read_text() if page.exists() else ""
    part = f"{_begin(name)}\n{text.strip()}\n{_end(name)}\n"
    found = _part(name).search(old)
    if found:
        new = old[: found.start()] + part + old[found.end() :]
    else:
        new = f"{old.rstrip()}\n\n{part}" if old else part
    page.write_text(new)


def parts(page: Path) -> str:
    """Give all named parts as they stand, to be put behind a page that is written anew."""
    old = page.read_text() if page.exists() else ""
    return "\n".join(found[0] for found in _part(r"[a-z-]+").finditer(old))


def _begin(name: str) -> str:
    return f"<!-- part {name} -->"


def _end(name: str) -> str:
    return f"<!-- end {name} -->"


def _part(name: str) -> re.Pattern[str]:
    return re.compile(rf"<!-- part ({name}) -->\n.*?<!-- end \1 -->\n", re.DOTALL)
