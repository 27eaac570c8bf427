import pytest
from sqlalchemy import create_engine

from engine.errors import NewerSchema
from store import migrate
from store.migrate import Migration, known_migrations, schema_version, upgrade


@pytest.fixture
def database():
    with create_engine("sqlite://", isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


def tables(connection):
    rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row[0] for row in rows}


def test_the_numbers_of_the_migrations_have_no_gap():
    steps = known_migrations("sqlite")
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    assert all(step.name and step.statements for step in steps)


def test_an_empty_database_is_brought_to_the_newest_schema(database):
    assert schema_version(database) == 0
    applied = upgrade(database, 7)
    assert applied == [step.name for step in known_migrations("sqlite")]
    assert schema_version(database) == len(applied)
    assert {"job", "edge", "event", "shard", "schema_version"} <= tables(database)


def test_a_second_upgrade_does_nothing(database):
    upgrade(database, 7)
    before = tables(database)
    assert upgrade(database, 8) == []
    assert tables(database) == before
    stamps = database.exec_driver_sql("SELECT DISTINCT applied_at FROM schema_version").all()
    assert stamps == [(7,)]


def test_only_what_is_missing_is_applied_in_order(database, monkeypatch):
    steps = [Migration(1, "one", "CREATE TABLE a (x);\n"), Migration(2, "two", "DROP TABLE a;\n")]
    monkeypatch.setattr(migrate, "known_migrations", lambda _: steps[:1])
    assert upgrade(database, 1) == ["one"]
    monkeypatch.setattr(migrate, "known_migrations", lambda _: steps)
    assert upgrade(database, 2) == ["two"]
    assert tables(database) == {"schema_version"}


def test_a_migration_that_fails_leaves_the_database_as_it_was(database, monkeypatch):
    good = Migration(1, "good", "CREATE TABLE a (x);\n")
    bad = Migration(2, "bad", "CREATE TABLE b (x);\nCREATE TABLE a (x);\n")
    monkeypatch.setattr(migrate, "known_migrations", lambda _: [good, bad])
    with pytest.raises(Exception, match="already exists"):
        upgrade(database, 1)
    assert tables(database) == set()
    monkeypatch.setattr(migrate, "known_migrations", lambda _: [good])
    assert upgrade(database, 1) == ["good"]


def test_a_newer_database_is_refused_and_left_alone(database):
    upgrade(database, 1)
    database.exec_driver_sql("INSERT INTO schema_version VALUES (9999, 'later', 1)")
    with pytest.raises(NewerSchema) as refusal:
        upgrade(database, 2)
    assert refusal.value.facts["stored"] == 9999
    assert refusal.value.remedy
