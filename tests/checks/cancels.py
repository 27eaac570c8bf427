"""Invariant 5: a cancel is final once it was acknowledged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from engine.events import EventKind
from engine.jobs import EdgeKind, JobState
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log, Step


def cancel_is_final(case: Evidence, log: Log) -> Iterator[Violation]:
    """5: after a cancel no claim follows, no result is accepted, and the end is `cancelled`."""
    for job_id, steps in log.of.items():
        asked = [step for step in steps if step.after.cancel_requested_at]
        for step in asked:
            if step.claims and step.before is not None and step.before.cancel_requested_at:
                yield Violation("5 cancel", job_id, f"claimed at seq {step.seq} after its cancel")
        last = steps[-1].after
        if asked and last.state.terminal and last.state is not JobState.CANCELLED:
            yield Violation("5 cancel", job_id, f"a cancel was accepted, and it {last.state}")
        if asked and not last.cancel_requested_at:
            yield Violation("5 cancel", job_id, "its cancel was forgotten")
    for op in case.acked("cancel"):
        yield from _was_cancelled(case, log, str(op.body["id"]))
    yield from _members(case, log)


def halted_house_starts_nothing(case: Evidence, log: Log) -> Iterator[Violation]:
    """5: between a halt or a pause and its end no job is claimed."""
    claims = {step.seq: step for step in log.steps if step.claims}
    since = 0
    for event in case.snapshot.events:
        match event.kind:
            case EventKind.HOUSE_HALTED | EventKind.HOUSE_PAUSED:
                since = since or event.at
            case EventKind.HOUSE_RESUMED:
                since = 0
            case _:
                step = claims.get(event.seq)
                if step is not None and since and event.at > since:
                    told = f"claimed at seq {step.seq} in a house that was halted or paused"
                    yield Violation("5 halt", step.after.id, told)


def _was_cancelled(case: Evidence, log: Log, job_id: str) -> Iterator[Violation]:
    job = case.snapshot.jobs.get(job_id)
    if job is None or job_id in log.pruned:
        return
    if job.state is not JobState.CANCELLED and not job.cancel_requested_at:
        yield Violation("5 cancel", job_id, f"acknowledged as cancelled, and it is {job.state}")
    if case.rested and job.state is not JobState.CANCELLED:
        yield Violation("5 cancel", job_id, f"acknowledged as cancelled, ended {job.state}")


def _members(case: Evidence, log: Log) -> Iterator[Violation]:
    """A cancelled group takes every member with it that was not at rest."""
    members: dict[str, list[str]] = defaultdict(list)
    for edge in case.snapshot.edges:
        if edge.kind is EdgeKind.MEMBER:
            members[edge.child].append(edge.parent)
    for group_id, ids in members.items():
        asked = next((s for s in log.of.get(group_id, []) if _cancels(s)), None)
        if asked is None:
            continue
        for member in ids:
            late = [s for s in log.of.get(member, []) if s.at > asked.at and s.claims]
            if late:
                told = f"claimed at seq {late[0].seq}, after its group was cancelled"
                yield Violation("5 cancel", member, told)


def _cancels(step: Step) -> bool:
    before = step.before.cancel_requested_at if step.before else 0
    return step.after.cancel_requested_at != before
