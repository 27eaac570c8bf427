"""`engine.ports.Store` on one SQLite file: one writing connection, many reading ones.

WAL with `synchronous=FULL`: when `write` returns, the transaction has been synced. There is
exactly one connection that writes and checkpoints, in the one process that holds the witness;
readers are opened read-only and can do neither. That is more than style: SQLite before 3.51.3
can corrupt a WAL that two connections reset at the same time, and those versions are common.

`write` is for one thread, the dispatcher's writer; a lock turns a mistake into waiting. `read`
may be called from any thread, and sees the newest committed state.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from engine.errors import HouseFault
from engine.ports import Clock, Tables
from engine.settings import StoreSettings
from store.driver import Driver
from store.durable import PRIVATE_FILE, sync_directory
from store.faults import ends_writing, explain, nested_write
from store.home import Home
from store.migrate import refuse_newer, upgrade
from store.sql import SqlTables
from store.witness import Witness

T = TypeVar("T")

_CACHED_STATEMENTS = 512
_CHECKPOINT_PAGES = 2000  # 8 MB of WAL: a checkpoint of a few milliseconds
_WAL_BYTES = 64 * 2**20  # what is left of the WAL file after a burst
_CACHE_KIB = 16_384
_IDLE_READERS = 8


class _Session:
    """One connection with its tables and its transactions."""

    def __init__(self, engine: Engine, pragmas: dict[str, str | int]) -> None:
        self.connection: Connection = engine.connect()
        self.driver = Driver(self.connection)
        self.tables = SqlTables(self.connection)
        raw = self.connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        self._raw: sqlite3.Connection = raw
        for name, value in pragmas.items():
            self.driver.rows(f"PRAGMA {name} = {value}")

    def transact(self, begin: str, end: str, act: Callable[[Tables], T]) -> T:
        """Run `act` between two statements; roll back if anything fails."""
        self.driver.run(begin)
        try:
            result = act(self.tables)
            self.driver.run(end)
        except BaseException:
            self._roll_back()
            raise
        return result

    def run_whole(self, sql: str) -> None:
        """Run a statement that gives rows without columns; a cursor would stop at the first."""
        self._raw.executescript(sql)

    def _roll_back(self) -> None:
        if self._raw.in_transaction:  # some errors have rolled back already
            self.driver.run("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def _engine(path: Path, mode: str, settings: StoreSettings) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"{path.as_uri()}?mode={mode}",
            uri=True,
            timeout=settings.busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
        )

    return create_engine(
        "sqlite://", creator=connect, poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )


class SqliteStore:
    """Durable truth in `home.store`.

    Raises:
        Fenced: another process writes this store.
        NewerSchema: a newer Heliograph wrote it; nothing was touched.
        HouseFault: the file is damaged, or the disk cannot hold a WAL.
    """

    def __init__(self, home: Home, settings: StoreSettings, clock: Clock) -> None:
        self._path = home.store
        self._settings = settings
        self._lock = threading.Lock()
        self._writing_thread = 0
        self._readers: list[_Session] = []
        self._reading = threading.Lock()
        self._refusal: HouseFault | None = None
        self._witness = Witness(home.store_lock)
        try:
            self._reader_engine = _engine(self._path, "ro", settings)
            self._writer = self._open_writer(clock)
        except (sqlite3.Error, DBAPIError) as error:
            self._witness.release()
            raise explain(error) from error
        except BaseException:
            self._witness.release()
            raise

    def _open_writer(self, clock: Clock) -> _Session:
        if self._path.exists() and self._path.stat().st_size > 0:
            self._check_schema()
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
        writer = _Session(_engine(self._path, "rw", self._settings), self._writer_pragmas())
        try:
            _refuse_without_wal(writer, self._path.parent)
            upgrade(writer.connection, clock.now())
            sync_directory(self._path.parent)
        except BaseException:
            writer.close()
            raise
        return writer

    def _check_schema(self) -> None:
        """Refuse a newer store before anything is opened for writing."""
        mode = "ro" if _has_wal(self._path) else "ro&immutable=1"  # immutable leaves no file behind
        session = _Session(_engine(self._path, mode, self._settings), {})
        try:
            refuse_newer(session.connection)
        except (sqlite3.Error, DBAPIError):
            return  # a cut-off rollback: only the writer can heal it, and it checks again
        finally:
            session.close()

    def _writer_pragmas(self) -> dict[str, str | int]:
        return {
            "auto_vacuum": "INCREMENTAL",  # must precede the first table
            "journal_mode": "WAL",
            "synchronous": self._settings.synchronous,
            "foreign_keys": "ON",
            "trusted_schema": "OFF",
            "wal_autocheckpoint": _CHECKPOINT_PAGES,
            "journal_size_limit": _WAL_BYTES,
            "cache_size": -_CACHE_KIB,
        }

    def write(self, act: Callable[[Tables], T]) -> T:
        """Run `act` in one transaction; when this returns, it survives a power cut.

        Raises:
            StoreFull: the disk is full; nothing of `act` was written.
            HouseFault: the disk failed. From then on every write is refused until the store is
                opened anew: a second sync would lie about pages that the kernel dropped.
        """
        if self._writing_thread == threading.get_ident():
            raise nested_write()
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            self._writing_thread = threading.get_ident()
            try:
                return self._writer.transact("BEGIN IMMEDIATE", "COMMIT", act)
            except sqlite3.Error as error:
                fault = explain(error)
                if ends_writing(error) and isinstance(fault, HouseFault):
                    self._refusal = fault
                raise fault from error
            finally:
                self._writing_thread = 0

    def read(self, act: Callable[[Tables], T]) -> T:
        """Run `act` on one consistent snapshot.

        Raises:
            HouseFault: `act` tried to write.
        """
        try:
            reader = self._take_reader()
            try:
                return reader.transact("BEGIN", "ROLLBACK", act)
            finally:
                self._give_back(reader)
        except sqlite3.Error as error:
            raise explain(error) from error

    def _take_reader(self) -> _Session:
        with self._reading:
            if self._refusal is _CLOSED:
                raise _CLOSED
            if self._readers:
                return self._readers.pop()
        return _Session(self._reader_engine, {"query_only": "ON"})

    def _give_back(self, reader: _Session) -> None:
        with self._reading:
            if len(self._readers) < _IDLE_READERS and self._refusal is not _CLOSED:
                self._readers.append(reader)
                return
        reader.close()

    def vacuum(self, pages: int) -> None:
        """Give at most `pages` free pages back to the file system."""
        with self._lock:
            if self._refusal is None:
                self._writer.run_whole(f"PRAGMA incremental_vacuum({pages:d})")

    def close(self) -> None:
        """Let go of files and locks; readers first, so that the writer makes the checkpoint."""
        with self._lock, self._reading:
            if self._refusal is _CLOSED:
                return
            self._refusal = _CLOSED
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer.close()
            self._witness.release()


_CLOSED = HouseFault("The store is closed.", remedy="Start Heliograph again: helio up")


def _has_wal(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _refuse_without_wal(writer: _Session, directory: Path) -> None:
    if writer.driver.rows("PRAGMA journal_mode")[0][0] != "wal":
        raise HouseFault(
            f"The file system of {directory} cannot hold a WAL.",
            remedy="Put the home on a local disk: HELIOGRAPH_HOME=DIR helio up",
        )
