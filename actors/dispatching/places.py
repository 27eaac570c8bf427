"""Where a job works: a canonical directory and the project it belongs to.

The only part of the dispatcher that looks at a disk besides the store. Directories are resolved
before a batch is compiled, so that what is stored never depends on where somebody stood.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from engine.drafts import Batch, Draft
from engine.errors import NotADirectory
from engine.jobs import JobKind

DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Place:
    """A canonical directory and the name of its project."""

    directory: str
    project: str


def place(cwd: str) -> Place:
    """Find a directory and its project: the nearest git root's name.

    Raises:
        NotADirectory: it does not exist, or is not a directory, or is not absolute.
    """
    path = Path(cwd).expanduser()
    if not path.is_absolute():
        raise NotADirectory(
            f"{cwd!r} is not an absolute path.",
            remedy="Give the whole path; the CLI does so by itself.",
        )
    directory = os.path.realpath(path)
    if not Path(directory).is_dir():
        raise NotADirectory(
            f"There is no directory {directory}.", remedy="Create it, or correct the path."
        )
    return Place(directory, _project_of(Path(directory)))


def settle_places(batch: Batch) -> Batch:
    """Give the batch with every directory canonical and every project known.

    A `map` group's directory is where its children will work.
    """
    return replace(batch, drafts=tuple(_placed(draft) for draft in batch.drafts))


def _placed(draft: Draft) -> Draft:
    works = draft.kind is JobKind.TASK or "map" in draft.spec
    if not works or not draft.cwd:
        return draft if draft.project else replace(draft, project=DEFAULT_PROJECT)
    found = place(draft.cwd)
    return replace(draft, cwd=found.directory, project=draft.project or found.project)


def _project_of(directory: Path) -> str:
    for candidate in (directory, *directory.parents):
        if (candidate / ".git").exists():
            return candidate.name or DEFAULT_PROJECT
    return DEFAULT_PROJECT
