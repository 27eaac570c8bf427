"""The claim: lanes, caps, busy keys, and heads that turn out not to run."""

from engine.jobs import GroupMode, JobState, Lane, Reason, Result
from engine.outcomes import Done, Lost
from engine.records import Attempt, Worker
from store.verbs.cancel import cancel

from .kit import House, group, settled, task

BROKEN = {"run": ["echo", "{{input.absent}}"]}
WELL = Done(Result(text="well"))


def test_a_claim_raises_the_epoch_and_leaves_an_attempt(house):
    ids = house.submit(task("a"))
    house.claim()
    job = house.job(ids["a"])
    assert (job.state, job.epoch, job.holding) == (JobState.RUNNING, 1, True)
    (attempt,) = house.find(Attempt)
    assert (attempt.id, attempt.session) == (f"{job.id}:1", job.owner)


def test_no_more_jobs_run_than_there_are_slots(house):
    house.submit(*[task(f"t{n}", lane=Lane.P0) for n in range(5)])
    assert len(house.claim(slots=3)) == 3
    assert house.claim(slots=3) == {}


def test_two_jobs_of_one_directory_run_one_after_the_other(house):
    ids = house.submit(task("a", cwd="/d"), task("b", cwd="/d"))
    assert list(house.claim()) == ["a"]
    assert house.job(ids["b"]).reason is Reason.DIRECTORY
    house.report(ids["a"], WELL)
    assert list(house.claim()) == ["b"]


def test_a_pool_holds_no_more_than_its_setting():
    house = House(pools={"llm": 2})
    ids = house.submit(*[task(f"t{n}", backend="llm") for n in range(4)])
    assert sorted(house.claim()) == ["t0", "t1"]
    house.report(ids["t0"], WELL)
    assert sorted(house.claim()) == ["t2"]
    assert house.violations() == []


def test_an_urgent_job_is_claimed_before_a_background_one(house):
    house.submit(task("slow", lane=Lane.P5), task("sos", lane=Lane.P0))
    assert list(house.claim(slots=1)) == ["sos"]


def test_a_thousand_jobs_of_one_busy_directory_do_not_hide_a_free_one(house):
    house.submit(*[task(f"busy{n}", cwd="/d", lane=Lane.P0) for n in range(1000)])
    house.submit(task("free", lane=Lane.P5))
    assert sorted(house.claim(slots=2)) == ["busy0", "free"]


def test_a_job_that_cannot_be_rendered_fails_and_leaves_its_slot_to_others(house):
    ids = house.submit(task("broken", spec=BROKEN), task("sound"))
    assert list(house.claim(slots=1)) == ["sound"]
    assert house.state(ids["broken"]) is JobState.FAILED


def test_who_waited_for_a_job_that_cannot_be_rendered_starts_in_the_same_claim(house):
    """Its lane was empty when the claim began; nobody would ring the bell again."""
    ids = house.submit(
        task("broken", spec=BROKEN, lane=Lane.P0),
        task("after", settled("broken"), lane=Lane.P3),
    )
    assert list(house.claim()) == ["after"]
    assert house.state(ids["broken"]) is JobState.FAILED


def test_a_loser_that_is_withdrawn_during_the_claim_is_not_claimed(house):
    ids = house.submit(
        task("broken", spec=BROKEN),
        task("loser"),
        group("race", GroupMode.RACE, "broken", "loser"),
    )
    assert house.claim() == {}
    assert house.states(ids) == {"broken": "failed", "loser": "cancelled", "race": "failed"}


def test_a_directory_has_one_session_for_all_its_jobs(house):
    ids = house.submit(task("a", cwd="/d"), task("b", cwd="/d"))
    house.succeed(ids["a"])
    house.succeed(ids["b"])
    (worker,) = house.find(Worker)
    assert worker.jobs == 2


def test_jobs_without_a_directory_share_the_first_idle_session_of_the_pool(house):
    ids = house.submit(task("a"))
    house.succeed(ids["a"])
    house.submit(task("b"), task("c"))
    house.claim()
    names = sorted(worker.name for worker in house.find(Worker))
    assert names == ["session/pool-shell-0", "session/pool-shell-1"]


def test_a_job_sent_back_keeps_its_history_and_takes_a_new_epoch(house):
    ids = house.submit(task("a"))
    house.claim()
    house.report(ids["a"], Lost(counts=True))
    house.claim()
    job = house.job(ids["a"])
    assert (job.epoch, job.reclaims) == (2, 1)


def test_a_cancelled_job_is_not_claimed(house):
    ids = house.submit(task("a"))
    house.do(cancel, ids["a"])
    assert house.claim() == {}
