"""The rows of engine.records, on every store alike."""

from dataclasses import fields, replace
from typing import get_args

import pytest

from engine.records import Decision, Idempotency, Message, Project, Record, Shard, Signal, Worker

SAMPLES = {"int": 7, "str": "text", "float": 1.5, "bool": False}


def sample(kind):
    """A row of a record class in which no column has its default."""
    values = {}
    for column in fields(kind):
        declared = column.type.partition(" |")[0]
        if declared.startswith("Sequence"):
            values[column.name] = ("a", {"b": [1]})
        elif declared in SAMPLES:
            values[column.name] = SAMPLES[declared]
        else:
            values[column.name] = {"x": [1, None, "é"]}
    return kind(**values)


@pytest.mark.parametrize("kind", get_args(Record), ids=lambda kind: kind.__name__)
class TestEveryRecord:
    def test_every_column_comes_back_as_it_was(self, write, read, kind):
        row = sample(kind)
        write.put(row)
        assert read.get(kind, getattr(row, fields(kind)[0].name)) == row

    def test_a_row_is_found_by_each_of_its_columns(self, write, read, kind):
        row = sample(kind)
        write.put(row)
        for column in fields(kind):
            assert read.find(kind, **{column.name: getattr(row, column.name)}) == [row]

    def test_a_removed_row_is_gone(self, write, read, kind):
        row = sample(kind)
        key = getattr(row, fields(kind)[0].name)
        write.put(row)
        write.remove(kind, [key, key])
        write.remove(kind, [])
        assert read.get(kind, key) is None
        assert read.find(kind) == []


def test_a_second_put_replaces_the_row(write, read):
    write.put(Shard(id=0, term=1, passes=(1, 2)))
    write.put(Shard(id=0, term=2))
    assert read.get(Shard, 0) == Shard(id=0, term=2)


def test_rows_of_several_kinds_are_put_at_once(write, read):
    write.put(Shard(id=0), Shard(id=1), Message(id="m", session="s"))
    assert [row.id for row in read.find(Shard)] == [0, 1]
    assert read.get(Message, "m") == Message(id="m", session="s")


def test_rows_of_several_keys_come_at_once_and_unknown_keys_are_left_out(write, read):
    write.put(*(Signal(id=f"{n}:go", job=str(n), name="go") for n in range(20)))
    found = read.get_all(Signal, ["3:go", "7:go", "3:go", "none"])
    assert sorted(row.job for row in found) == ["3", "7"]
    assert len(read.get_all(Signal, [f"{n}:go" for n in range(20)])) == 20
    assert read.get_all(Signal, []) == []


def test_the_last_of_two_rows_with_one_key_wins(write, read):
    write.put(Shard(id=0, term=1), Shard(id=0, term=2))
    assert read.get(Shard, 0) == Shard(id=0, term=2)


def test_sequences_are_read_back_as_tuples(write, read):
    write.put(Project(id="p", name="p", roots=["/a", "/b"]))
    assert read.get(Project, "p") == Project(id="p", name="p", roots=("/a", "/b"))


def test_rows_come_by_key_behind_a_key(write, read):
    write.put(*[Idempotency(key=key, digest="d") for key in "cabd"])
    assert [row.key for row in read.find(Idempotency)] == ["a", "b", "c", "d"]
    assert [row.key for row in read.find(Idempotency, after="b")] == ["c", "d"]
    assert [row.key for row in read.find(Idempotency, after="a", limit=1)] == ["b"]
    assert [row.key for row in read.find(Idempotency, after="z")] == []


def test_keys_sort_by_code_point(write, read):
    keys = ["Z", "a", "É", "é", "_", "0", "\U0001f600", "\ufffd"]
    write.put(*[Idempotency(key=key, digest="") for key in keys])
    assert [row.key for row in read.find(Idempotency)] == sorted(keys)


def test_several_columns_must_all_match(write, read):
    write.put(
        Decision(id="1", job="j", state="open"),
        Decision(id="2", job="j", state="answered"),
        Decision(id="3", job="k", state="open"),
    )
    assert [row.id for row in read.find(Decision, job="j", state="open")] == ["1"]


def test_none_matches_a_column_that_holds_nothing(write, read):
    write.put(Project(id="a", name="a", lane=3), Project(id="b", name="b"))
    assert [row.id for row in read.find(Project, lane=None)] == ["b"]
    assert [row.id for row in read.find(Project, lane=3)] == ["a"]


@pytest.mark.parametrize("payload", [None, 0, "", False, [], {}, [1, {"a": None}], "text"])
def test_a_free_json_value_keeps_its_type(write, read, payload):
    write.put(Signal(id="j:n", job="j", name="n", payload=payload))
    found = read.get(Signal, "j:n").payload
    assert found == payload
    assert type(found) is type(payload)


def test_a_worker_is_put_again_and_again(write, read):
    worker = Worker(name="w", key="k", host="h", directory="/d")
    write.put(worker)
    write.put(replace(worker, state="running", jobs=1, persistent=False))
    assert read.find(Worker, key="k", persistent=False)[0].jobs == 1
