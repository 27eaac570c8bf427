"""The progress clocks: which runs out when, and what the order then gives."""

from __future__ import annotations

import pytest

from actors.sessions.clocks import Clocks
from actors.sessions.core import SessionCore
from actors.sessions.effects import Ending, Stop, Why
from engine.failures import Cause, Failure
from engine.jobs import Result
from engine.messages import Order
from engine.outcomes import Cancelled, Done, Failed, from_wire

TEN_SILENT = Order(job="a", epoch=1, silence_s=10.0, tool_s=50.0, total_s=100.0)


@pytest.mark.parametrize(
    ("clocks", "deadline"),
    [
        (Clocks(began=0, heard=0), 10),
        (Clocks(began=0, heard=95), 100),  # it talks, and is over its limit all the same
        (Clocks(began=0, heard=20, tool=20), 70),  # a tool call may be silent for longer
        (Clocks(began=0, heard=80, tool=80), 100),
    ],
)
def test_the_first_clock_to_run_out_decides(clocks: Clocks, deadline: float) -> None:
    assert clocks.deadline(TEN_SILENT) == deadline
    assert clocks.run_out(TEN_SILENT, deadline - 0.01) is None
    assert clocks.run_out(TEN_SILENT, deadline) is not None


def test_zero_switches_a_clock_off() -> None:
    never = Order(job="a", epoch=1, silence_s=0, tool_s=0, total_s=0)
    assert Clocks(began=0, heard=0, tool=0).deadline(never) is None
    assert Clocks(began=0, heard=0).run_out(never, 1e9) is None


def started(order: Order) -> SessionCore:
    core = SessionCore("one", progress_every_s=1e9)
    core.start([order], 0, 0.0)
    return core


def test_a_silent_order_is_stopped_once_and_fails_as_stuck_when_its_tree_is_gone() -> None:
    core = started(TEN_SILENT)
    assert core.next_tick() == 10.0
    assert core.tick(0, 9.9) == []
    assert core.tick(0, 10.0) == [Stop("a", 1, Why.STUCK)]
    assert core.tick(0, 11.0) == []
    assert core.next_tick() is None
    core.ended("a", 1, Ending(Done(Result(text="half")), by_itself=False), 0, 12.0)
    expected = Failure(cause=Cause.STUCK, message="It gave no sign of progress for 10 s.")
    assert from_wire(dict(core.pending()[0].data)) == Failed(expected, Result(text="half"))


def test_output_and_tool_calls_are_signs_of_life() -> None:
    core = started(TEN_SILENT)
    core.output("a", 1, 1, 0, 9.0)
    assert core.tick(0, 12.0) == []
    core.tool("a", 1, 15.0, is_open=True)
    assert core.tick(0, 60.0) == []
    core.tool("a", 1, 61.0, is_open=False)
    assert core.tick(0, 70.0) == []
    assert core.tick(0, 71.0) == [Stop("a", 1, Why.STUCK)]


def test_the_clocks_of_a_waiting_order_do_not_run() -> None:
    core = started(TEN_SILENT)
    core.start([Order(job="b", epoch=1, silence_s=10.0)], 0, 0.0)
    core.ended("a", 1, Ending(Done(Result())), 0, 500.0)
    assert core.tick(0, 509.0) == []
    assert core.tick(0, 510.0) == [Stop("b", 1, Why.STUCK)]


def test_a_stuck_order_that_ended_well_before_the_signal_is_done() -> None:
    core = started(TEN_SILENT)
    core.tick(0, 10.0)
    core.ended("a", 1, Ending(Done(Result(text="late"))), 0, 10.1)
    assert from_wire(dict(core.pending()[0].data)) == Done(Result(text="late"))


def test_a_cancel_outweighs_a_clock() -> None:
    core = started(TEN_SILENT)
    core.tick(0, 10.0)
    assert core.stop("a", 1, Why.CANCEL, 0) == [Stop("a", 1, Why.CANCEL)]
    core.ended("a", 1, Ending(Done(Result()), by_itself=False), 0, 10.1)
    assert from_wire(dict(core.pending()[0].data)) == Cancelled()
