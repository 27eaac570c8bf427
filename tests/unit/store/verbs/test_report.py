"""Reports: the fence, the audit trail, and what an ended attempt leaves behind."""

from dataclasses import replace

from engine.failures import Cause, Failure
from engine.jobs import JobState, Reason, Result
from engine.messages import Report, ReportKind
from engine.outcomes import Done, Drained, Failed, Lost, NeedsOwner, Preempted, to_wire
from engine.records import Attempt, Decision, Worker
from store.verbs.cancel import cancel
from store.verbs.decisions import answer
from store.verbs.report import postpone, take_reports
from store.verbs.waits import signal

from .kit import task, wait

WELL = Done(Result(text="first", exit_code=0), cost_usd=0.5)


def attempts(house, job_id):
    return house.find(Attempt, job=job_id)


def test_a_result_of_the_current_epoch_is_accepted(house):
    ids = house.submit(task("a"))
    house.claim()
    job = house.report(ids["a"], WELL)
    assert job.state is JobState.SUCCEEDED
    assert job.result["text"] == "first"
    assert job.cost_usd == 0.5


def test_a_result_of_an_older_epoch_falls_on_the_floor(house):
    ids = house.submit(task("a"))
    house.claim()
    house.report(ids["a"], Lost(counts=False))
    house.claim()
    before = house.job(ids["a"])
    assert house.report(ids["a"], WELL, epoch=1) == before


def test_a_second_result_of_the_same_epoch_changes_nothing(house):
    ids = house.submit(task("a"))
    house.succeed(ids["a"])
    before = house.job(ids["a"])
    assert house.report(ids["a"], Done(Result(text="second"))) == before


def test_stale_reports_are_counted(house):
    ids = house.submit(task("a"))
    report = Report(
        job=ids["a"], epoch=1, kind=ReportKind.OUTCOME, at=house.now, data=to_wire(WELL)
    )
    stranger = replace(report, job="nobody")
    assert house.do(take_reports, [report, stranger]) == 2


def test_an_attempt_keeps_the_time_at_which_its_own_claim_began(house):
    ids = house.submit(task("a"))
    house.claim()
    house.report(ids["a"], Lost(counts=False))
    house.pass_time(60)
    house.claim()
    second_began = house.now
    house.report(ids["a"], WELL)
    first, second = attempts(house, ids["a"])
    assert second.started_at == second_began
    assert first.ended_at < second.started_at < second.ended_at
    assert [first.outcome, second.outcome] == ["lost", "done"]


def test_an_order_that_a_session_refused_closes_its_attempt_and_frees_the_worker(house):
    ids = house.submit(task("a"))
    house.claim()
    house.do(lambda work: postpone(work, work.job(ids["a"]), "full"))
    job = house.job(ids["a"])
    assert (job.state, job.reason, job.failures) == (JobState.DELAYED, Reason.BACKOFF, 0)
    assert [(row.outcome, bool(row.ended_at)) for row in attempts(house, ids["a"])] == [
        ("refused", True)
    ]
    assert [worker.state for worker in house.find(Worker)] == ["idle"]


def test_a_refused_order_whose_job_was_cancelled_never_comes_back(house):
    ids = house.submit(task("a"))
    house.claim()
    house.do(cancel, ids["a"])
    house.do(lambda work: postpone(work, work.job(ids["a"]), "full"))
    assert house.state(ids["a"]) is JobState.CANCELLED


def test_a_preempted_or_drained_job_goes_back_to_its_queue_without_a_failure(house):
    ids = house.submit(task("a"))
    for outcome in (Preempted(), Drained()):
        house.claim()
        job = house.report(ids["a"], outcome)
        assert (job.state, job.failures, job.reclaims) == (JobState.READY, 0, 0)


def test_what_the_owner_answered_is_told_again_after_the_worker_died(house):
    ids = house.submit(task("a"))
    house.claim()
    house.report(ids["a"], NeedsOwner("Which?", ("left", "right")))
    (decision,) = house.find(Decision)
    house.do(answer, decision.id, "left")
    told = {"decision": decision.id, "given": "left"}
    assert house.claim()["a"].order.resume == told
    house.report(ids["a"], Lost(counts=True))
    assert house.claim()["a"].order.resume == told


def test_a_result_after_a_cancel_is_not_accepted(house):
    ids = house.submit(task("a"))
    house.claim()
    house.do(cancel, ids["a"])
    job = house.report(ids["a"], WELL)
    assert (job.state, job.result) == (JobState.CANCELLED, None)


def test_a_tool_failure_is_final_unless_the_spec_says_more(house):
    ids = house.submit(task("a"), task("b", spec={"run": ["x"], "max_failures": 1}))
    house.claim()
    failed = Failed(Failure(cause=Cause.TOOL, message="exit code 1"))
    assert house.report(ids["a"], failed).state is JobState.FAILED
    assert house.report(ids["b"], failed).state is JobState.DELAYED


def test_a_lost_job_with_effects_once_becomes_a_question(house):
    ids = house.submit(task("a", spec={"effects": "once"}))
    house.claim()
    job = house.report(ids["a"], Lost(counts=True))
    (decision,) = house.find(Decision)
    assert (job.state, decision.kind) == (JobState.WAITING, "uncertain")


def test_a_payload_that_kills_three_workers_is_quarantined(house):
    ids = house.submit(task("a"))
    for _ in range(3):
        house.claim()
        job = house.report(ids["a"], Lost(counts=True))
    assert job.state is JobState.FAILED
    assert job.error["cause"] == "poison"


def test_a_signal_that_came_before_the_wait_ends_it_at_once(house):
    ids = house.submit(task("a"), wait("w", "a", signal="go"))
    house.do(signal, ids["w"], "go", {"n": 1})
    house.succeed(ids["a"])
    assert house.state(ids["w"]) is JobState.SUCCEEDED
    assert house.job(ids["w"]).result["data"] == {"n": 1}
