from dataclasses import fields, replace

import pytest

from engine.errors import Conflict, StaleWrite
from engine.jobs import Edge, EdgeKind, GroupMode, Job, JobKind, JobState, Lane, Reason
from engine.ports import JobFilter
from engine.records import Artefact, Attempt, Decision, Signal

FULL = Job(
    id="01hz00000000000000000000ff",
    kind=JobKind.GROUP,
    name="déjà \ud800 vu \x00",
    project="p",
    shard=3,
    lane=Lane.P5,
    backend="shell",
    mode=GroupMode.RACE,
    root="r",
    step="s",
    cwd="/a b",
    worker_key="k",
    idem_key="i",
    retry_of="o",
    source="cli",
    trust="web",
    spec={"run": ["a", "\ud800\x00é"], "n": {"x": None, "y": 1.5}},
    created_at=2**50,
    state=JobState.WAITING,
    reason=Reason.SIGNAL,
    ready_seq=7,
    run_at=8,
    epoch=9,
    owner="w",
    holding=True,
    failures=1,
    reclaims=2,
    rounds=3,
    open_deps=4,
    bad_deps=5,
    progress_at=6,
    cancel_requested_at=7,
    started_at=8,
    finished_at=9,
    result={"text": "ok", "files": ["a"]},
    error={"cause": "tool"},
    awaits={"signal": "go"},
    cost_usd=0.1,
)


def job(number, state=JobState.READY, **columns):
    return Job(id=f"{number:026d}", state=state, **columns)


def ids(jobs):
    return [int(found.id) for found in jobs]


class TestRows:
    def test_every_column_comes_back_as_it_was(self, write, read):
        full = replace(FULL, name="déjà vu")
        write.insert_jobs([full])
        assert read.jobs([full.id]) == [full]

    def test_the_full_row_above_leaves_no_column_at_its_default(self):
        plain = Job(id="x")
        untouched = [f.name for f in fields(Job) if getattr(FULL, f.name) == getattr(plain, f.name)]
        assert untouched == []

    def test_json_values_keep_lone_surrogates_and_zero_bytes(self, write, read):
        write.insert_jobs([replace(FULL, name="")])
        assert read.jobs([FULL.id])[0].spec == FULL.spec

    def test_unknown_ids_are_left_out_and_repeated_ids_come_once(self, write, read):
        write.insert_jobs([job(1), job(2)])
        wanted = [job(1).id, "nobody", job(1).id]
        assert read.jobs(wanted) == [job(1)]
        assert read.jobs([]) == []

    def test_a_thousand_ids_are_found_at_once(self, write, read):
        rows = [job(number) for number in range(1500)]
        write.insert_jobs(rows)
        found = read.jobs([row.id for row in rows])
        assert sorted(ids(found)) == list(range(1500))

    def test_an_id_cannot_be_used_twice(self, write):
        write.insert_jobs([job(1)])
        with pytest.raises(Conflict):
            write.insert_jobs([job(1)])

    def test_an_idempotency_key_cannot_be_used_twice_but_none_can(self, write):
        write.insert_jobs([job(1, idem_key="k"), job(2), job(3)])
        with pytest.raises(Conflict):
            write.insert_jobs([job(4, idem_key="k")])

    def test_a_value_that_is_not_json_is_refused(self, write, read):
        with pytest.raises(TypeError):
            write.insert_jobs([job(1, spec={"x": {1, 2}})])
        assert read.jobs([job(1).id]) == []

    def test_ids_are_found_by_their_ending_newest_first(self, write, read):
        write.insert_jobs([job(10_042), job(20_042), job(30_043)])
        assert ids(read.jobs(read.jobs_ending_with("0043", 5))) == [30_043]
        assert read.jobs_ending_with("0042", 5) == [job(20_042).id, job(10_042).id]
        assert read.jobs_ending_with("0042", 1) == [job(20_042).id]
        assert read.jobs_ending_with(job(10_042).id, 5) == [job(10_042).id]
        assert read.jobs_ending_with("_%", 5) == []


