"""The group rule, against a model that sees every member at once; and faults that it catches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs import GroupMode, JobState, Reason
from engine.promises import MemberEnd, Verdict, member_end, verdict, withdraws_losers

ENDS = st.lists(st.sampled_from(MemberEnd), min_size=1, max_size=8)


def decide(mode, ends, rule=verdict):
    """Feed the ends one by one; give every verdict that was not OPEN, with its place."""
    said = []
    for n, last in enumerate(ends, start=1):
        bad = ends[:n].count(MemberEnd.BAD)
        answer = rule(mode, open_members=len(ends) - n, bad=bad, last=last)
        if answer is not Verdict.OPEN:
            said.append((n, answer))
    return said


def model(mode, ends):
    """Say when a group is decided and how, from the whole list."""
    count = len(ends)
    good = [n for n, end in enumerate(ends, start=1) if end is MemberEnd.GOOD]
    bad = [n for n, end in enumerate(ends, start=1) if end is MemberEnd.BAD]
    match mode:
        case GroupMode.ALL:
            return (bad[0], Verdict.FAIL) if bad else (count, Verdict.SUCCEED)
        case GroupMode.RUN:
            return count, Verdict.FAIL if bad else Verdict.SUCCEED
        case GroupMode.ALL_SETTLED:
            return count, Verdict.SUCCEED
        case GroupMode.ANY:
            return (good[0], Verdict.SUCCEED) if good else (count, Verdict.FAIL)
        case GroupMode.RACE:
            first = min(good + bad, default=count)
            return first, Verdict.SUCCEED if first in good else Verdict.FAIL


@given(mode=st.sampled_from(GroupMode), ends=ENDS)
def test_the_first_verdict_is_what_the_whole_list_says(mode, ends):
    assert decide(mode, ends)[0] == model(mode, ends)


def race_won_by_a_member_that_stayed_away(mode, *, open_members, bad, last):
    taken_for = MemberEnd.GOOD if last is MemberEnd.ABSENT else last
    return verdict(mode, open_members=open_members, bad=bad, last=taken_for)


def any_that_fails_with_its_first_bad_member(mode, *, open_members, bad, last):
    if mode is GroupMode.ANY and bad:
        return Verdict.FAIL
    return verdict(mode, open_members=open_members, bad=bad, last=last)


def all_that_waits_before_it_fails(mode, *, open_members, bad, last):
    swapped = GroupMode.RUN if mode is GroupMode.ALL else mode
    return verdict(swapped, open_members=open_members, bad=bad, last=last)


@pytest.mark.parametrize(
    "fault",
    [
        race_won_by_a_member_that_stayed_away,
        any_that_fails_with_its_first_bad_member,
        all_that_waits_before_it_fails,
    ],
)
def test_a_planted_fault_contradicts_the_model(fault):
    ends = [MemberEnd.ABSENT, MemberEnd.BAD, MemberEnd.GOOD]
    assert any(decide(mode, ends, fault)[:1] != [model(mode, ends)] for mode in GroupMode)


@pytest.mark.parametrize("mode", [GroupMode.ALL, GroupMode.ALL_SETTLED, GroupMode.RUN])
def test_nothing_succeeds_at_once(mode):
    assert verdict(mode, open_members=0, bad=0, last=None) is Verdict.SUCCEED


@pytest.mark.parametrize("mode", GroupMode)
def test_a_group_that_has_only_begun_to_count_stays_open(mode):
    assert verdict(mode, open_members=3, bad=0, last=None) is Verdict.OPEN


@pytest.mark.parametrize(
    ("state", "reason", "end"),
    [
        (JobState.SUCCEEDED, Reason.NONE, MemberEnd.GOOD),
        (JobState.FAILED, Reason.NONE, MemberEnd.BAD),
        (JobState.CANCELLED, Reason.OWNER, MemberEnd.BAD),
        (JobState.SKIPPED, Reason.UPSTREAM, MemberEnd.BAD),
        (JobState.SKIPPED, Reason.CONDITION, MemberEnd.ABSENT),
    ],
)
def test_an_unmet_condition_speaks_for_nobody(state, reason, end):
    assert member_end(state, reason) is end


def test_only_race_and_any_send_the_losers_home():
    assert [mode for mode in GroupMode if withdraws_losers(mode)] == [GroupMode.RACE, GroupMode.ANY]
