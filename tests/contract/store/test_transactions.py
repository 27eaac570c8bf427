from dataclasses import replace

import pytest

from engine.errors import HouseFault
from engine.events import Event, EventKind
from engine.jobs import Edge, EdgeKind, Job, JobState, Lane
from engine.ports import JobFilter
from engine.records import Shard, Signal
from store.term import begin_term


class Interruption(Exception):
    """Something that a verb did not expect."""


EVENT = Event(at=1, kind=EventKind.HOUSE_STARTED, subject="s")
STAYS = Job(id="stays", state=JobState.READY, worker_key="k", idem_key="i")
GOES = Job(id="goes", state=JobState.SUCCEEDED, finished_at=5)


def everything(tables):
    return (
        tables.list_jobs(JobFilter(), "", 99, False),
        tables.count_jobs(),
        tables.ready(Lane.P2, 9),
        tables.holding(),
        tables.edges_to("stays"),
        tables.edges_from(["goes"]),
        tables.events(0, 99),
        tables.last_seq(),
        tables.find(Shard),
        tables.find(Signal),
        tables.prunable(JobState.SUCCEEDED, 99, 9),
    )


def fill(tables):
    tables.insert_jobs([STAYS, GOES])
    tables.insert_edges([Edge("stays", "goes", EdgeKind.SETTLED, 0)])
    tables.append_events([EVENT, EVENT, EVENT])
    tables.put(Shard(id=0), Signal(id="goes:go", job="goes", name="go"))


def disturb(tables):
    tables.insert_jobs([Job(id="new", idem_key="n")])
    tables.update_jobs([(STAYS, replace(STAYS, state=JobState.RUNNING, epoch=1, holding=True))])
    tables.delete_events(2, 9)
    tables.append_events([EVENT])
    tables.delete_events(3, 9)
    tables.put(Shard(id=0, term=4), Shard(id=1))
    tables.insert_edges([Edge("new", "stays", EdgeKind.MEMBER, 0)])
    tables.delete_jobs(["goes"])
    tables.remove(Shard, [1])


def test_a_transaction_that_fails_leaves_nothing_behind(store):
    store.write(fill)
    before = store.read(everything)

    def act(tables):
        disturb(tables)
        assert everything(tables) != before
        raise Interruption

    with pytest.raises(Interruption):
        store.write(act)
    assert store.read(everything) == before
    store.write(disturb)
    assert store.read(everything) != before


def test_an_idempotency_key_is_free_again_after_a_roll_back(store):
    def act(tables):
        tables.insert_jobs([Job(id="a", idem_key="k")])
        raise Interruption

    with pytest.raises(Interruption):
        store.write(act)
    store.write(lambda tables: tables.insert_jobs([Job(id="b", idem_key="k")]))


def test_a_transaction_reads_its_own_writes(store):
    def act(tables):
        fill(tables)
        return everything(tables)

    assert store.write(act) == store.read(everything)


def test_write_and_read_hand_on_what_was_returned(store):
    assert store.write(lambda _: "written") == "written"
    assert store.read(lambda _: "read") == "read"


@pytest.mark.parametrize(
    "change",
    [
        lambda tables: tables.insert_jobs([Job(id="new")]),
        lambda tables: tables.update_jobs([(STAYS, replace(STAYS, owner="w"))]),
        lambda tables: tables.insert_edges([Edge("stays", "b", EdgeKind.MEMBER, 0)]),
        lambda tables: tables.append_events([EVENT]),
        lambda tables: tables.delete_events(3, 9),
        lambda tables: tables.put(Shard(id=0, term=9)),
        lambda tables: tables.remove(Shard, [0]),
        lambda tables: tables.delete_jobs(["goes"]),
    ],
)
def test_a_read_cannot_write(store, change):
    store.write(fill)
    before = store.read(everything)
    with pytest.raises(HouseFault):
        store.read(change)
    assert store.read(everything) == before
    store.write(change)
    assert store.read(everything) != before


def test_a_write_inside_a_write_is_refused(store):
    with pytest.raises(HouseFault):
        store.write(lambda _: store.write(fill))
    store.write(fill)


def test_a_closed_store_refuses_everything(store):
    store.close()
    with pytest.raises(HouseFault):
        store.write(fill)
    with pytest.raises(HouseFault):
        store.read(everything)
    store.close()


def test_each_term_is_one_higher_and_keeps_the_shards_counters(store):
    assert begin_term(store) == 1
    store.write(lambda tables: tables.put(Shard(id=0, term=1, ready_seq=9)))
    assert begin_term(store) == 2
    assert begin_term(store, shard=1) == 1
    assert store.read(lambda tables: tables.get(Shard, 0)) == Shard(id=0, term=2, ready_seq=9)