class TestUpdates:
    def test_an_update_changes_what_differs(self, write, read):
        write.insert_jobs([job(1), job(2)])
        running = replace(job(1), state=JobState.RUNNING, epoch=1, owner="w", holding=True)
        failed = replace(job(2), state=JobState.FAILED, error={"cause": "tool"}, finished_at=5)
        write.update_jobs([(job(1), running), (job(2), failed)])
        assert read.jobs([job(1).id]) == [running]
        assert read.jobs([job(2).id]) == [failed]

    def test_an_update_leaves_columns_alone_that_it_does_not_change(self, write, read):
        write.insert_jobs([job(1, progress_at=5)])
        seen_earlier = job(1, progress_at=3)
        write.update_jobs([(seen_earlier, replace(seen_earlier, owner="w"))])
        assert read.jobs([job(1).id]) == [job(1, progress_at=5, owner="w")]

    def test_a_column_can_be_emptied(self, write, read):
        full = replace(FULL, name="", idem_key=None)
        write.insert_jobs([full])
        empty = replace(full, result=None, error=None, awaits=None, holding=False)
        write.update_jobs([(full, empty)])
        assert read.jobs([full.id]) == [empty]

    @pytest.mark.parametrize(
        "stored",
        [
            job(1, JobState.RUNNING, epoch=2),
            job(1, JobState.CANCELLED, epoch=1),
            job(2, JobState.RUNNING, epoch=1),
        ],
        ids=["another epoch", "another state", "no such row"],
    )
    def test_a_stale_update_is_refused_and_takes_its_transaction_with_it(self, write, read, stored):
        before = job(1, JobState.RUNNING, epoch=1)
        other = job(3)
        write.insert_jobs([stored, other])
        writes = [
            (other, replace(other, state=JobState.CANCELLED)),
            (before, replace(before, state=JobState.SUCCEEDED)),
        ]
        with pytest.raises(StaleWrite) as refusal:
            write.update_jobs(writes)
        assert refusal.value.facts["job"] == before.id
        assert read.jobs([stored.id]) == [stored]
        assert read.jobs([other.id]) == [other]

    def test_even_an_update_without_a_change_is_fenced(self, write):
        write.insert_jobs([job(1, epoch=2)])
        with pytest.raises(StaleWrite):
            write.update_jobs([(job(1, epoch=1), job(1, epoch=1))])

    def test_two_updates_of_one_job_apply_in_their_order(self, write, read):
        write.insert_jobs([job(1), job(2)])
        running = replace(job(1), state=JobState.RUNNING, epoch=1)
        done = replace(running, state=JobState.SUCCEEDED, finished_at=9)
        other = replace(job(2), state=JobState.RUNNING, epoch=1)
        write.update_jobs([(job(1), running), (job(2), other), (running, done)])
        assert read.jobs([job(1).id]) == [done]
        assert read.jobs([job(2).id]) == [other]


