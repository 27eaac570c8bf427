import pytest

from engine.events import Event, EventKind, changed, submitted
from engine.jobs import Job, JobState, Reason
from store.snapshots import snapshot_part


def event(subject="s", kind=EventKind.HOUSE_STARTED, **data):
    return Event(at=1, kind=kind, subject=subject, project="p", data=data)


def seqs(events):
    return [found.seq for found in events]


def test_each_event_gets_the_next_seq(write, read):
    assert read.last_seq() == 0
    assert write.append_events([event("a"), event("b")]) == [1, 2]
    assert write.append_events([]) == []
    assert write.append_events([event("c")]) == [3]
    assert read.last_seq() == 3
    assert [found.subject for found in read.events(0, 9)] == ["a", "b", "c"]


def test_an_event_comes_back_as_it_was_told(write, read):
    told = event(kind=EventKind.DECISION_ASKED, question="é?", options=["a", "b"], at=None)
    write.append_events([told])
    (found,) = read.events(0, 1)
    assert (found.kind, found.at, found.project) == (told.kind, told.at, told.project)
    assert found.data == told.data


def test_the_columns_of_a_job_survive_in_its_events(write, read):
    before = Job(id="j", spec={"run": ["x"]})
    after = Job(id="j", spec={"run": ["x"]}, state=JobState.DELAYED, reason=Reason.BACKOFF)
    write.append_events([submitted(before, 1), changed(before, after, 2)])
    first, second = read.events(0, 9)
    assert first.data["spec"] == before.spec
    assert first.data["lane"] == before.lane
    assert second.data == {"state": "delayed", "reason": "backoff"}


def test_a_reader_continues_behind_its_cursor(write, read):
    write.append_events([event() for _ in range(5)])
    assert seqs(read.events(2, 2)) == [3, 4]
    assert read.events(5, 9) == []


@pytest.mark.parametrize(
    ("prefixes", "subject", "expected"),
    [
        (["job."], "", [1, 3]),
        (["job.ready"], "", [3]),
        (["job.", "house."], "", [1, 3, 4]),
        ([], "a", [1, 2]),
        (["job."], "a", [1]),
        (["%"], "", []),
    ],
)
def test_events_are_filtered_by_kind_and_subject(write, read, prefixes, subject, expected):
    write.append_events(
        [
            event("a", EventKind.JOB_SUBMITTED),
            event("a", EventKind.DECISION_ASKED),
            event("b", EventKind.JOB_READY),
            event("c", EventKind.HOUSE_PAUSED),
        ]
    )
    assert seqs(read.events(0, 9, prefixes, subject)) == expected


def test_the_newest_whole_snapshot_is_found_by_its_first_part(write, read):
    def part(number, of):
        return snapshot_part([], number, of, 1)

    assert read.newest_snapshot() == 0
    write.append_events([event(), part(1, 2), part(2, 2), event()])
    assert read.newest_snapshot() == 2
    write.append_events([part(1, 1)])
    assert read.newest_snapshot() == 5
    write.append_events([part(1, 3), part(2, 3)])
    assert read.newest_snapshot() == 5, "half a snapshot is none"


def test_half_a_snapshot_hides_no_older_one_with_several_parts(write, read):
    write.append_events([snapshot_part([], number, 3, 1) for number in (1, 2, 3)])
    write.append_events([snapshot_part([], 2, 3, 1)])
    assert read.newest_snapshot() == 1


def test_old_events_are_deleted_oldest_first(write, read):
    write.append_events([event() for _ in range(6)])
    assert write.delete_events(4, 2) == 2
    assert seqs(read.events(0, 9)) == [3, 4, 5, 6]
    assert write.delete_events(4, 9) == 1
    assert write.delete_events(4, 9) == 0


def test_no_seq_is_given_twice_even_when_every_event_is_deleted(write, read):
    write.append_events([event(), event()])
    write.delete_events(99, 99)
    assert read.last_seq() == 2
    assert write.append_events([event()]) == [3]
