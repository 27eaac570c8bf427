"""The session's core: what becomes of orders, stops and endings, as tables."""

from __future__ import annotations

import pytest

from actors.sessions.core import REMEMBERED, SessionCore
from actors.sessions.effects import Ending, Refusal, Spawn, Stop, Tell, Why
from engine.failures import Cause, Failure
from engine.jobs import Result
from engine.messages import Order, Report, ReportKind
from engine.outcomes import (
    Cancelled,
    Done,
    Drained,
    Failed,
    Lost,
    Outcome,
    Preempted,
    from_wire,
    tag,
)

DONE = Done(Result(text="ok", exit_code=0))
BROKEN = Failed(Failure(cause=Cause.TOOL, message="It exited with code 1."))


def order(job: str = "a", epoch: int = 1, **fields: float) -> Order:
    return Order(job=job, epoch=epoch, **fields)  # type: ignore[arg-type]


def core_running(*orders: Order, **settings: float) -> SessionCore:
    core = SessionCore("one", **settings)  # type: ignore[arg-type]
    core.start(orders, 0, 0.0)
    return core


def outcomes(core: SessionCore) -> dict[tuple[str, int], Outcome]:
    found = {}
    for report in core.pending():
        if report.kind is ReportKind.OUTCOME:
            assert (report.job, report.epoch) not in found
            found[report.job, report.epoch] = from_wire(dict(report.data))
    return found


def test_an_order_is_spawned_at_once_and_its_end_is_told() -> None:
    core = SessionCore("one")
    answer, effects = core.start([order()], 5, 0.0)
    assert answer.accepted == (("a", 1),)
    assert effects == [Spawn(order())]
    told = core.ended("a", 1, Ending(DONE), 9, 1.0)
    assert [type(effect) for effect in told] == [Tell]
    assert outcomes(core) == {("a", 1): DONE}
    assert core.pending()[0].at == 9
    assert core.status() == {
        "incarnation": "one", "running": [], "queued": [], "unreported": [["a", 1]],
    }  # fmt: skip


def test_the_mailbox_takes_as_many_as_prefetch_and_refuses_the_rest() -> None:
    core = SessionCore("one", prefetch=1)
    answer, effects = core.start([order("a"), order("b"), order("c")], 0, 0.0)
    assert answer.accepted == (("a", 1), ("b", 1))
    assert answer.refused == (Refusal("c", 1, "full"),)
    assert effects == [Spawn(order("a"))]
    assert Spawn(order("b")) in core.ended("a", 1, Ending(DONE), 0, 0.0)


def test_a_session_with_capacity_runs_that_many() -> None:
    core = SessionCore("one", capacity=2, prefetch=0)
    answer, effects = core.start([order("a"), order("b"), order("c")], 0, 0.0)
    assert effects == [Spawn(order("a")), Spawn(order("b"))]
    assert answer.refused == (Refusal("c", 1, "full"),)


@pytest.mark.parametrize("end_first", [False, True])
@pytest.mark.parametrize("ack_first", [False, True])
def test_the_same_order_again_is_accepted_and_changes_nothing(
    end_first: bool, ack_first: bool
) -> None:
    core = core_running(order())
    if end_first:
        core.ended("a", 1, Ending(DONE), 0, 0.0)
        core.reports_acked(len(core.pending()) if ack_first else 0)
    before = core.status()
    answer, effects = core.start([order()], 1, 1.0)
    assert (answer.accepted, answer.refused, effects) == ((("a", 1),), (), [])
    assert core.status() == before


def test_a_lower_epoch_is_refused() -> None:
    core = core_running(order(epoch=3))
    answer, effects = core.start([order(epoch=2)], 0, 0.0)
    assert answer.refused == (Refusal("a", 2, "stale"),)
    assert effects == []