class TestListings:
    def test_pages_go_by_id_in_both_directions(self, write, read):
        write.insert_jobs([job(number) for number in (3, 1, 4, 2)])
        every = JobFilter()
        assert ids(read.list_jobs(every, "", 10, True)) == [4, 3, 2, 1]
        assert ids(read.list_jobs(every, job(3).id, 1, True)) == [2]
        assert ids(read.list_jobs(every, "", 2, False)) == [1, 2]
        assert ids(read.list_jobs(every, job(2).id, 10, False)) == [3, 4]

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (JobFilter(states=(JobState.READY, JobState.FAILED)), [4, 2, 1]),
            (JobFilter(lanes=(Lane.P0,)), [2]),
            (JobFilter(project="site"), [3]),
            (JobFilter(backend="llm"), [3]),
            (JobFilter(root="run"), [4, 3]),
            (JobFilter(cwd="/src"), [1]),
            (JobFilter(kinds=("group", "wait")), [4]),
            (JobFilter(text="BUILD_100%"), [1]),
            (JobFilter(text="%"), [1]),
            (JobFilter(root="run", states=(JobState.RUNNING,)), [3]),
        ],
    )
    def test_each_filter_narrows(self, write, read, where, expected):
        write.insert_jobs(
            [
                job(1, cwd="/src", name="build_100%"),
                job(2, lane=Lane.P0, name="buildx100"),
                job(3, JobState.RUNNING, project="site", backend="llm", root="run"),
                job(4, JobState.FAILED, root="run", kind=JobKind.GROUP),
            ]
        )
        assert ids(read.list_jobs(where, "", 10, True)) == expected

    def test_jobs_are_counted_by_state_and_lane(self, write, read):
        assert read.count_jobs() == {}
        write.insert_jobs([job(1), job(2), job(3, JobState.FAILED, lane=Lane.P0)])
        expected = {(JobState.READY, Lane.P2): 2, (JobState.FAILED, Lane.P0): 1}
        assert read.count_jobs() == expected

    def test_what_nobody_verified_is_counted_apart(self, write, read):
        assert read.count_unverified() == {}
        claimed = {"state": JobState.SUCCEEDED, "reason": Reason.UNVERIFIED}
        write.insert_jobs([job(1), job(2, **claimed), job(3, **claimed, lane=Lane.P0)])
        assert read.count_unverified() == {Lane.P0: 1, Lane.P2: 1}
        write.delete_jobs([job(3).id])
        assert read.count_unverified() == {Lane.P2: 1}


class TestRemoval:
    def test_jobs_long_at_rest_are_prunable_oldest_first(self, write, read):
        write.insert_jobs(
            [
                job(1, JobState.SUCCEEDED, finished_at=30),
                job(2, JobState.SUCCEEDED, finished_at=10),
                job(3, JobState.SUCCEEDED, finished_at=40),
                job(4, JobState.FAILED, finished_at=10),
                job(5, JobState.RUNNING),
            ]
        )
        assert [int(key) for key in read.prunable(JobState.SUCCEEDED, 40, 9)] == [2, 1]
        assert [int(key) for key in read.prunable(JobState.SUCCEEDED, 40, 1)] == [2]
        assert [int(key) for key in read.prunable(JobState.FAILED, 40, 9)] == [4]

    def test_what_a_living_child_or_group_needs_is_not_prunable(self, write, read):
        at_rest = [job(number, JobState.SUCCEEDED, finished_at=1) for number in (1, 2, 3, 4)]
        write.insert_jobs([*at_rest, job(5, JobState.BLOCKED), job(6, JobState.BLOCKED)])
        write.insert_edges(
            [
                Edge(job(5).id, job(1).id, EdgeKind.SUCCESS, 0),
                Edge(job(6).id, job(2).id, EdgeKind.MEMBER, 0),
                Edge(job(4).id, job(3).id, EdgeKind.SETTLED, 0),
            ]
        )
        assert [int(key) for key in read.prunable(JobState.SUCCEEDED, 9, 9)] == [3, 4]

    def test_a_deleted_job_takes_what_belongs_to_it(self, write, read):
        gone, kept = job(1, JobState.SUCCEEDED, worker_key="k"), job(2)
        write.insert_jobs([gone, kept])
        write.insert_edges([Edge(kept.id, gone.id, EdgeKind.SETTLED, 0)])
        for owner in (gone.id, kept.id):
            write.put(
                Attempt(id=f"{owner}:1", job=owner, epoch=1, session="s"),
                Signal(id=f"{owner}:go", job=owner, name="go"),
                Decision(id=f"d{owner}", job=owner),
                Artefact(id=f"{owner}:a", job=owner, name="a", sha256="0"),
            )
        write.delete_jobs([gone.id])
        assert read.jobs([gone.id, kept.id]) == [kept]
        assert read.edges_to(kept.id) == []
        assert read.edges_from([gone.id]) == []
        for kind in (Attempt, Signal, Decision, Artefact):
            assert [row.job for row in read.find(kind)] == [kept.id]
