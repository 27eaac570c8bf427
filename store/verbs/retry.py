"""Run a finished job again: as a new job. The old row and its settled group never change."""

from __future__ import annotations

from engine.drafts import Draft, Need
from engine.errors import Conflict
from engine.jobs import EdgeKind, Job, JobKind
from store.verbs.plant import plant
from store.work import Work


def retry(work: Work, job_id: str) -> Job:
    """Submit a copy of a finished job, with `retry_of` set.

    Raises:
        NotFound: there is no such job.
        Conflict: it is not at rest, or it is a group.
    """
    job = work.job(job_id)
    if not job.state.terminal:
        raise Conflict(
            f"Job {job.id} is {job.state}; only a finished job can be tried again.",
            remedy=f"Cancel it first: helio job cancel {job.id}",
            state=str(job.state),
        )
    if job.kind is not JobKind.TASK:
        raise Conflict(
            f"{job.id} is a {job.kind}; only tasks can be tried again.",
            remedy="Run the pipeline again: helio pipeline run",
        )
    draft = Draft(
        key="again",
        name=job.name,
        project=job.project,
        lane=job.lane,
        backend=job.backend,
        step=job.step,
        cwd=job.cwd,
        spec=job.spec,
        needs=_needs(work, job),
        retry_of=job.id,
        source=job.source,
        trust=job.trust,
    )
    return work.job(plant(work, [draft])["again"])


def _needs(work: Work, job: Job) -> tuple[Need, ...]:
    """The parents that are still there: their results are what its templates speak of."""
    edges = [edge for edge in work.edges_to(job.id) if edge.kind is not EdgeKind.MEMBER]
    there = work.jobs(edge.parent for edge in edges)
    return tuple(Need(edge.parent, edge.kind) for edge in edges if edge.parent in there)
