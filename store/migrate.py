"""Brings a database to this program's schema, one numbered step at a time.

A step is a file of SQL in `store/migrations/<dialect>/NNNN_name.sql`; it is never changed once
released. All missing steps run in one transaction, so a database is upgraded whole or not at
all. A database that is newer than the program is left untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from sqlalchemy import Connection, inspect

from engine.errors import NewerSchema
from store.driver import Driver

_BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN"}
_LEDGER = (
    "CREATE TABLE IF NOT EXISTS schema_version"
    " (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)"
)
_RECORD = "INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step."""

    version: int
    name: str
    sql: str

    @property
    def statements(self) -> list[str]:
        """The statements one by one; each ends with a semicolon at the end of a line."""
        return [text for piece in self.sql.split(";\n") if (text := piece.strip())]


def known_migrations(dialect: str) -> list[Migration]:
    """Read every step that this program knows, in order."""
    folder = resources.files("store") / "migrations" / dialect
    steps = []
    for file in folder.iterdir():
        number, _, rest = file.name.partition("_")
        if file.name.endswith(".sql"):
            steps.append(Migration(int(number), rest.removesuffix(".sql"), file.read_text()))
    return sorted(steps, key=lambda step: step.version)


def schema_version(connection: Connection) -> int:
    """Give the version a database stands at; 0 when it is empty."""
    if not inspect(connection).has_table("schema_version"):
        return 0
    return Driver(connection).rows("SELECT max(version) FROM schema_version")[0][0] or 0


def refuse_newer(connection: Connection) -> None:
    """Check that this program knows the database's schema; writes nothing.

    Raises:
        NewerSchema: a newer Heliograph wrote it.
    """
    stored = schema_version(connection)
    known = known_migrations(connection.dialect.name)[-1].version
    if stored > known:
        raise NewerSchema(
            f"The store has schema {stored}; this Heliograph knows {known} at most.",
            remedy="Start the newer Heliograph again, or give this one another home.",
            stored=stored,
            known=known,
        )


def upgrade(connection: Connection, now: int) -> list[str]:
    """Apply the missing steps in one transaction; give the names of those applied.

    The connection is in autocommit mode, outside a transaction.

    Raises:
        NewerSchema: a newer Heliograph wrote the database; nothing was touched.
    """
    refuse_newer(connection)
    stored = schema_version(connection)
    dialect = connection.dialect.name
    missing = [step for step in known_migrations(dialect) if step.version > stored]
    if not missing:
        return []
    driver = Driver(connection)
    driver.run(_BEGIN[dialect])
    try:
        driver.run(_LEDGER)
        for step in missing:
            for statement in step.statements:
                driver.run(statement)
            driver.run(_RECORD, (step.version, step.name, now))
        driver.run("COMMIT")
    except BaseException:
        driver.run("ROLLBACK")
        raise
    return [step.name for step in missing]
