"""Retention on every store: what goes, what stays, and that the log still tells the table."""

from dataclasses import replace
from functools import partial

import pytest

from engine.events import Event, EventKind, changed, submitted
from engine.jobs import Edge, EdgeKind, Job, JobState, Lane
from engine.ports import JobFilter
from engine.projections import replay
from engine.records import Artefact, Idempotency, Message, Rollup
from engine.settings import StoreSettings
from store.prune import DAY_US, Pruned, prune, write_snapshot

SETTINGS = StoreSettings(done_days=14, failed_days=90, event_days=30, prune_batch=3)
DAY_0 = 1_700_000_000_000_000


def day(number):
    return DAY_0 + number * DAY_US


def job(number, state, at, **columns):
    finished = {"finished_at": at, "started_at": at - 2_000_000} if state.terminal else {}
    return Job(id=f"{number:026d}", state=state, backend="shell", **finished, **columns)


def submit(tables, *jobs, at=DAY_0):
    tables.insert_jobs(jobs)
    tables.append_events([submitted(new, at) for new in jobs])


def prune_all(store, now):
    """Prune until there is nothing more; give what each batch removed."""
    batches = [store.write(lambda tables: prune(tables, SETTINGS, now))]
    while batches[-1].more:
        batches.append(store.write(lambda tables: prune(tables, SETTINGS, now)))
    return batches


def table(store):
    rows = store.read(lambda tables: tables.list_jobs(JobFilter(), "", 10_000, False))
    return {row.id: row for row in rows}


def log(store):
    return store.read(lambda tables: tables.events(0, 100_000))


def kinds(store):
    return [event.kind for event in log(store)]


OLD = [job(number, JobState.SUCCEEDED, day(0), cost_usd=0.5) for number in range(7)]


def test_jobs_past_their_retention_go_in_batches(store):
    young = job(50, JobState.SUCCEEDED, day(10))
    store.write(lambda tables: submit(tables, *OLD, young))
    batches = prune_all(store, day(15))
    assert [len(batch.jobs) for batch in batches] == [3, 3, 1]
    assert sorted(key for batch in batches for key in batch.jobs) == [old.id for old in OLD]
    assert table(store) == {young.id: young}


@pytest.mark.parametrize(
    ("state", "days"),
    [
        (JobState.SUCCEEDED, 14),
        (JobState.CANCELLED, 14),
        (JobState.SKIPPED, 14),
        (JobState.FAILED, 90),
    ],
)
def test_each_outcome_has_its_own_retention(store, state, days):
    store.write(lambda tables: submit(tables, job(1, state, day(0))))
    assert prune_all(store, day(days))[0].jobs == ()
    assert prune_all(store, day(days) + 1)[0].jobs == (job(1, state, 0).id,)


def test_what_is_alive_never_goes(store):
    living = [
        job(number, state, 0, run_at=1)
        for number, state in enumerate(JobState)
        if not state.terminal
    ]
    store.write(lambda tables: submit(tables, *living))
    prune_all(store, day(1000))
    assert len(table(store)) == len(living)


def test_the_parents_of_a_living_child_stay_until_it_is_at_rest(store):
    child = job(9, JobState.WAITING, 0)

    def act(tables):
        submit(tables, OLD[0], child)
        tables.insert_edges([Edge(child.id, OLD[0].id, EdgeKind.SUCCESS, 0)])

    store.write(act)
    prune_all(store, day(20))
    assert set(table(store)) == {OLD[0].id, child.id}
    ended = replace(child, state=JobState.SUCCEEDED, finished_at=day(19))
    store.write(lambda tables: tables.update_jobs([(child, ended)]))
    store.write(lambda tables: tables.append_events([changed(child, ended, day(19))]))
    prune_all(store, day(20))
    assert set(table(store)) == {child.id}


def test_replay_equals_the_table_after_every_batch(store):
    failed = job(60, JobState.FAILED, day(0))
    waiting = job(61, JobState.WAITING, 0)
    store.write(lambda tables: submit(tables, *OLD, failed, waiting))
    for number in (15, 16, 31, 40, 100):
        while True:
            batch = store.write(partial(prune, settings=SETTINGS, now=day(number)))
            assert replay(log(store)) == table(store)
            if not batch.more:
                break
    assert set(table(store)) == {waiting.id}
    assert EventKind.JOB_SUBMITTED not in kinds(store), "the old events are gone as well"


