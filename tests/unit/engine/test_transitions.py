"""The state machine: the whole table walked, and what must hold of any such table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Conflict
from engine.jobs import TERMINAL, JobState
from engine.transitions import TABLE, Trigger, diagram, fire

EVERY = [(state, trigger) for state in JobState for trigger in Trigger]


@pytest.mark.parametrize(("state", "trigger"), EVERY)
def test_every_pair_is_an_arrow_or_a_refusal(state, trigger):
    if trigger in TABLE[state]:
        assert fire(state, trigger) is TABLE[state][trigger]
        return
    with pytest.raises(Conflict) as refused:
        fire(state, trigger)
    assert str(state) in refused.value.detail
    assert str(trigger) in refused.value.detail
    assert refused.value.remedy


@given(start=st.sampled_from(sorted(TERMINAL)), triggers=st.lists(st.sampled_from(Trigger)))
def test_a_terminal_state_absorbs(start, triggers):
    for trigger in triggers:
        with pytest.raises(Conflict):
            fire(start, trigger)


def test_every_state_has_a_row_and_can_be_reached_from_blocked():
    assert set(TABLE) == set(JobState)
    seen, ahead = set(), [JobState.BLOCKED]
    while ahead:
        state = ahead.pop()
        if state not in seen:
            seen.add(state)
            ahead += TABLE[state].values()
    assert seen == set(JobState)


def test_every_state_that_is_not_terminal_can_be_cancelled_and_can_end():
    for state in set(JobState) - TERMINAL:
        assert TABLE[state][Trigger.CANCEL] is JobState.CANCELLED


def test_only_a_claim_makes_a_job_run():
    into = [(state, t) for state, row in TABLE.items() for t, to in row.items()
            if to is JobState.RUNNING]  # fmt: skip
    assert into == [(JobState.READY, Trigger.CLAIM)]


def test_the_diagram_draws_every_arrow_once():
    arrows = [line for line in diagram().splitlines() if "-->" in line and "[*]" not in line]
    assert len(arrows) == len(set(arrows)) == sum(len(row) for row in TABLE.values())
