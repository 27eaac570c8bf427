"""Carry the end of a promise to everything that waits for it, until nothing moves any more.

Each edge is walked exactly once, in the transaction in which its parent came to rest; that is
why a group resolves once and a cascade cannot be lost between two writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from engine.conditions import holds
from engine.errors import HelioError, HouseFault, StoreFull
from engine.failures import Cause, Failure
from engine.jobs import Edge, EdgeKind, GroupMode, Job, JobKind, JobState, Reason
from engine.promises import MemberEnd, Verdict, member_end, verdict, withdraws_losers
from engine.rows import replace
from engine.settle import end, fail
from engine.transitions import Trigger, fire
from store.verbs import queue
from store.verbs.cancel import withdraw
from store.verbs.expand import expand
from store.verbs.gate import take_verdict
from store.verbs.values import values_of
from store.verbs.waits import begin_wait
from store.work import Work


def advance(work: Work) -> None:
    """Walk from what came to rest and what was freed to all that follows, queues last."""
    while work.ended or work.late or work.freed or work.released:
        late, work.late = work.late, []
        _spread(work, late)
        freed, work.freed = work.freed, []
        for job_id in freed:
            _unblock(work, work.job(job_id))
        ended, work.ended = work.ended, []
        if ended:
            place = {job_id: n for n, job_id in enumerate(ended)}
            _hear_reviews(work, ended)
            edges = work.edges_from(ended)
            _spread(work, sorted(edges, key=lambda edge: (place[edge.parent], edge.idx)))
        if not (work.ended or work.late or work.freed):
            queue.move_released(work)


def _hear_reviews(work: Work, ended: Sequence[str]) -> None:
    """A review that came to rest lets its maker go on."""
    for job in work.jobs(ended).values():
        if "review_of" in job.spec:
            take_verdict(work, job)


def _spread(work: Work, edges: Sequence[Edge]) -> None:
    by_child: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge not in work.walked:
            work.walked.add(edge)
            by_child[edge.child].append(edge)
    work.jobs([*by_child, *(edge.parent for edge in edges)])
    for child, incoming in by_child.items():
        arrive(work, work.job(child), incoming)


def arrive(work: Work, child: Job, incoming: Sequence[Edge]) -> None:
    """Apply the ends of these parents to one child that may still wait for them."""
    needs = [edge for edge in incoming if edge.kind is not EdgeKind.MEMBER]
    members = [edge for edge in incoming if edge.kind is EdgeKind.MEMBER]
    if child.state is JobState.BLOCKED and needs:
        child = _needs_ended(work, child, needs)
    for edge in members:
        if child.state is JobState.BLOCKED:
            child = _member_ended(work, child, work.job(edge.parent))


def _needs_ended(work: Work, child: Job, needs: Sequence[Edge]) -> Job:
    for edge in needs:
        parent = work.job(edge.parent)
        if edge.kind is EdgeKind.SUCCESS and parent.state is not JobState.SUCCEEDED:
            return work.put(end(child, Trigger.SKIP, work.moment, reason=_why_skipped(parent)))
    child = work.put(replace(child, open_deps=child.open_deps - len(needs)))
    if child.open_deps == 0:
        work.free(child)
    return child


def _why_skipped(parent: Job) -> Reason:
    """What follows an optional step that was not wanted is not wanted either, and no failure."""
    unwanted = parent.state is JobState.SKIPPED and parent.reason is Reason.CONDITION
    return Reason.CONDITION if unwanted else Reason.UPSTREAM


def _unblock(work: Work, job: Job) -> None:
    if job.state is not JobState.BLOCKED:
        return
    try:
        if not holds(job.spec.get("when"), lambda: values_of(work, job)):
            work.put(end(job, Trigger.SKIP, work.moment, reason=Reason.CONDITION))
        elif job.kind is JobKind.GROUP:
            _open_group(work, job)
        elif job.kind is JobKind.WAIT:
            begin_wait(work, job)
        elif job.run_at > work.moment.wall:
            state = fire(job.state, Trigger.DELAY)
            work.put(replace(job, state=state, reason=Reason.SCHEDULE))
        else:
            queue.enqueue(work, job, Trigger.FREE)
    except (HouseFault, StoreFull):
        raise
    except HelioError as refusal:
        failure = Failure(cause=Cause.MALFORMED, message=refusal.detail)
        work.put(fail(job, failure, work.moment))


def _open_group(work: Work, group: Job) -> None:
    """A group's needs are at rest: from here on it counts its members."""
    if "map" in group.spec and group.reason is not Reason.MEMBERS:
        group = expand(work, group)
    group = work.put(replace(group, reason=Reason.MEMBERS))
    if group.open_deps == 0:
        _resolve(work, group, None)


def _member_ended(work: Work, group: Job, member: Job) -> Job:
    group = work.put(
        replace(
            group,
            open_deps=group.open_deps - 1,
            bad_deps=group.bad_deps + (member_end(member.state, member.reason) is MemberEnd.BAD),
        )
    )
    return _resolve(work, group, member)


def _resolve(work: Work, group: Job, last: Job | None) -> Job:
    """Settle the group if its rule says so."""
    if group.cancel_requested_at:
        if group.open_deps == 0:
            group = work.put(end(group, Trigger.CANCEL, work.moment, reason=group.reason))
        return group
    decided = verdict(
        group.mode or GroupMode.ALL,
        open_members=group.open_deps,
        bad=group.bad_deps,
        last=None if last is None else member_end(last.state, last.reason),
    )
    if decided is Verdict.OPEN:
        return group
    if decided is Verdict.SUCCEED:
        done = end(group, Trigger.SUCCEED, work.moment, reason=Reason.NONE)
        group = work.put(replace(done, result=_group_result(group, last)))
    else:
        group = work.put(fail(group, _group_failure(last), work.moment))
    if group.mode and withdraws_losers(group.mode):
        _withdraw_losers(work, group)
    return group


def _group_result(group: Job, last: Job | None) -> dict[str, object]:
    if group.mode and withdraws_losers(group.mode) and last is not None:
        return dict(last.result or {}) | {"winner": last.id}
    return {"text": "", "data": None, "bad": group.bad_deps}


def _group_failure(last: Job | None) -> Failure:
    named = (last.name or last.id) if last else "a member"
    if last is not None and last.error:
        cause = Cause(last.error.get("cause", Cause.OTHER))
        return Failure(cause=cause, message=f"{named}: {last.error.get('message', '')}")
    how = f"was {last.state}" if last else "failed"
    return Failure(
        cause=Cause.DEPENDENCY,
        message=f"{named} {how}.",
        remedy="Look at its members for the one that failed first: `helio job show`.",
    )


def _withdraw_losers(work: Work, group: Job) -> None:
    members = [edge.parent for edge in work.edges_to(group.id) if edge.kind is EdgeKind.MEMBER]
    for member in work.jobs(members).values():
        if not member.state.terminal:
            withdraw(work, member, Reason.RACE_LOST)
