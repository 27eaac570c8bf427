"""The dispatcher's core: one inbox, one transaction, and the wishes that follow."""

from random import Random

import pytest

from actors.dispatching.core import Core
from actors.dispatching.facts import Answered, Gone, Inbox, Seen, Unanswered
from engine.drafts import Batch, Draft, Need
from engine.errors import Conflict, Fenced, HouseFault
from engine.events import EventKind
from engine.failures import Cause, Failure
from engine.jobs import JobKind, JobState, Lane, Result
from engine.messages import Report, ReportKind
from engine.moments import Moment, us
from engine.outcomes import Done, Failed, Lost, Preempted, to_wire
from engine.settings import HouseSettings, Settings
from store.memory import MemoryStore
from store.term import begin_term
from store.verbs import control
from store.verbs.cancel import cancel
from store.verbs.submit import submit
from store.verbs.waits import signal

BEGIN = us(1_800_000_000)
EMPTY = frozenset()


class Office:
    """A core with a clock that each wake moves."""

    def __init__(self, store=None, slots=20):
        self.store = store or MemoryStore(strict=True)
        settings = Settings(house=HouseSettings(slots=slots))
        self.core = Core(self.store, settings, term=begin_term(self.store), rng=Random(3))
        self.now = BEGIN
        self.wake()  # the first wake of a term asks what runs

    def wake(self, *acts, facts=(), reports=(), sweep=None):
        self.now += 1
        inbox = Inbox(list(acts), list(reports), list(facts), sweep)
        return self.core.wake(inbox, Moment(self.now, self.now))

    def submit(self, *names, **more):
        drafts = tuple(Draft(key=name, name=name, **more) for name in names)
        wake = self.wake(lambda work: dict(submit(work, Batch(drafts=drafts)).ids))
        return wake, [wake.answers[0][name] for name in names]

    def start(self, name="a", **more):
        """Submit a job and let its session take it; give its row."""
        wake, (job_id,) = self.submit(name, **more)
        ((session, _),) = wake.orders.items()
        self.wake(facts=[Answered(session, frozenset([(job_id, 1)]))])
        return self.job(job_id)

    def seen(self, job, *claims):
        """Ask the job's session, and let it answer with these claims."""
        return Seen(job.owner, self.core.roster.ask(), frozenset(claims))

    def job(self, job_id):
        return self.store.read(lambda tables: tables.jobs([job_id])[0])


def report(job, outcome, epoch=None):
    return Report(
        job=job.id,
        epoch=epoch or job.epoch,
        kind=ReportKind.OUTCOME,
        at=BEGIN,
        data=to_wire(outcome),
    )


@pytest.fixture
def office():
    return Office()


def test_a_submit_and_its_order_are_one_wake(office):
    wake, (job_id,) = office.submit("a")
    ((session, (order,)),) = wake.orders.items()
    assert (order.job, order.epoch) == (job_id, 1)
    assert office.job(job_id).owner == session


def test_a_refusal_that_wrote_nothing_does_not_disturb_its_neighbours(office):
    def refuse(_):
        raise Conflict("No.")

    wake = office.wake(refuse, lambda work: {"ok": True})
    assert isinstance(wake.answers[0], Conflict)
    assert wake.answers[1] == {"ok": True}


def test_a_refusal_after_a_write_leaves_no_trace_of_it(office):
    def half(work):
        submit(work, Batch(drafts=(Draft(key="a"),)))
        raise Conflict("No.")

    def whole(work):
        return dict(submit(work, Batch(drafts=(Draft(key="b"),))).ids)

    wake = office.wake(half, whole)
    assert isinstance(wake.answers[0], Conflict)
    assert office.store.read(lambda tables: tables.count_jobs()) == {(JobState.RUNNING, Lane.P2): 1}


def test_a_fault_of_the_house_applies_nothing_of_the_inbox(office):
    def fault(_):
        raise HouseFault("The disk.")

    def whole(work):
        return dict(submit(work, Batch(drafts=(Draft(key="b"),))).ids)

    with pytest.raises(HouseFault):
        office.wake(whole, fault)
    assert office.store.read(lambda tables: tables.count_jobs()) == {}


def test_an_old_term_is_refused_by_the_store(office):
    Office(office.store)
    with pytest.raises(Fenced):
        office.wake()


def test_the_first_wake_of_a_term_asks_every_session_that_should_run_something(office):
    job = office.start()
    heir = Core(office.store, Settings(), term=begin_term(office.store), rng=Random(4))
    wake = heir.wake(Inbox(), Moment(office.now + 1, office.now + 1))
    assert [session for session, _ in wake.probes] == [job.owner]


def test_a_result_ends_the_job_and_starts_the_next_in_the_same_wake():
    office = Office(slots=1)
    job = office.start("a")
    office.submit("b")
    wake = office.wake(reports=[report(job, Done(Result(text="well")))])
    assert [order.name for orders in wake.orders.values() for order in orders] == ["b"]


def test_a_stale_report_is_counted_and_dropped(office):
    job = office.start()
    assert office.wake(reports=[report(job, Lost(counts=True), epoch=9)]).stale == 1
    assert office.job(job.id).state is JobState.RUNNING


def test_a_claim_that_its_session_lost_runs_again_at_the_next_epoch(office):
    job = office.start()
    wake = office.wake(facts=[office.seen(job)])
    assert [order.epoch for orders in wake.orders.values() for order in orders] == [2]
    assert office.job(job.id).reclaims == 1


