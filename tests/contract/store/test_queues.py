"""The orders in which jobs are asked for: lanes, keys, times."""

from dataclasses import replace

import pytest

from engine.jobs import Edge, EdgeKind, Job, JobState, Lane, Reason

DELAYED, WAITING = JobState.DELAYED, JobState.WAITING


def job(number, state=JobState.READY, **columns):
    return Job(id=f"{number:026d}", state=state, **columns)


def queued(number, reason=Reason.DIRECTORY, **columns):
    return job(number, JobState.BLOCKED, reason=reason, **columns)


def ids(jobs):
    return [int(found.id) for found in jobs]


def test_a_lane_gives_its_ready_jobs_by_ready_seq(write, read):
    write.insert_jobs(
        [
            job(1, ready_seq=30),
            job(2, ready_seq=10),
            job(3, ready_seq=20),
            job(4, ready_seq=1, lane=Lane.P0),
            job(5, JobState.RUNNING, ready_seq=2),
        ]
    )
    assert ids(read.ready(Lane.P2, 10)) == [2, 3, 1]
    assert ids(read.ready(Lane.P2, 2)) == [2, 3]
    assert ids(read.ready(Lane.P0, 2)) == [4]
    assert read.ready(Lane.P1, 2) == []


def test_the_heads_of_all_lanes_come_at_once_by_lane_and_ready_seq(write, read):
    write.insert_jobs(
        [
            job(1, ready_seq=30),
            job(2, ready_seq=10),
            job(3, ready_seq=20),
            job(4, ready_seq=90, lane=Lane.P0),
            job(5, ready_seq=1, lane=Lane.P5),
            job(6, JobState.RUNNING, ready_seq=2, lane=Lane.P5),
        ]
    )
    assert ids(read.heads(2)) == [4, 2, 3, 5]


def test_a_job_that_moves_leaves_one_order_and_joins_the_next(write, read):
    write.insert_jobs([job(1, ready_seq=1, worker_key="k")])
    parked = replace(job(1), state=JobState.BLOCKED, reason=Reason.DIRECTORY, worker_key="k")
    write.update_jobs([(job(1, ready_seq=1, worker_key="k"), replace(parked, ready_seq=5))])
    assert read.ready(Lane.P2, 9) == []
    assert ids(read.queued("k", Lane.P2, 9)) == [1]


def test_a_keys_queue_holds_what_waits_for_a_directory_or_a_pool(write, read):
    write.insert_jobs(
        [
            queued(1, worker_key="k", ready_seq=9),
            queued(2, Reason.POOL, worker_key="k", ready_seq=4),
            queued(3, Reason.DEPENDENCY, worker_key="k", ready_seq=1),
            queued(4, worker_key="other", ready_seq=1),
            queued(5, worker_key="k", ready_seq=1, lane=Lane.P0),
            job(6, worker_key="k", ready_seq=1),
        ]
    )
    assert ids(read.queued("k", Lane.P2, 9)) == [2, 1]
    assert ids(read.queued("k", Lane.P2, 1)) == [2]
    assert ids(read.queued("k", Lane.P0, 9)) == [5]


def test_ready_jobs_of_a_key_are_counted_no_further_than_asked(write, read):
    write.insert_jobs([job(number, worker_key="k") for number in range(5)])
    write.insert_jobs([job(7, worker_key="k", lane=Lane.P0), queued(8, worker_key="k")])
    assert read.ready_on_key("k", Lane.P2, 3) == 3
    assert read.ready_on_key("k", Lane.P2, 99) == 5
    assert read.ready_on_key("k", Lane.P0, 99) == 1
    assert read.ready_on_key("other", Lane.P2, 99) == 0


def test_holders_come_by_id_whatever_their_state(write, read):
    write.insert_jobs(
        [job(2, WAITING, holding=True), job(1, JobState.RUNNING, holding=True), job(3)]
    )
    assert ids(read.holding()) == [1, 2]


def test_delayed_jobs_fall_due_in_order(write, read):
    write.insert_jobs(
        [job(1, DELAYED, run_at=30), job(2, DELAYED, run_at=10), job(3, DELAYED, run_at=31)]
    )
    write.insert_jobs([job(4, WAITING, run_at=5), job(5, run_at=5)])
    assert ids(read.due(30, 9)) == [2, 1]
    assert ids(read.due(30, 1)) == [2]
    assert read.due(9, 9) == []


def test_waiting_jobs_expire_only_if_they_have_a_deadline(write, read):
    write.insert_jobs(
        [job(1, WAITING, run_at=30), job(2, WAITING, run_at=0), job(3, WAITING, run_at=20)]
    )
    assert ids(read.expired(30, 9)) == [3, 1]
    assert ids(read.expired(30, 1)) == [3]
    assert read.expired(19, 9) == []


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], None),
        ([(WAITING, 0)], None),
        ([(DELAYED, 7), (DELAYED, 9)], 7),
        ([(WAITING, 5), (DELAYED, 7)], 5),
        ([(WAITING, 0), (DELAYED, 7)], 7),
        ([(DELAYED, 0), (WAITING, 7)], 0),
    ],
)
def test_the_next_timer_is_the_earliest_of_both_kinds(write, read, times, expected):
    rows = [job(number, state, run_at=at) for number, (state, at) in enumerate(times)]
    write.insert_jobs(rows)
    assert read.next_due() == expected


def test_edges_are_found_from_both_ends(write, read):
    first = Edge("c", "b", EdgeKind.SUCCESS, 0)
    second = Edge("c", "a", EdgeKind.SETTLED, 1)
    member = Edge("g", "a", EdgeKind.MEMBER, 0)
    write.insert_edges([second, first])
    write.insert_edges([member])
    write.insert_edges([])
    assert read.edges_to("c") == [first, second]
    assert set(read.edges_from(["a"])) == {second, member}
    assert set(read.edges_from(["a", "b", "a", "nobody"])) == {first, second, member}
    assert read.edges_from([]) == []
    assert read.edges_to("nobody") == []


def test_ten_thousand_members_of_one_group_are_found_by_idx(write, read):
    edges = [Edge("g", f"{n:026d}", EdgeKind.MEMBER, n) for n in range(10_000)]
    write.insert_edges(edges)
    assert read.edges_to("g") == edges
    assert len(read.edges_from([edge.parent for edge in edges])) == 10_000
