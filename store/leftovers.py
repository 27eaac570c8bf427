"""Removes from the disk what retention removed from the tables, always after the commit.

A crash in between leaves files that nothing refers to; `repair` finds them at the next start. A
file is removed only when it is older than a day: a younger one may belong to an upload whose row
is just being written.
"""

from __future__ import annotations

import shutil

from engine.ports import Store, Tables
from engine.records import Artefact
from store.artefacts import Artefacts
from store.home import Home
from store.prune import DAY_US, Pruned


def discard(home: Home, artefacts: Artefacts, pruned: Pruned) -> None:
    """Remove the output of jobs that are gone, and the files that they alone had left."""
    for job in pruned.jobs:
        shutil.rmtree(home.log_of(job, 0).parent, ignore_errors=True)
    artefacts.remove(pruned.files)


def repair(store: Store, artefacts: Artefacts, now: int) -> int:
    """Remove files without a row and uploads that nobody goes on with; count them."""
    before = now - DAY_US
    old = {path for path in artefacts.kept() if path.stat().st_mtime_ns // 1000 < before}

    def lonely(tables: Tables) -> list[str]:
        names = (path.name for path in old)
        return [name for name in names if not tables.find(Artefact, sha256=name, limit=1)]

    abandoned = artefacts.abandoned(before)
    for path in abandoned:
        path.unlink(missing_ok=True)
    unreferenced = store.read(lonely)
    artefacts.remove(unreferenced)
    return len(abandoned) + len(unreferenced)
