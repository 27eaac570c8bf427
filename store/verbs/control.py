"""The owner's switches: pause (start nothing new), halt (stop everything), resume.

They are rows, so they survive a restart: a house that was halted comes up halted.
"""

from __future__ import annotations

from engine.errors import Conflict, NotFound
from engine.events import EventKind
from engine.jobs import JobState
from engine.records import Project, Worker
from engine.rows import replace
from store.work import Work


def pause(work: Work) -> None:
    """Start no new job; what runs goes on."""
    if not work.shard.paused_at:
        work.shard = replace(work.shard, paused_at=work.moment.steady)
        work.tell(EventKind.HOUSE_PAUSED, "house")


def halt(work: Work) -> None:
    """Start nothing and stop everything that runs; stopped jobs keep their place."""
    if not work.shard.halted_at:
        work.shard = replace(work.shard, halted_at=work.moment.steady)
        work.tell(EventKind.HOUSE_HALTED, "house")
    stop_running(work, "halt")


def resume_house(work: Work) -> None:
    """Lift halt and pause."""
    if work.shard.halted_at or work.shard.paused_at:
        work.shard = replace(work.shard, halted_at=0, paused_at=0)
        work.tell(EventKind.HOUSE_RESUMED, "house")


def stop_running(work: Work, why: str) -> None:
    """Ask every session to end what it runs."""
    for job in work.holding():
        if job.state is JobState.RUNNING:
            work.stops.append((job.owner, job.id, job.epoch, why))


def add_project(work: Work, project: Project) -> Project:
    """Add a project, or change the one of that name."""
    known = work.record(Project, project.id)
    if known is not None:
        project = replace(project, created_at=known.created_at)
    work.save(project)
    work.tell(EventKind.PROJECT_ADDED, project.id, project.id, name=project.name)
    return project


def retire_worker(work: Work, name: str) -> Worker:
    """Retire an idle session; its directory gets a new one when the next job comes.

    Raises:
        NotFound: there is no such session.
        Conflict: it runs a job.
    """
    worker = work.record(Worker, name)
    if worker is None:
        raise NotFound(f"There is no worker {name}.", remedy="List them: helio worker list")
    running = [job for job in work.holding() if job.owner == name]
    if running:
        raise Conflict(
            f"{name} runs job {running[0].id}.",
            remedy=f"Wait for it, or cancel it first: helio job cancel {running[0].id}",
        )
    if worker.state == "retired":
        return worker
    retired = replace(worker, state="retired", used_at=work.moment.steady)
    work.save(retired)
    work.tell(EventKind.WORKER_RETIRED, name)
    return retired
