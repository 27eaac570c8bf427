"""A home on disk as evidence: read-only, without the dispatcher's witness lock.

Works on the store of a house that runs and on that of one that was killed; it never writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from engine.jobs import Job
from engine.settings import Settings
from store.home import Home
from store.sql import SqlTables
from tests.checks.evidence import Evidence, Op, Snapshot, Violation, jobs_of, snapshot_of
from tests.checks.verdict import check_all

_LARGEST = 32 * 2**20
_OWN = ("secrets", "token", "ray_token")  # where a secret may stand


def check_house(
    home_path: str | Path, history: Sequence[Op] = (), *, rested: bool = True, **more: object
) -> list[Violation]:
    """Check every invariant that a home's store and its clients' history allow to judge.

    `more` are further fields of `Evidence`: orphans, executions, settings, now.
    """
    return check_all(evidence_of_home(home_path, history, rested=rested, **more))


def evidence_of_home(
    home_path: str | Path, history: Sequence[Op] = (), *, rested: bool = True, **more: object
) -> Evidence:
    """Gather what a home on disk can tell."""
    home = Home.at(home_path)
    snapshot = read_store(home.store)
    latest = snapshot.events[-1].at if snapshot.events else 0
    known: dict[str, object] = {
        "settings": Settings(),
        "now": (latest, latest),
        "secrets": list(_secrets(home)),
    }
    texts = dict(_texts(home)) if known["secrets"] else {}
    return Evidence(
        snapshot=snapshot, ops=history, rested=rested, **(known | {"texts": texts} | more)
    )


def read_store(path: Path) -> Snapshot:
    """Read all rows of a store's file in one transaction of a read-only connection."""
    with _tables(path) as tables:
        return snapshot_of(tables)


def read_jobs(path: Path) -> Mapping[str, Job]:
    """Read the rows of all jobs, for who looks often."""
    with _tables(path) as tables:
        return jobs_of(tables)


@contextmanager
def _tables(path: Path) -> Iterator[SqlTables]:
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        try:
            yield SqlTables(connection)
        finally:
            connection.exec_driver_sql("ROLLBACK")


def _secrets(home: Home) -> Iterator[str]:
    files = [home.token, *(home.secrets.iterdir() if home.secrets.is_dir() else ())]
    for file in files:
        if file.is_file() and (value := file.read_text().strip()):
            yield value


def _texts(home: Home) -> Iterator[tuple[str, str]]:
    for file in home.root.rglob("*"):
        inside = file.relative_to(home.root)
        if inside.parts[0] in _OWN or not file.is_file() or file.is_symlink():
            continue
        if file.stat().st_size <= _LARGEST:
            yield f"file {inside}", file.read_bytes().decode("utf-8", "replace")
