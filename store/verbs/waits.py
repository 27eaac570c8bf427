"""Wait for a signal or the owner, for days if need be: a row, no slot and no process."""

from __future__ import annotations

from typing import Any

from engine.errors import Conflict
from engine.events import EventKind
from engine.jobs import Job, JobState
from engine.records import Signal
from engine.rows import replace
from engine.settle import Question, deadline, park
from engine.templates import render_spec
from store.verbs.decisions import ask, resume
from store.verbs.values import values_of
from store.work import Work

TEMPLATE = "{{"


def begin_wait(work: Work, job: Job) -> None:
    """Start a WAIT promise whose parents are at rest; an early signal ends it at once."""
    wait = _rendered(work, job)
    deadline_at = deadline(work.moment, wait.get("deadline_s"))
    if "ask" in wait:
        question = Question(
            kind="question",
            text=str(wait["ask"]),
            options=tuple(wait.get("options") or ()),
            default=str(wait.get("default", "")),
            deadline_at=deadline_at,
        )
        ask(work, work.put(park(job, {"decision": ""}, deadline_at)), question)
        return
    wait_for_signal(work, work.put(park(job, {"signal": wait["signal"]}, deadline_at)))


def _rendered(work: Work, job: Job) -> dict[str, Any]:
    wait = dict(job.spec.get("wait") or {})
    if TEMPLATE in str(wait.get("ask", "")):
        wait = dict(render_spec({"wait": wait}, values_of(work, job))["wait"])
    return wait


def wait_for_signal(work: Work, job: Job) -> None:
    """Let a job that has just parked on a signal go on if the signal came before it."""
    name = (job.awaits or {})["signal"]
    early = work.record(Signal, f"{job.id}:{name}")
    if early is not None:
        resume(work, job, {"signal": name, "given": early.payload})


def signal(work: Work, job_id: str, name: str, payload: object) -> bool:
    """Send a named signal to a job; it may come before the job waits. True for the first one.

    Raises:
        NotFound: there is no such job.
        Conflict: the job is at rest.
    """
    job = work.job(job_id)
    if work.record(Signal, f"{job.id}:{name}") is not None:
        return False
    if job.state.terminal:
        raise Conflict(
            f"Job {job.id} is {job.state}; nothing in it can hear a signal.",
            remedy="Submit it again: helio job retry",
            state=str(job.state),
        )
    row = Signal(
        id=f"{job.id}:{name}", job=job.id, name=name, payload=payload, at=work.moment.steady
    )
    work.save(row)
    work.tell(EventKind.SIGNAL_RECEIVED, job.id, job.project, name=name)
    if job.state is JobState.WAITING and (job.awaits or {}).get("signal") == name:
        resume(work, replace(job, run_at=0), {"signal": name, "given": payload})
    return True
