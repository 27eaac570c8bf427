"""Finds files that nothing refers to: what a crash between a commit and its clean-up leaves.

A file is removed only when it is older than a day: a younger one may belong to an upload whose
row is just being written.
"""

from __future__ import annotations

from engine.ports import Store, Tables
from engine.records import Artefact
from store.artefacts import Artefacts
from store.prune import DAY_US


def repair(store: Store, artefacts: Artefacts, now: int) -> int:
    """Remove files without a row and uploads that nobody goes on with; count them.

    It is meant for the start of a dispatcher.
    """
    before = now - DAY_US
    old = [path.name for path in artefacts.kept() if path.stat().st_mtime_ns // 1000 < before]

    def lonely(tables: Tables) -> list[str]:
        return [name for name in old if not tables.find(Artefact, sha256=name, limit=1)]

    abandoned = artefacts.abandoned(before)
    for path in abandoned:
        path.unlink(missing_ok=True)
    unreferenced = store.read(lonely)
    artefacts.remove(unreferenced)
    return len(abandoned) + len(unreferenced)