def test_the_death_of_a_worker_is_told(office):
    job = office.start()
    told = office.wake(facts=[office.seen(job)]).told
    (lost,) = [event for event in told if event.kind is EventKind.WORKER_LOST]
    assert (lost.subject, lost.data) == (job.owner, {"job": job.id, "epoch": 1})


def test_a_result_and_the_loss_of_its_session_in_one_wake_count_the_result(office):
    job = office.start()
    gone = Gone(job.owner, office.core.roster.ask())
    office.wake(reports=[report(job, Done(Result(text="well")))], facts=[gone])
    assert office.job(job.id).state is JobState.SUCCEEDED


def test_an_order_that_may_not_have_arrived_is_not_repeated_before_it_is_known(office):
    wake, (job_id,) = office.submit("a")
    (session,) = wake.orders
    office.wake(facts=[Unanswered(session, frozenset([(job_id, 1)]))])
    assert office.job(job_id).epoch == 1


def test_a_refused_order_comes_back_a_little_later(office):
    wake, (job_id,) = office.submit("a")
    (session,) = wake.orders
    wake = office.wake(facts=[Answered(session, EMPTY, {(job_id, 1): "full"})])
    assert office.job(job_id).state is JobState.DELAYED
    office.now = wake.next_at
    assert office.wake().orders


def test_a_cancel_is_said_again_until_the_session_has_heard_it(office):
    job = office.start()
    stop = (job.owner, job.id, 1, "cancel")
    assert office.wake(lambda work: {"id": cancel(work, job.id).id}).stops == [stop]
    assert office.wake(facts=[office.seen(job, (job.id, 1))]).stops == [stop]


def test_a_halt_is_said_again_until_nothing_runs(office):
    job = office.start()
    stop = (job.owner, job.id, 1, "halt")
    assert office.wake(lambda work: control.halt(work) or {}).stops == [stop]
    assert office.wake(facts=[office.seen(job, (job.id, 1))]).stops == [stop]


def test_a_stranger_is_stopped(office):
    job = office.start()
    wake = office.wake(facts=[office.seen(job, (job.id, 1), ("unknown", 4))])
    assert wake.stops == [(job.owner, "unknown", 4, "cancel")]


def test_a_halted_or_paused_house_starts_nothing(office):
    office.wake(lambda work: control.pause(work) or {})
    wake, (job_id,) = office.submit("a")
    assert not wake.orders
    assert office.wake(lambda work: control.resume_house(work) or {}).orders
    assert office.job(job_id).state is JobState.RUNNING


def test_a_sealed_core_claims_nothing(office):
    office.core.sealed = True
    assert not office.submit("a")[0].orders


def test_urgent_work_sends_a_background_job_out_of_its_directory(office):
    slow = office.start("slow", cwd="/d", lane=Lane.P4)
    wake, _ = office.submit("sos", cwd="/d", lane=Lane.P0)
    assert wake.stops == [(slow.owner, slow.id, 1, "preempt")]
    wake = office.wake(reports=[report(slow, Preempted())])
    assert [order.name for orders in wake.orders.values() for order in orders] == ["sos"]


def test_a_job_whose_effects_happen_once_is_not_preempted(office):
    office.start("slow", cwd="/d", lane=Lane.P4, spec={"effects": "once"})
    assert office.submit("sos", cwd="/d", lane=Lane.P0)[0].stops == []


def test_a_sweep_that_finds_nothing_counts_no_lost_wake(office):
    office.start()
    assert office.wake(sweep={}).lost_wakes == 0


def test_a_timer_that_frees_several_jobs_in_a_sweep_is_no_lost_wake(office):
    """A wait whose time is over lets all its children start: nobody forgot to ring for them."""
    wait = Draft(
        key="w",
        kind=JobKind.WAIT,
        spec={"wait": {"signal": "go", "default": "on", "deadline_s": 5}},
    )
    children = [Draft(key=name, name=name, needs=(Need("w"),)) for name in ("a", "b", "c")]
    office.wake(lambda work: dict(submit(work, Batch(drafts=(wait, *children))).ids))
    office.now += us(6)
    wake = office.wake(sweep={})
    assert sum(len(orders) for orders in wake.orders.values()) == 3
    assert wake.lost_wakes == 0


def test_a_wall_clock_that_runs_ahead_does_not_keep_the_dispatcher_busy(office):
    """The delay is over by the wall clock and not by its own: the next look is not at once."""
    job = office.start(spec={"max_failures": 1, "delays_s": [60]})
    stuck = Failed(Failure(cause=Cause.STUCK, message="It hangs."))
    office.wake(reports=[report(job, stuck)])
    ahead = Moment(office.now + 1, office.now + us(3600))
    wake = office.core.wake(Inbox(), ahead)
    assert wake.next_at == ahead.wall + us(0.25)
    assert office.job(job.id).state is JobState.DELAYED


def test_a_signal_frees_who_waits_for_it(office):
    _, (job_id,) = office.submit("w", kind=JobKind.WAIT, spec={"wait": {"signal": "go"}})
    wake = office.wake(lambda work: {"first": signal(work, job_id, "go", None)})
    assert wake.answers == [{"first": True}]
    assert office.job(job_id).state is JobState.SUCCEEDED