def test_a_higher_epoch_ends_the_running_one_before_it_starts() -> None:
    core = core_running(order(epoch=1))
    answer, effects = core.start([order(epoch=2)], 0, 0.0)
    assert answer.accepted == (("a", 2),)
    assert effects == [Stop("a", 1, Why.SUPERSEDED)]
    later = core.ended("a", 1, Ending(DONE, by_itself=False), 0, 0.0)
    assert Spawn(order(epoch=2)) in later
    assert outcomes(core) == {
        ("a", 1): Lost(counts=False, message="A newer epoch of the job arrived.")
    }


def test_two_epochs_of_one_job_never_run_at_once_even_with_room() -> None:
    core = core_running(order(epoch=1), capacity=2)
    _, effects = core.start([order(epoch=2), order("b")], 0, 0.0)
    assert effects == [Stop("a", 1, Why.SUPERSEDED), Spawn(order("b"))]


def test_a_higher_epoch_replaces_one_that_waits() -> None:
    core = core_running(order("x"), order("a", 1))
    core.start([order("a", 2)], 0, 0.0)
    assert core.status()["queued"] == [["a", 2]]
    assert tag(outcomes(core)["a", 1]) == "lost"


@pytest.mark.parametrize(
    ("why", "outcome"),
    [
        (Why.CANCEL, Cancelled()),
        (Why.PREEMPT, Preempted()),
        (Why.DRAIN, Drained()),
        (Why.HALT, Drained()),
    ],
)
def test_a_waiting_order_goes_back_unharmed(why: Why, outcome: Outcome) -> None:
    core = core_running(order("x"), order("a"))
    effects = core.stop("a", 1, why, 4)
    assert [type(effect) for effect in effects] == [Tell]
    assert outcomes(core) == {("a", 1): outcome}
    assert core.status()["queued"] == []


@pytest.mark.parametrize(
    ("why", "by_itself", "gave", "told"),
    [
        (Why.CANCEL, False, DONE, Cancelled()),
        (Why.CANCEL, True, DONE, Cancelled()),  # nobody wants the result of a cancelled job
        (Why.PREEMPT, False, DONE, Preempted()),  # exit 0 after SIGTERM proves nothing
        (Why.PREEMPT, True, DONE, DONE),  # it was over before the signal: do not repeat it
        (Why.PREEMPT, True, BROKEN, BROKEN),
        (Why.DRAIN, False, BROKEN, Drained()),
        (Why.DRAIN, True, DONE, DONE),
        (Why.HALT, False, BROKEN, Drained()),
    ],
)
def test_what_a_stopped_order_gives(
    why: Why, by_itself: bool, gave: Outcome, told: Outcome
) -> None:
    core = core_running(order())
    assert core.stop("a", 1, why, 1) == [Stop("a", 1, why)]
    assert outcomes(core) == {}, "nothing is told before the tree is gone"
    core.ended("a", 1, Ending(gave, by_itself), 2, 2.0)
    assert outcomes(core) == {("a", 1): told}


def test_a_stop_after_the_end_changes_nothing() -> None:
    core = core_running(order())
    core.ended("a", 1, Ending(DONE), 0, 0.0)
    assert core.stop("a", 1, Why.CANCEL, 1) == []
    assert outcomes(core) == {("a", 1): DONE}


def test_a_stronger_reason_replaces_a_weaker_one_and_not_the_other_way() -> None:
    core = core_running(order())
    assert core.stop("a", 1, Why.PREEMPT, 0) == [Stop("a", 1, Why.PREEMPT)]
    assert core.stop("a", 1, Why.CANCEL, 0) == [Stop("a", 1, Why.CANCEL)]
    assert core.stop("a", 1, Why.DRAIN, 0) == []
    core.ended("a", 1, Ending(DONE, by_itself=False), 0, 0.0)
    assert outcomes(core) == {("a", 1): Cancelled()}


