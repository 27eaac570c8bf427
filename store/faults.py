"""What the driver's errors mean to a person. Knows SQLite's result codes, does nothing about them.

A failed write or sync of the disk is special: after it the kernel may have dropped pages that it
reports as clean, so a second sync would answer "done" about bytes that are gone. The store must
not be written again by this process.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from engine.errors import Conflict, HelioError, HouseFault, StoreFull, Unavailable

_PRIMARY_CODE = 0xFF


def _primary(error: BaseException) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & _PRIMARY_CODE


def ends_writing(error: sqlite3.Error) -> bool:
    """Whether nothing more may be written until the store is opened anew."""
    fatal = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return _primary(error) in fatal


_FULL = (
    "The disk is full: the store took no more, and this change was not made.",
    "Free space on the disk of the home; what was acknowledged before is safe.",
)
_BUSY = (
    "Another program keeps the store locked.",
    "Close whatever else has store.db open (a database browser?) and try again.",
)
_DISK = (
    "The disk failed under the store",
    "Look at the kernel's log and the disk, then start Heliograph again.",
)
_DAMAGED = (
    "The store's file is damaged",
    "Stop Heliograph, copy the home away, and restore store.db from a backup.",
)
_OTHER = ("The store failed", "The house's log tells more: helio doctor")

_FAULTS = {
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_CANTOPEN: _DISK,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}


def explain(error: sqlite3.Error | DBAPIError) -> HelioError:
    """Turn a driver's error, bare or wrapped by SQLAlchemy, into one that says what to do."""
    if isinstance(error, DBAPIError):
        error = error.orig if isinstance(error.orig, sqlite3.Error) else sqlite3.Error(str(error))
    match _primary(error):
        case sqlite3.SQLITE_FULL:
            return StoreFull(_FULL[0], remedy=_FULL[1])
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Unavailable(_BUSY[0], remedy=_BUSY[1])
        case sqlite3.SQLITE_READONLY:
            return read_only()
        case sqlite3.SQLITE_CONSTRAINT:
            return taken(str(error))
        case code:
            detail, remedy = _FAULTS.get(code, _OTHER)
            name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            return HouseFault(f"{detail} ({name}: {error}).", remedy=remedy)


def read_only() -> HouseFault:
    """Give the error for a write where only reads are allowed."""
    return HouseFault(
        "A read tried to write, or the store's file cannot be written.",
        remedy="Check who owns store.db and its directory; if they are yours, report this.",
    )


def nested_write() -> HouseFault:
    """Give the error for a write that was begun inside another one."""
    return HouseFault(
        "A write was begun inside a write; neither would be whole.",
        remedy="This is a fault of Heliograph: report it.",
    )


def taken(what: str) -> Conflict:
    """Give the error for a row whose key is in use already."""
    return Conflict(
        f"A row of that key is there already ({what}).",
        remedy="Read it first; nothing of this change was made.",
    )