def test_a_snapshot_precedes_what_is_pruned_and_is_not_written_twice(store):
    store.write(lambda tables: submit(tables, *OLD))
    prune_all(store, day(15))
    tail = kinds(store)[len(OLD) :]
    assert tail == [EventKind.STORE_SNAPSHOT, *[EventKind.STORE_PRUNED] * 3]


def test_an_old_snapshot_is_followed_by_a_new_one(store):
    store.write(lambda tables: submit(tables, *OLD[:1], job(9, JobState.FAILED, day(0))))
    prune_all(store, day(15))
    prune_all(store, day(95))
    assert kinds(store).count(EventKind.STORE_SNAPSHOT) == 1, "the first went with the old events"
    assert replay(log(store)) == table(store) == {}


def test_events_stay_for_their_time_even_when_a_snapshot_covers_them(store):
    store.write(lambda tables: submit(tables, *OLD))
    prune_all(store, day(29))
    assert kinds(store).count(EventKind.JOB_SUBMITTED) == len(OLD)
    prune_all(store, day(31))
    assert kinds(store).count(EventKind.JOB_SUBMITTED) == 0


def test_nothing_to_prune_writes_nothing(store):
    store.write(lambda tables: submit(tables, job(1, JobState.READY, 0), at=day(10)))
    assert prune_all(store, day(12)) == [Pruned()]
    assert kinds(store) == [EventKind.JOB_SUBMITTED]


def test_a_large_table_is_told_in_parts(store):
    many = [job(number, JobState.BLOCKED, 0) for number in range(401)]
    store.write(lambda tables: submit(tables, *many))
    store.write(lambda tables: write_snapshot(tables, day(1)))
    store.write(lambda tables: tables.delete_events(402, 1000))
    parts = [(event.data["part"], event.data["of"]) for event in log(store)]
    assert parts == [(1, 3), (2, 3), (3, 3)]
    assert replay(log(store)) == table(store)


def test_an_empty_table_is_told_as_well(store):
    store.write(lambda tables: write_snapshot(tables, day(1)))
    assert store.read(lambda tables: tables.newest_snapshot()) == 1
    assert replay(log(store)) == {}


def test_a_days_work_is_summed_up_before_it_goes(store):
    other = job(8, JobState.SUCCEEDED, day(0), lane=Lane.P5, cost_usd=1.0)
    store.write(lambda tables: submit(tables, *OLD, other))
    prune_all(store, day(15))
    rollups = store.read(lambda tables: tables.find(Rollup))
    assert [(row.lane, row.jobs, row.cost_usd, row.run_s) for row in rollups] == [
        (2, 7, 3.5, 14.0),
        (5, 1, 1.0, 2.0),
    ]
    assert {(row.day, row.backend, row.state) for row in rollups} == {
        ("2023-11-14", "shell", "succeeded")
    }


def test_files_are_named_when_their_last_row_went(store):
    def act(tables):
        submit(tables, OLD[0], OLD[1], job(9, JobState.READY, 0))
        for owner, sha256 in ((OLD[0], "a"), (OLD[1], "b"), (job(9, JobState.READY, 0), "b")):
            tables.put(Artefact(id=f"{owner.id}:{sha256}", job=owner.id, name="f", sha256=sha256))

    store.write(act)
    assert [batch.files for batch in prune_all(store, day(15))] == [("a",)]


def test_submit_keys_and_delivered_messages_are_forgotten_in_time(store):
    def act(tables):
        tables.put(*[Idempotency(key=f"k{n}", digest="", at=day(n)) for n in range(5)])
        tables.put(Message(id="delivered", session="s", created_at=day(0), delivered_at=day(0)))
        tables.put(Message(id="undelivered", session="s", created_at=day(0)))

    store.write(act)
    prune_all(store, day(17))
    assert [row.key for row in store.read(lambda t: t.find(Idempotency))] == ["k3", "k4"]
    prune_all(store, day(31))
    assert [row.id for row in store.read(lambda t: t.find(Message))] == ["undelivered"]


def test_aged_rows_come_oldest_first(write, read):
    times = {"a": 3, "b": 1, "c": 0, "d": 9}
    write.put(*[Idempotency(key=key, digest="", at=at) for key, at in times.items()])
    assert [row.key for row in read.aged(Idempotency, "at", 9, 5)] == ["b", "a"]
    assert [row.key for row in read.aged(Idempotency, "at", 9, 1)] == ["b"]


def test_other_events_are_no_part_of_the_table(store):
    told = Event(at=1, kind=EventKind.HOUSE_STARTED, subject="house")
    store.write(lambda tables: tables.append_events([told]))
    prune_all(store, day(31))
    assert replay(log(store)) == {}
