"""The in-memory twin of the store: the same semantics, no disk, no SQL. Public, for every test.

It passes the same conformance suite as SQLite. What is stored is not copied: rows are frozen,
and the dicts inside them (`spec`, `result`, `data`) count as immutable once handed over. With
`strict`, each write also proves that it is JSON, as the real store would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from engine.errors import HouseFault
from engine.ports import Tables
from engine.records import Artefact, Attempt, Call, Decision, Review, Signal
from store.faults import nested_write
from store.memory_jobs import MemoryJobs
from store.memory_records import MemoryEvents, MemoryRecords
from store.undo import UndoLog

T = TypeVar("T")


class MemoryTables(MemoryJobs, MemoryEvents, MemoryRecords):
    """Every verb of the port, over dicts and sorted lists."""

    def __init__(self, undo: UndoLog, *, strict: bool) -> None:
        MemoryJobs.__init__(self, undo, strict=strict)
        MemoryEvents.__init__(self, undo, strict=strict)
        MemoryRecords.__init__(self, undo, strict=strict)

    def delete_jobs(self, ids: Sequence[str]) -> None:
        """Remove rows with their edges and the records that name them as their job."""
        for kind in (Attempt, Signal, Decision, Artefact, Call, Review):
            self._remove_of_jobs(kind, frozenset(ids))
        self._delete_jobs(ids)


class MemoryStore:
    """`engine.ports.Store` for one thread."""

    def __init__(self, *, strict: bool = False) -> None:
        self._undo = UndoLog()
        self._tables = MemoryTables(self._undo, strict=strict)
        self._closed = False

    def write(self, act: Callable[[Tables], T]) -> T:
        """Run `act`; take everything back if it raises."""
        self._refuse_if_closed()
        if self._undo.open:
            raise nested_write()
        self._undo.begin()
        try:
            result = act(self._tables)
        except BaseException:
            self._undo.roll_back()
            raise
        self._undo.commit()
        return result

    def read(self, act: Callable[[Tables], T]) -> T:
        """Run `act`; it cannot write."""
        self._refuse_if_closed()
        return act(self._tables)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise HouseFault("The store is closed.", remedy="Make a new one.")

    def close(self) -> None:
        """Refuse everything from now on."""
        self._closed = True
