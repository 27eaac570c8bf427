"""The verbs of edges, events and records, on SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from engine.events import Event
from engine.jobs import Edge
from engine.records import Record
from store.codec import EDGE, EVENT, RECORDS, Codec
from store.driver import Driver, in_lists
from store.snapshots import first_of_newest_whole

R = TypeVar("R", bound=Record)


def _quoted(names: Iterable[str]) -> str:
    return ",".join(f'"{name}"' for name in names)


def _insert(codec: Codec[Any]) -> str:
    marks = ",".join("?" * len(codec.names))
    return f"INSERT INTO {codec.table} ({_quoted(codec.names)}) VALUES ({marks})"


def _upsert(codec: Codec[Any]) -> str:
    changes = ",".join(f'"{name}" = excluded."{name}"' for name in codec.names[1:])
    return f'{_insert(codec)} ON CONFLICT ("{codec.key}") DO UPDATE SET {changes}'


_INSERT_EDGE = _insert(EDGE)
_INSERT_EVENT = _insert(EVENT)
_UPSERTS: dict[type[Any], str] = {kind: _upsert(codec) for kind, codec in RECORDS.items()}
_SELECTS: dict[type[Any], str] = {
    kind: f"SELECT {_quoted(c.names)} FROM {c.table}" for kind, c in RECORDS.items()
}
_EDGES = f"SELECT {_quoted(EDGE.names)} FROM edge"
_EVENTS = f"SELECT {_quoted(EVENT.names)} FROM event WHERE seq > ?"
_LAST_SEQ = "SELECT max(seq) FROM event"
_SNAPSHOTS = "SELECT seq, subject FROM event WHERE kind = 'store.snapshot' ORDER BY seq DESC"
_DELETE_EVENTS = (
    "DELETE FROM event WHERE seq IN"
    " (SELECT seq FROM event WHERE seq < ? AND seq < (SELECT max(seq) FROM event)"
    " ORDER BY seq LIMIT ?)"
)


class EdgeTable:
    """The verbs of `engine.ports.Tables` that concern edges."""

    _driver: Driver

    def insert_edges(self, edges: Sequence[Edge]) -> None:
        """Add edges."""
        if edges:
            self._driver.many(_INSERT_EDGE, [EDGE.encode(edge) for edge in edges])

    def edges_from(self, parents: Iterable[str]) -> list[Edge]:
        """Edges whose parent is one of these."""
        found: list[Edge] = []
        for marks, values in in_lists(list(parents)):
            rows = self._driver.rows(f"{_EDGES} WHERE parent IN ({marks})", values)
            found += map(EDGE.decode, rows)
        return found

    def edges_to(self, child: str) -> list[Edge]:
        """Edges into this child, by idx."""
        rows = self._driver.rows(f"{_EDGES} WHERE child = ? ORDER BY idx, parent, kind", (child,))
        return [EDGE.decode(row) for row in rows]


class EventTable:
    """The verbs of `engine.ports.Tables` that concern events."""

    _driver: Driver

    def append_events(self, events: Sequence[Event]) -> list[int]:
        """Append, giving each its seq."""
        if not events:
            return []
        first = self.last_seq() + 1
        rows = [[first + place, *EVENT.encode(event)[1:]] for place, event in enumerate(events)]
        self._driver.many(_INSERT_EVENT, rows)
        return list(range(first, first + len(events)))

    def events(
        self, after: int, limit: int, prefixes: Sequence[str] = (), subject: str = ""
    ) -> list[Event]:
        """Events with seq > after, by seq."""
        sql = _EVENTS
        values: list[object] = [after]
        if subject:
            sql += " AND subject = ?"
            values.append(subject)
        if prefixes:
            sql += f" AND ({' OR '.join(['substr(kind, 1, ?) = ?'] * len(prefixes))})"
            values += [value for prefix in prefixes for value in (len(prefix), prefix)]
        rows = self._driver.rows(f"{sql} ORDER BY seq LIMIT ?", (*values, limit))
        return [EVENT.decode(row) for row in rows]

    def last_seq(self) -> int:
        """The newest event's seq, 0 when there is none."""
        return self._driver.rows(_LAST_SEQ)[0][0] or 0

    def newest_snapshot(self) -> int:
        """Seq of the first part of the newest whole snapshot, 0 when there is none."""
        return first_of_newest_whole(self._driver.rows(_SNAPSHOTS))

    def delete_events(self, before: int, limit: int) -> int:
        """Remove at most `limit` events with seq < before, never the newest of all.

        The newest stays so that no seq is ever given twice.
        """
        return self._driver.run(_DELETE_EVENTS, (before, limit))


class RecordTable:
    """The verbs of `engine.ports.Tables` that concern the rows of `engine.records`."""

    _driver: Driver

    def get(self, kind: type[R], key: object) -> R | None:
        """The row of that key, or None."""
        codec: Codec[R] = RECORDS[kind]
        rows = self._driver.rows(f'{_SELECTS[kind]} WHERE "{codec.key}" = ?', (key,))
        return codec.decode(rows[0]) if rows else None

    def get_all(self, kind: type[R], keys: Iterable[object]) -> list[R]:
        """The rows of these keys, in no order."""
        codec: Codec[R] = RECORDS[kind]
        found: list[R] = []
        for marks, values in in_lists(list(keys)):
            sql = f'{_SELECTS[kind]} WHERE "{codec.key}" IN ({marks})'
            found += map(codec.decode, self._driver.rows(sql, values))
        return found

    def put(self, *rows: Record) -> None:
        """Insert or replace rows by key."""
        by_kind: dict[type[Record], list[Record]] = {}
        for row in rows:
            by_kind.setdefault(type(row), []).append(row)
        for kind, group in by_kind.items():
            self._driver.many(_UPSERTS[kind], [RECORDS[kind].encode(row) for row in group])

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
        codec: Codec[R] = RECORDS[kind]
        terms = ["1 = 1"]
        values: list[object] = []
        for name, wanted in equals.items():
            stored = codec.encode_one(codec.names.index(name), wanted)
            terms.append(f'"{name}" IS NULL' if stored is None else f'"{name}" = ?')
            values += [] if stored is None else [stored]
        if after is not None:
            terms.append(f'"{codec.key}" {"<" if newest else ">"} ?')
            values.append(after)
        order = f'"{codec.key}"{" DESC" if newest else ""}'
        sql = f"{_SELECTS[kind]} WHERE {' AND '.join(terms)} ORDER BY {order} LIMIT ?"
        return [codec.decode(row) for row in self._driver.rows(sql, (*values, limit))]

    def aged(self, kind: type[R], column: str, before: int, limit: int) -> list[R]:
        """Rows whose time `column` is before `before`, oldest first; 0 counts as never."""
        codec: Codec[R] = RECORDS[kind]
        time = codec.names[codec.names.index(column)]
        sql = (
            f'{_SELECTS[kind]} WHERE "{time}" > 0 AND "{time}" < ?'
            f' ORDER BY "{time}", "{codec.key}" LIMIT ?'
        )
        return [codec.decode(row) for row in self._driver.rows(sql, (before, limit))]

    def remove(self, kind: type[Record], keys: Iterable[object]) -> None:
        """Delete rows by key."""
        codec = RECORDS[kind]
        values = [(key,) for key in keys]
        if values:
            self._driver.many(f'DELETE FROM {codec.table} WHERE "{codec.key}" = ?', values)