def test_a_halt_hastens_a_cancel_and_the_order_stays_cancelled() -> None:
    core = core_running(order())
    core.stop("a", 1, Why.CANCEL, 0)
    assert core.stop("a", 1, Why.HALT, 0) == [Stop("a", 1, Why.HALT)]
    assert core.stop("a", 1, Why.HALT, 0) == []
    core.ended("a", 1, Ending(DONE, by_itself=False), 0, 0.0)
    assert outcomes(core) == {("a", 1): Cancelled()}


def test_a_stop_that_overtakes_its_start_is_remembered() -> None:
    core = SessionCore("one")
    assert core.stop("a", 2, Why.CANCEL, 0) == []
    answer, effects = core.start([order(epoch=2)], 0, 0.0)
    assert answer.accepted == (("a", 2),)
    assert [type(effect) for effect in effects] == [Tell]
    assert outcomes(core) == {("a", 2): Cancelled()}


def test_an_early_stop_of_one_epoch_does_not_touch_the_next() -> None:
    core = SessionCore("one")
    core.stop("a", 2, Why.PREEMPT, 0)
    assert core.start([order(epoch=3)], 0, 0.0)[1] == [Spawn(order(epoch=3))]


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_stop_of_another_epoch_does_not_end_the_running_one(epoch: int) -> None:
    core = core_running(order(epoch=2))
    assert core.stop("a", epoch, Why.CANCEL, 0) == []
    assert core.status()["running"] == [["a", 2]]


def test_a_closed_session_sends_everything_back_and_takes_nothing() -> None:
    core = core_running(order("a"), order("b"))
    effects = core.close(Why.DRAIN, 0)
    assert Stop("a", 1, Why.DRAIN) in effects
    assert outcomes(core) == {("b", 1): Drained()}
    answer, _ = core.start([order("c")], 0, 0.0)
    assert answer.refused == (Refusal("c", 1, "closing"),)
    core.ended("a", 1, Ending(DONE, by_itself=False), 0, 0.0)
    assert not core.idle
    core.reports_acked(len(core.pending()))
    assert core.idle


def test_progress_is_told_at_most_once_in_a_while_and_the_last_of_it_is_not_forgotten() -> None:
    core = core_running(order(), progress_every_s=30.0)
    assert core.output("a", 1, 10, 1, 1.0) == []
    assert core.next_tick() == 30.0
    assert core.output("a", 1, 10, 29, 29.0) == []
    (told,) = core.tick(30, 30.0)
    assert told == Tell(
        (Report(job="a", epoch=1, kind=ReportKind.PROGRESS, at=30, data={"bytes": 20}),)
    )
    assert core.tick(99, 99.0) == []


def test_however_long_nobody_listens_an_order_owes_three_reports() -> None:
    core = core_running(order(silence_s=0), progress_every_s=1.0)
    core.started("a", 1, 77, 0)
    for second in range(1000):
        core.output("a", 1, 1, second, float(second))
    core.ended("a", 1, Ending(DONE), 1000, 1000.0)
    assert [report.kind for report in core.pending()] == list(ReportKind)
    assert core.pending()[1].data == {"bytes": 1000}


def test_a_report_stays_until_it_is_acknowledged() -> None:
    core = core_running(order())
    core.started("a", 1, 77, 0)
    core.ended("a", 1, Ending(DONE), 0, 0.0)
    assert len(core.pending()) == 2
    core.reports_acked(1)
    assert [report.kind for report in core.pending()] == [ReportKind.OUTCOME]


def test_facts_about_orders_that_are_not_here_are_ignored() -> None:
    core = SessionCore("one")
    assert core.started("a", 1, 7, 0) == []
    assert core.output("a", 1, 7, 0, 0.0) == []
    assert core.ended("a", 1, Ending(DONE), 0, 0.0) == []
    core.tool("a", 1, 0.0, is_open=True)
    assert core.pending() == []


