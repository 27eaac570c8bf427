"""Replay: the log alone gives the table, through snapshots, pruning and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import HouseFault
from engine.events import Event, EventKind, changed, submitted
from engine.jobs import GroupMode, Job, JobKind, JobState, Lane, Reason
from engine.projections import job_from_json, job_to_json, replay

JOBS = st.builds(
    Job,
    id=st.sampled_from(["a", "b", "c", "d"]),
    kind=st.sampled_from(JobKind),
    lane=st.sampled_from(Lane),
    mode=st.none() | st.sampled_from(GroupMode),
    state=st.sampled_from(JobState),
    reason=st.sampled_from(Reason),
    holding=st.booleans(),
    epoch=st.integers(0, 3),
    spec=st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.none()), max_size=2),
    result=st.none() | st.just({"text": "x", "files": []}),
    awaits=st.none() | st.just({"signal": "go"}),
    idem_key=st.none() | st.text(),
)


def through_json(event):
    """Give the event as it comes back from the store."""
    return replace(event, data=json.loads(json.dumps(event.data)))


class Log:
    """A table and the log that tells of it."""

    def __init__(self):
        self.table: dict[str, Job] = {}
        self.events: list[Event] = []

    def tell(self, event):
        self.events.append(replace(through_json(event), seq=len(self.events) + 1))

    def put(self, job):
        before = self.table.get(job.id)
        self.table[job.id] = job
        self.tell(submitted(job, 1) if before is None else changed(before, job, 1))

    def snapshot(self, parts):
        rows = [job_to_json(job) for job in self.table.values()]
        share = -(-len(rows) // parts) or 1
        for part in range(1, parts + 1):
            jobs = rows[(part - 1) * share : part * share]
            data = {"part": part, "of": parts, "jobs": jobs}
            self.tell(Event(at=1, kind=EventKind.STORE_SNAPSHOT, subject="", data=data))

    def prune(self, job_id):
        self.table.pop(job_id, None)
        self.tell(Event(at=1, kind=EventKind.STORE_PRUNED, subject="", data={"jobs": [job_id]}))


MOVES = st.lists(JOBS | st.integers(1, 3) | st.sampled_from(["a", "b"]), max_size=30)


def play(moves):
    log = Log()
    for move in moves:
        match move:
            case Job():
                log.put(move)
            case int():
                log.snapshot(move)
            case str():
                log.prune(move)
    return log


@given(MOVES)
def test_the_log_alone_rebuilds_the_table(moves):
    log = play(moves)
    assert replay(log.events) == log.table


@given(moves=MOVES, parts=st.integers(1, 3), later=MOVES)
def test_events_before_the_newest_whole_snapshot_are_not_needed(moves, parts, later):
    log = play(moves)
    begin = len(log.events)
    log.snapshot(parts)
    for move in later:
        if isinstance(move, Job):
            log.put(move)
    assert replay(log.events[begin:]) == log.table


def test_a_snapshot_whose_first_part_was_cut_off_is_no_beginning():
    log = play([Job(id="a")])
    log.snapshot(2)
    torn = log.events[-1:]
    log.snapshot(2)
    assert replay(torn + log.events[-2:]) == log.table


def test_a_hole_in_the_log_is_told_and_not_guessed():
    log = play([Job(id="a"), Job(id="a", state=JobState.READY)])
    with pytest.raises(HouseFault, match="never"):
        replay(log.events[1:])


@given(JOBS)
def test_a_job_survives_json(job):
    body = json.loads(json.dumps(job_to_json(job)))
    assert job_from_json(body) == job
    assert body["lane"] == f"P{int(job.lane)}"


def test_a_row_as_the_table_holds_it_is_read_as_well():
    row = job_to_json(Job(id="a", lane=Lane.P4)) | {"lane": 4, "spec": '{"sh":"ls"}', "holding": 1}
    assert job_from_json(row) == Job(id="a", lane=Lane.P4, spec={"sh": "ls"}, holding=True)


def test_events_of_other_matters_change_no_job():
    events = [Event(at=1, kind=kind, subject="x") for kind in EventKind if "." in kind]
    others = [e for e in events if not e.kind.startswith(("job.", "store."))]
    assert replay(others) == {}
