"""Runs SQL text on the driver's own cursor. Knows no table and no transaction.

The statements of `store` are written once, with `?` for each value, and run on SQLite and on
PostgreSQL. SQLAlchemy gives the connection; the cursor is used directly, because going through
a SQLAlchemy result doubles the cost of a small statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
Row = Sequence[Any]

_SIZES = tuple(2**n for n in range(10))


class Driver:
    """One connection, seen as three verbs: rows, run, many."""

    def __init__(self, connection: Connection) -> None:
        self._cursor = connection.connection.cursor()
        self._translate = connection.dialect.paramstyle != "qmark"
        self._texts: dict[str, str] = {}

    def rows(self, sql: str, values: Row = ()) -> list[Row]:
        """Run a query and give all its rows."""
        self._cursor.execute(self._text(sql), values)
        return self._cursor.fetchall()  # type: ignore[return-value]

    def run(self, sql: str, values: Row = ()) -> int:
        """Run a statement and give the number of rows it touched."""
        self._cursor.execute(self._text(sql), values)
        return self._cursor.rowcount

    def many(self, sql: str, values: Sequence[Row]) -> int:
        """Run a statement once for each row of values; give the rows touched in all."""
        if len(values) == 1:
            return self.run(sql, values[0])
        self._cursor.executemany(self._text(sql), values)
        return self._cursor.rowcount

    def _text(self, sql: str) -> str:
        if not self._translate:
            return sql
        text = self._texts.get(sql)
        if text is None:
            text = self._texts[sql] = sql.replace("%", "%%").replace("?", "%s")
        return text


def chunked(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most `size`."""
    rest = iter(values)
    while piece := list(islice(rest, size)):
        yield piece


def in_lists(values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Cut values for `IN`: gives ("?,?,...", values), padded to a power of two.

    So few lengths keep every statement in the driver's cache of prepared statements; repeating
    the last value in an IN list changes nothing.
    """
    for piece in chunked(values, _SIZES[-1]):
        size = next(size for size in _SIZES if size >= len(piece))
        padded = [*piece, *[piece[-1]] * (size - len(piece))]
        yield ",".join("?" * size), padded