def test_memory_of_old_orders_is_bounded() -> None:
    core = SessionCore("one")
    for number in range(REMEMBERED + 10):
        core.start([order(f"j{number}")], 0, 0.0)
        core.stop(f"early{number}", 5, Why.CANCEL, 0)
        core.ended(f"j{number}", 1, Ending(DONE), 0, 0.0)
        core.reports_acked(1)
    assert len(core._epochs) == REMEMBERED
    assert len(core._early_stops) == REMEMBERED


CLOSED = Failure(cause=Cause.RATE_LIMIT, message="All models are closed.", retry_at=77)


def test_a_throttled_order_is_stopped_and_fails_until_the_known_time() -> None:
    core = core_running(order())
    assert core.throttle("a", 1, CLOSED, 5) == [Stop("a", 1, Why.THROTTLE)]
    core.ended("a", 1, Ending(BROKEN, by_itself=False), 9, 1.0)
    assert outcomes(core) == {("a", 1): Failed(CLOSED)}


def test_what_ended_by_itself_before_the_throttle_keeps_its_outcome() -> None:
    core = core_running(order())
    core.throttle("a", 1, CLOSED, 5)
    core.ended("a", 1, Ending(DONE, by_itself=True), 9, 1.0)
    assert core.throttle("a", 1, CLOSED, 10) == []
    assert outcomes(core) == {("a", 1): DONE}


def test_a_client_that_gives_up_by_itself_when_it_is_refused_has_failed_by_the_limit() -> None:
    core = core_running(order())
    core.throttle("a", 1, CLOSED, 5)
    core.ended("a", 1, Ending(BROKEN, by_itself=True), 9, 1.0)
    assert outcomes(core) == {("a", 1): Failed(CLOSED)}


def test_the_newest_word_about_the_end_of_a_throttle_counts_and_stops_only_once() -> None:
    core = core_running(order())
    core.throttle("a", 1, CLOSED, 5)
    later = Failure(cause=Cause.RATE_LIMIT, message="Still closed.", retry_at=99)
    assert core.throttle("a", 1, later, 6) == []
    core.ended("a", 1, Ending(BROKEN, by_itself=False), 9, 1.0)
    assert outcomes(core) == {("a", 1): Failed(later)}


def test_a_throttle_reaches_an_order_in_the_mailbox_and_one_that_has_not_come_yet() -> None:
    core = core_running(order("a"), order("b"))
    core.throttle("b", 1, CLOSED, 5)
    core.throttle("c", 1, CLOSED, 5)
    core.start([order("c")], 6, 0.0)
    assert outcomes(core) == {("b", 1): Failed(CLOSED), ("c", 1): Failed(CLOSED)}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("throttle", Why.CANCEL, Cancelled()),
        ("throttle", Why.DRAIN, Drained()),
        ("throttle", Why.PREEMPT, Preempted()),
        (Why.CANCEL, "throttle", Cancelled()),
        (Why.DRAIN, "throttle", Drained()),
    ],
)
def test_a_stronger_reason_than_a_throttle_wins_in_any_order(
    first: Why | str, second: Why | str, expected: Outcome
) -> None:
    core = core_running(order())
    for why in (first, second):
        if isinstance(why, Why):
            core.stop("a", 1, why, 5)
        else:
            core.throttle("a", 1, CLOSED, 5)
    core.ended("a", 1, Ending(BROKEN, by_itself=False), 9, 1.0)
    assert outcomes(core) == {("a", 1): expected}


def test_turns_go_with_the_outcome_that_they_belong_to() -> None:
    turn = {"role": "user", "blocks": []}
    core = core_running(order("a"))
    core.ended("a", 1, Ending(DONE, turns=(turn,)), 9, 1.0)
    assert core.pending()[0].data["turns"] == [turn]
    core = core_running(order("a"))
    core.stop("a", 1, Why.CANCEL, 5)
    core.ended("a", 1, Ending(DONE, turns=(turn,)), 9, 1.0)
    assert "turns" not in core.pending()[0].data
