"""`engine.ports.Tables` on one SQLAlchemy connection: the same SQL for SQLite and PostgreSQL.

It runs inside a transaction that somebody else began and will end.
"""

from __future__ import annotations

from sqlalchemy import Connection

from store.driver import Driver
from store.sql_jobs import JobTable
from store.sql_records import EdgeTable, EventTable, RecordTable


class SqlTables(JobTable, EdgeTable, EventTable, RecordTable):
    """Every verb of the port, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._driver = Driver(connection)
