"""The tables as SQLAlchemy metadata, derived from the dataclasses. Says what, never when.

`store/migrations` builds the same tables step by step; a test holds the two together.

Two traps, measured. A claim is ordered by `ready_seq`, which only the partial index carries:
ordered by `id`, PostgreSQL walks the primary key past every finished job. And a state stands in
the SQL as a literal: as a parameter, a generic plan cannot see that the partial index applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.types import TypeEngine

from engine.records import (
    Artefact,
    Attempt,
    Call,
    Decision,
    Idempotency,
    Message,
    Record,
    Review,
    Signal,
    Turn,
    Worker,
)
from store.codec import EDGE, EVENT, JOB, RECORDS, Codec, Column

metadata = MetaData()

# Text sorts by code point on every database, as it does in Python.
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
_INTEGER = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER can be SQLite's rowid
_TYPES: dict[str, TypeEngine[Any]] = {
    "text": _TEXT,
    "json": Text(),
    "integer": _INTEGER,
    "real": Double(),
    "boolean": Boolean(create_constraint=False),
}

READY = "state = 'ready'"
READY_KEYED = "state = 'ready' AND worker_key <> ''"
QUEUED = "state = 'blocked' AND reason IN ('directory', 'pool')"
DUE = "state = 'delayed'"
DEADLINE = "state = 'waiting' AND run_at > 0"
HOLDING = "holding"
AT_REST = "finished_at > 0"
UNVERIFIED = "reason = 'unverified'"


def _sql_column(column: Column, *, key: bool) -> SqlColumn[Any]:
    return SqlColumn(
        column.name,
        _TYPES[column.shape],
        nullable=column.nullable and not key,
        autoincrement=False,
    )


def _table(codec: Codec[Any], keys: Sequence[str] = (), *, clustered: bool = False) -> Table:
    keys = keys or (codec.key,)
    columns = [_sql_column(column, key=column.name in keys) for column in codec.columns]
    primary = PrimaryKeyConstraint(*keys)
    return Table(codec.table, metadata, *columns, primary, sqlite_with_rowid=not clustered)


def _partial(name: str, where: str, *columns: str, unique: bool = False) -> None:
    Index(
        name,
        *(job.c[column] for column in columns),
        unique=unique,
        sqlite_where=text(where),
        postgresql_where=text(where),
    )


job = _table(JOB)
_partial("job_ready", READY, "lane", "ready_seq")
_partial("job_ready_key", READY_KEYED, "worker_key", "lane")
_partial("job_queued", QUEUED, "worker_key", "lane", "ready_seq")
_partial("job_due", DUE, "run_at", "id")
_partial("job_deadline", DEADLINE, "run_at", "id")
_partial("job_holding", HOLDING, "id")
_partial("job_idem_key", "idem_key IS NOT NULL", "idem_key", unique=True)
_partial("job_root", "root <> ''", "root", "id")
_partial("job_at_rest", AT_REST, "state", "finished_at", "id")
_partial("job_unverified", UNVERIFIED, "lane")

edge = _table(EDGE, ("child", "idx", "parent", "kind"), clustered=True)
Index("edge_parent", edge.c.parent)

event = _table(EVENT)
Index("event_subject", event.c.subject, event.c.seq)
Index(
    "event_snapshot",
    event.c.seq,
    sqlite_where=text("kind = 'store.snapshot'"),
    postgresql_where=text("kind = 'store.snapshot'"),
)

_LARGE = (Call, Message, Turn)  # rows of kilobytes do not belong in a b-tree's inner pages
records: dict[type[Record], Table] = {
    kind: _table(codec, clustered=kind not in _LARGE) for kind, codec in RECORDS.items()
}
Index("attempt_job", records[Attempt].c.job)
Index("idempotency_at", records[Idempotency].c["at"], records[Idempotency].c["key"])
Index("decision_job", records[Decision].c.job)
Index("decision_state", records[Decision].c.state)
Index("signal_job", records[Signal].c.job)
Index("worker_key", records[Worker].c.key)
Index("message_delivered_at", records[Message].c.delivered_at, records[Message].c.id)
Index("message_session", records[Message].c.session)
Index("turn_session", records[Turn].c.session, records[Turn].c.idx)
Index("call_job", records[Call].c.job, records[Call].c.id)
Index("review_job", records[Review].c.job)
Index("call_at", records[Call].c["at"], records[Call].c.id)
Index("artefact_job", records[Artefact].c.job)
Index("artefact_sha256", records[Artefact].c.sha256)
