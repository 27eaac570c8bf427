"""The metadata, the migrations and the query plans agree."""

import sqlite3

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.schema import CreateIndex, CreateTable

from engine.jobs import Job, JobState, Lane, Reason
from engine.ports import JobFilter
from store import schema
from store.migrate import upgrade
from store.sql import SqlTables


def memory_database():
    return create_engine("sqlite://", isolation_level="AUTOCOMMIT").connect()


@pytest.fixture
def migrated():
    with memory_database() as connection:
        upgrade(connection, 1)
        yield connection


def shape(connection):
    """Every table with its columns and key, and every index with its condition."""
    tables = {
        name: (
            [
                (c["name"], str(c["type"]), c["nullable"])
                for c in inspect(connection).get_columns(name)
            ],
            inspect(connection).get_pk_constraint(name)["constrained_columns"],
        )
        for name in inspect(connection).get_table_names()
        if name != "schema_version"
    }
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
    indexes = {name: sql for name, sql in rows if sql}
    return tables, indexes


def test_the_migrations_build_what_the_metadata_declares(migrated):
    with memory_database() as fresh:
        schema.metadata.create_all(fresh)
        declared, built = shape(fresh), shape(migrated)
    wanted = [
        f"{CreateTable(table)};\n" + "\n".join(f"{CreateIndex(index)};" for index in table.indexes)
        for table in schema.metadata.sorted_tables
        if built[0].get(table.name) != declared[0][table.name]
    ]
    assert built == declared, "a migration is missing; today's tables are\n" + "\n".join(wanted)


class Recorder:
    """A connection's cursor that keeps every statement it runs."""

    def __init__(self, cursor):
        self._cursor = cursor
        self.asked = []

    def execute(self, sql, values=()):
        self.asked.append((sql, values))
        return self._cursor.execute(sql, values)

    def __getattr__(self, name):
        return getattr(self._cursor, name)


ROW = Job(id="a" * 26)
LIMITED_BEFORE = ("SCAN counted", "SCAN of_lane_")  # what an inner query has cut already
PLANS = {
    "ready": (lambda t: t.ready(Lane.P2, 20), "job_ready"),
    "heads": (lambda t: t.heads(20), "job_ready"),
    "queued": (lambda t: t.queued("k", Lane.P2, 1), "job_queued"),
    "ready_on_key": (lambda t: t.ready_on_key("k", Lane.P2, 9), "job_ready_key"),
    "holding": (lambda t: t.holding(), "job_holding"),
    "due": (lambda t: t.due(1, 9), "job_due"),
    "expired": (lambda t: t.expired(1, 9), "job_deadline"),
    "next_due": (lambda t: t.next_due(), "job_due"),
    "jobs": (lambda t: t.jobs(["a", "b"]), "sqlite_autoindex_job_1"),
    "list of a run": (lambda t: t.list_jobs(JobFilter(root="r"), "", 9, True), "job_root"),
    "newest jobs": (lambda t: t.list_jobs(JobFilter(), "a", 9, True), "sqlite_autoindex_job_1"),
    "prunable": (lambda t: t.prunable(JobState.FAILED, 1, 9), "job_at_rest"),
    "edges_from": (lambda t: t.edges_from(["a"]), "edge_parent"),
    "edges_to": (lambda t: t.edges_to("a"), "PRIMARY KEY"),
    "events": (lambda t: t.events(1, 9), "INTEGER PRIMARY KEY"),
    "events of a job": (lambda t: t.events(1, 9, subject="a"), "event_subject"),
    "newest_snapshot": (lambda t: t.newest_snapshot(), "event_snapshot"),
}


@pytest.mark.parametrize(("ask", "index"), PLANS.values(), ids=PLANS)
def test_each_question_is_answered_by_its_index_and_sorts_nothing(migrated, ask, index):
    tables = SqlTables(migrated)
    recorder = tables._driver._cursor = Recorder(tables._driver._cursor)
    ask(tables)
    plan = [
        row[3]
        for sql, values in recorder.asked
        for row in migrated.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", tuple(values))
    ]
    assert [line for line in plan if index in line], plan
    assert not [line for line in plan if "TEMP B-TREE" in line], plan
    whole_scans = [line for line in plan if line.startswith("SCAN") and "USING" not in line]
    assert not [line for line in whole_scans if not line.startswith(LIMITED_BEFORE)], plan


def steps(migrated, tables):
    """Count the virtual machine's steps of a claim: load cannot disturb them as it does time."""
    count = 0

    def tick():
        nonlocal count
        count += 1
        return 0

    raw = migrated.connection.dbapi_connection
    raw.set_progress_handler(tick, 1)
    tables.ready(Lane.P2, 20)
    tables.heads(20)
    tables.queued("k", Lane.P2, 1)
    tables.ready_on_key("k", Lane.P2, 20)
    tables.holding()
    tables.due(9, 20)
    tables.next_due()
    raw.set_progress_handler(None, 1)
    return count


def crowd(start, count):
    """Jobs of one key: one in a hundred is ready, the others wait for the directory."""
    blocked = {"state": JobState.BLOCKED, "reason": Reason.DIRECTORY, "worker_key": "k"}
    ready = {"state": JobState.READY, "worker_key": "k"}
    return [
        Job(id=f"{n:026d}", ready_seq=n, **(blocked if n % 100 else ready))
        for n in range(start, start + count)
    ]


def test_the_claim_stays_flat_when_a_hundred_thousand_jobs_want_one_directory(migrated):
    tables = SqlTables(migrated)
    migrated.exec_driver_sql("BEGIN")
    tables.insert_jobs(crowd(0, 5_000))
    few = steps(migrated, tables)
    tables.insert_jobs(crowd(5_000, 95_000))
    many = steps(migrated, tables)
    assert few > 0
    assert many <= few * 1.02, (few, many)
    assert isinstance(migrated.connection.dbapi_connection, sqlite3.Connection)
