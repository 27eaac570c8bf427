"""The in-memory events and records."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar, cast

from engine.events import Event, EventKind
from engine.records import Record
from store.codec import EVENT, RECORDS
from store.snapshots import first_of_newest_whole
from store.undo import UndoLog

R = TypeVar("R", bound=Record)
_seq = attrgetter("seq")


class MemoryEvents:
    """The verbs of `engine.ports.Tables` that concern events."""

    def __init__(self, undo: UndoLog, *, strict: bool) -> None:
        self._undo = undo
        self._strict = strict
        self._log: list[Event] = []

    def append_events(self, events: Sequence[Event]) -> list[int]:
        """Append, giving each its seq."""
        if not events:
            return []
        first, length = self.last_seq() + 1, len(self._log)
        self._undo.note(partial(self._cut, length))
        for place, event in enumerate(events):
            if self._strict:
                EVENT.encode(event)
            self._log.append(replace(event, seq=first + place))
        return list(range(first, first + len(events)))

    def _cut(self, length: int) -> None:
        del self._log[length:]

    def events(
        self, after: int, limit: int, prefixes: Sequence[str] = (), subject: str = ""
    ) -> list[Event]:
        """Events with seq > after, by seq."""
        start = bisect_right(self._log, after, key=_seq)
        wanted = tuple(prefixes)
        found = (
            event
            for event in islice(self._log, start, None)
            if (not subject or event.subject == subject)
            and (not wanted or event.kind.startswith(wanted))
        )
        return list(islice(found, limit))

    def last_seq(self) -> int:
        """The newest event's seq, 0 when there is none."""
        return self._log[-1].seq if self._log else 0

    def newest_snapshot(self) -> int:
        """Seq of the first part of the newest whole snapshot, 0 when there is none."""
        parts = (e for e in reversed(self._log) if e.kind is EventKind.STORE_SNAPSHOT)
        return first_of_newest_whole((event.seq, event.subject) for event in parts)

    def delete_events(self, before: int, limit: int) -> int:
        """Remove at most `limit` events with seq < before, never the newest of all."""
        end = min(bisect_left(self._log, before, key=_seq), limit, max(len(self._log) - 1, 0))
        removed = self._log[:end]
        self._undo.note(partial(self._restore, removed))
        del self._log[:end]
        return len(removed)

    def _restore(self, removed: list[Event]) -> None:
        self._log[:0] = removed


class MemoryRecords:
    """The verbs of `engine.ports.Tables` that concern the rows of `engine.records`."""

    def __init__(self, undo: UndoLog, *, strict: bool) -> None:
        self._undo = undo
        self._strict = strict
        self._tables: dict[type[Any], dict[Any, Record]] = {kind: {} for kind in RECORDS}
        self._keys: dict[type[Any], list[Any]] = {kind: [] for kind in RECORDS}

    def get(self, kind: type[R], key: object) -> R | None:
        """The row of that key, or None."""
        return cast("R | None", self._tables[kind].get(key))

    def get_all(self, kind: type[R], keys: Iterable[object]) -> list[R]:
        """The rows of these keys, in no order."""
        table = self._tables[kind]
        return [cast("R", table[key]) for key in dict.fromkeys(keys) if key in table]

    def put(self, *rows: Record) -> None:
        """Insert or replace rows by key."""
        for row in rows:
            codec = RECORDS[type(row)]
            if self._strict:
                codec.encode(row)
            self._set_record(type(row), getattr(row, codec.key), codec.settled(row))

    def _set_record(self, kind: type[Record], key: Any, row: Record | None) -> None:
        old = self._tables[kind].get(key)
        self._undo.note(partial(self._move_record, kind, key, old))
        self._move_record(kind, key, row)

    def _move_record(self, kind: type[Record], key: Any, row: Record | None) -> None:
        table, keys = self._tables[kind], self._keys[kind]
        if key not in table and row is not None:
            insort(keys, key)
        if row is not None:
            table[key] = row
        elif key in table:
            del table[key]
            del keys[bisect_left(keys, key)]

    def find(
        self,
        kind: type[R],
        /,
        *,
        after: object = None,
        limit: int = 1000,
        newest: bool = False,
        **equals: object,
    ) -> list[R]:
        """Rows whose columns equal these values, by key, starting behind key `after`."""
        wanted = tuple(equals.items())
        found = (
            row
            for row in (self._before if newest else self._behind)(kind, after)
            if all(getattr(row, name) == value for name, value in wanted)
        )
        return list(islice(cast("Iterator[R]", found), limit))

    def _behind(self, kind: type[Any], after: Any) -> Iterator[Record]:
        keys, table = self._keys[kind], self._tables[kind]
        start = 0 if after is None else bisect_right(keys, after)
        return (table[key] for key in islice(keys, start, None))

    def _before(self, kind: type[Any], after: Any) -> Iterator[Record]:
        keys, table = self._keys[kind], self._tables[kind]
        end = len(keys) if after is None else bisect_left(keys, after)
        return (table[keys[place]] for place in range(end - 1, -1, -1))

    def aged(self, kind: type[R], column: str, before: int, limit: int) -> list[R]:
        """Rows whose time `column` is before `before`, oldest first; 0 counts as never."""
        rows = [row for row in self._behind(kind, None) if 0 < getattr(row, column) < before]
        return cast("list[R]", sorted(rows, key=attrgetter(column))[:limit])

    def remove(self, kind: type[Record], keys: Iterable[object]) -> None:
        """Delete rows by key."""
        for key in keys:
            if key in self._tables[kind]:
                self._set_record(kind, key, None)

    def _remove_of_jobs(self, kind: type[Record], jobs: frozenset[str]) -> None:
        rows = self._tables[kind].items()
        self.remove(kind, [key for key, row in rows if getattr(row, "job", "") in jobs])
