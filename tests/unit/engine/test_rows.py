"""`engine.rows` does what `dataclasses.replace` does, for every row of the house."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from engine.events import Event, EventKind
from engine.jobs import Job, JobState
from engine.records import Record, Shard, Signal
from engine.rows import build, reader, replace

KINDS = [Job, Event, *get_args(Record)]


def test_a_changed_copy_equals_what_the_standard_function_gives():
    job = Job(id="a", name="x", spec={"run": ["true"]}, idem_key="k")
    changes = {"state": JobState.READY, "ready_seq": 7, "idem_key": None}
    assert replace(job, **changes) == dataclasses.replace(job, **changes)
    assert job.state is JobState.BLOCKED, "the original never changes"


def test_an_unknown_field_is_refused():
    with pytest.raises(TypeError, match="wrong"):
        replace(Shard(id=0), wrong=1)


def test_a_copy_is_frozen_like_its_original():
    copy = replace(Event(at=1, kind=EventKind.JOB_READY, subject="a"), seq=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        copy.seq = 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_row_can_be_read_and_rebuilt_from_its_values_alone(kind):
    assert not hasattr(kind, "__post_init__"), "build and replace would not call it"
    names = [field.name for field in dataclasses.fields(kind)]
    row = build(kind, range(len(names)))
    assert reader(kind)(row) == tuple(range(len(names)))
    assert row == kind(**dict(zip(names, range(len(names)), strict=True)))


def test_a_row_needs_all_its_values():
    with pytest.raises(ValueError, match="shorter"):
        build(Signal, ["only"])
