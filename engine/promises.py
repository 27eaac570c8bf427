"""How a group's members make its outcome: the rule of `all`, `race`, `any`, `all_settled`.

    all           fails with the first bad member (the others run on), succeeds when all are at rest
    all_settled   succeeds when all are at rest, however they ended
    race          the first member that ends, well or badly, decides
    any           the first member that ends well decides; fails when none is left that could
    run           a pipeline's root: decides when all are at rest, fails if one ended badly

A member that was skipped because its own condition was false took no part: it is neither good
nor bad, and it wins no race. The rule needs no list of members, only two counters and the end
that was just counted, so a group of 10,000 costs as little as one of two. `all` and
`all_settled` of nothing succeed at once; `race` and `any` of nothing are refused at submit, and
fail if every member stays away.
"""

from __future__ import annotations

from enum import Enum, auto

from engine.jobs import GroupMode, JobState, Reason


class Verdict(Enum):
    """What a group is to become."""

    OPEN = auto()
    SUCCEED = auto()
    FAIL = auto()


class MemberEnd(Enum):
    """How a member at rest speaks for its group."""

    GOOD = auto()
    BAD = auto()
    ABSENT = auto()


def member_end(state: JobState, reason: Reason) -> MemberEnd:
    """Judge a member at rest."""
    if state is JobState.SUCCEEDED:
        return MemberEnd.GOOD
    if state is JobState.SKIPPED and reason is Reason.CONDITION:
        return MemberEnd.ABSENT
    return MemberEnd.BAD


def verdict(mode: GroupMode, *, open_members: int, bad: int, last: MemberEnd | None) -> Verdict:
    """Decide a group after one more member came to rest.

    `open_members` and `bad` have counted that member already; `last` is None when the group has
    only now begun to count.
    """
    at_rest = open_members == 0
    match mode:
        case GroupMode.ALL:
            return _when(at_rest, failed=bad > 0)
        case GroupMode.RUN:
            return _when(at_rest, failed=at_rest and bad > 0)
        case GroupMode.ALL_SETTLED:
            return _when(at_rest, failed=False)
        case GroupMode.RACE:
            return _first(last, at_rest=at_rest, failed=last is MemberEnd.BAD)
        case GroupMode.ANY:
            return _first(last, at_rest=at_rest, failed=False)


def withdraws_losers(mode: GroupMode) -> bool:
    """Whether members still under way are cancelled once the group is decided."""
    return mode in {GroupMode.RACE, GroupMode.ANY}


def _when(at_rest: bool, *, failed: bool) -> Verdict:
    if failed:
        return Verdict.FAIL
    return Verdict.SUCCEED if at_rest else Verdict.OPEN


def _first(last: MemberEnd | None, *, at_rest: bool, failed: bool) -> Verdict:
    if last is MemberEnd.GOOD:
        return Verdict.SUCCEED
    return Verdict.FAIL if failed or at_rest else Verdict.OPEN
