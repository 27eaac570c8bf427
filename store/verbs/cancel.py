"""Cancel a promise. What runs is asked to stop and ends when its process tree is gone."""

from __future__ import annotations

from engine.errors import Conflict
from engine.gates import open_review
from engine.jobs import EdgeKind, Job, JobKind, JobState, Reason
from engine.rows import replace
from engine.settle import end
from engine.transitions import Trigger
from store.verbs.decisions import withdraw_decisions
from store.work import Work


def cancel(work: Work, job_id: str) -> Job:
    """Cancel at the owner's word.

    Raises:
        NotFound: there is no such job.
        Conflict: it is at rest already, and not by a cancel.
    """
    job = work.job(job_id)
    if job.state is JobState.CANCELLED:
        return job
    if job.state.terminal:
        raise Conflict(
            f"Job {job.id} has already {job.state}.",
            remedy="A finished job stays as it is; `helio job retry` submits it anew.",
            state=str(job.state),
        )
    withdraw(work, job, Reason.OWNER)
    return work.job(job_id)


def withdraw(work: Work, job: Job, reason: Reason) -> None:
    """Cancel a promise that is not at rest, and a group's members with it."""
    if job.kind is JobKind.GROUP:
        _withdraw_group(work, job, reason)
    elif job.state is JobState.RUNNING:
        if not job.cancel_requested_at:
            work.put(replace(job, cancel_requested_at=work.moment.steady, reason=reason))
        work.stops.append((job.owner, job.id, job.epoch, "cancel"))
    else:
        withdraw_decisions(work, job)
        review = open_review(job)
        work.put(end(job, Trigger.CANCEL, work.moment, reason=reason))
        if review and (looking := work.jobs([review]).get(review)) and not looking.state.terminal:
            withdraw(work, looking, reason)


def _withdraw_group(work: Work, group: Job, reason: Reason) -> None:
    """A group is cancelled when its last member is at rest; one without members is so at once."""
    members = [edge.parent for edge in work.edges_to(group.id) if edge.kind is EdgeKind.MEMBER]
    living = [job for job in work.jobs(members).values() if not job.state.terminal]
    if not living:
        work.put(end(group, Trigger.CANCEL, work.moment, reason=reason))
        return
    if not group.cancel_requested_at:
        work.put(replace(group, cancel_requested_at=work.moment.steady, reason=reason))
    for member in living:
        if not work.job(member.id).state.terminal:
            withdraw(work, work.job(member.id), reason)
