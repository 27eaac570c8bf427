"""The file of the router's ledger: its numbered schema, how it is opened, what its faults mean.

The file belongs to one process at a time: SQLite keeps it locked as long as the connection lives,
and the kernel drops that lock when the process dies, however it dies. It knows no entry.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from uuid import uuid4

from engine.errors import DamagedLedger, HelioError, HouseFault, NewerSchema, StoreFull, Unavailable

_MARK = 0x48656C72  # SQLite's application_id of our files: "Helr"
_PRIVATE = 0o600
_PRIMARY_CODE = 0xFF
_ASIDE = (
    "Stop Heliograph, move {name} out of the home and start again. Closed providers are then found "
    "out anew, and what was spent today counts from zero."
)

# Each script takes the file from the version that is its index to the next one.
_VERSIONS = (
    """
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    -- Facts that a later one of the same key replaces; `at` is when it was written.
    CREATE TABLE state (key TEXT PRIMARY KEY, data TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE tripped (key TEXT PRIMARY KEY, data TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE reserved (key TEXT PRIMARY KEY, data TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE binding (key TEXT PRIMARY KEY, data TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE fence (key TEXT PRIMARY KEY, data TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE house (key TEXT PRIMARY KEY, data TEXT NOT NULL, at INTEGER NOT NULL);
    -- Finished attempts of the last day, without their skips.
    CREATE TABLE call (key TEXT PRIMARY KEY, data TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE INDEX call_by_time ON call (at);
    -- Dollars by "day:D", "job:ID", "project:NAME:D" and so on; `at` is when it last grew.
    CREATE TABLE spent (key TEXT PRIMARY KEY, usd REAL NOT NULL, at INTEGER NOT NULL);
    -- What the main store has not taken; AUTOINCREMENT gives no seq twice.
    CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, fact TEXT NOT NULL);
    """,
)

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "journal_size_limit = 4194304",
    "trusted_schema = OFF",
)


def open_ledger_file(path: Path) -> sqlite3.Connection:
    """Open the ledger's file, made if need be, for this process alone.

    Raises:
        DamagedLedger: it is no ledger, or not a whole one.
        NewerSchema: a newer Heliograph wrote it; nothing was touched.
        Unavailable: another process has it.
        StoreFull, HouseFault: the disk took it not.
    """
    try:
        _make_private(path)
    except OSError as error:
        raise HouseFault(
            f"The router's ledger cannot be opened: {error}.",
            remedy=f"See to it that the file {path.name} in the home is yours to write.",
        ) from error
    connection = sqlite3.connect(
        path, timeout=1.0, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        _prepare(connection, path.name)
    except sqlite3.Error as error:
        connection.close()
        raise explain(error, path.name) from error
    except BaseException:
        connection.close()
        raise
    _sync_directory(path.parent)
    return connection


def _make_private(path: Path) -> None:
    """Make the file if it is not there; private from its first byte.

    One that is there is not opened: to close any handle on a file drops this process's locks.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
    except FileExistsError:
        path.chmod(_PRIVATE)


def _prepare(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = _number(connection, "user_version")
    mark = _number(connection, "application_id")
    if mark not in (0, _MARK) or (version and not mark):
        raise _damaged(f"{name} is not a router's ledger.", name)
    if version > len(_VERSIONS):
        raise NewerSchema(
            f"The router's ledger has version {version}; this program knows {len(_VERSIONS)}.",
            remedy="Install the Heliograph that wrote it, or a newer one.",
        )
    _refuse_broken(connection, name)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    for step in range(version, len(_VERSIONS)):
        connection.executescript(
            f"BEGIN EXCLUSIVE; {_VERSIONS[step]};"
            f"PRAGMA application_id = {_MARK}; PRAGMA user_version = {step + 1}; COMMIT"
        )
    connection.execute("INSERT OR IGNORE INTO about VALUES ('identity', ?)", (uuid4().hex,))


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _refuse_broken(connection: sqlite3.Connection, name: str) -> None:
    said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if said != "ok":
        raise _damaged(f"The router's ledger is damaged: {said}.", name)


def _damaged(detail: str, name: str) -> DamagedLedger:
    return DamagedLedger(detail, remedy=_ASIDE.format(name=name))


def ends_writing(error: sqlite3.Error) -> bool:
    """Whether nothing more may be written until the file is opened anew.

    After a failed sync the kernel may report pages as clean that it dropped: a second sync
    would answer "done" about bytes that are gone.
    """
    fatal = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return _code(error) in fatal


def explain(error: sqlite3.Error, name: str) -> HelioError:
    """Turn SQLite's error into one that says what to do."""
    match _code(error):
        case sqlite3.SQLITE_FULL:
            return StoreFull(
                "The disk is full: the router's ledger took no more, so no model is called.",
                remedy="Free space on the disk of the home.",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Unavailable(
                "Another process has the router's ledger open; there is one writer at a time.",
                remedy=f"Wait until the old router has ended, or close what else reads {name}.",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _damaged(f"The router's ledger is damaged: {error}.", name)
        case _:
            return HouseFault(
                f"The router's ledger failed: {error}.",
                remedy="Look at the kernel's log and the disk, then start Heliograph again.",
            )


def _code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & _PRIMARY_CODE


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
