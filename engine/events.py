"""The event catalogue: one typed fact each, written in the transaction of the change it tells.

A job event carries exactly the columns that changed, so `engine.projections.replay` rebuilds the
job table from the log alone. Logs, metrics, the status page and agents are readers of this one
stream; `docs/events.md` is drawn from the catalogue below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from engine.jobs import Job, JobState
from engine.rows import reader


class EventKind(StrEnum):
    """Every kind of stored event there is."""

    JOB_SUBMITTED = "job.submitted"
    JOB_BLOCKED = "job.blocked"
    JOB_DELAYED = "job.delayed"
    JOB_READY = "job.ready"
    JOB_RUNNING = "job.running"
    JOB_REVIEWING = "job.reviewing"
    JOB_WAITING = "job.waiting"
    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_SKIPPED = "job.skipped"
    JOB_UPDATED = "job.updated"
    DECISION_ASKED = "decision.asked"
    DECISION_ANSWERED = "decision.answered"
    DECISION_EXPIRED = "decision.expired"
    SIGNAL_RECEIVED = "signal.received"
    PROJECT_ADDED = "project.added"
    WORKER_BORN = "worker.born"
    WORKER_LOST = "worker.lost"
    WORKER_RETIRED = "worker.retired"
    MODEL_CALLED = "model.called"
    MODEL_CLOSED = "model.closed"
    MODEL_OPENED = "model.opened"
    BUDGET_REACHED = "budget.reached"
    MESSAGE_QUEUED = "message.queued"
    HOUSE_STARTED = "house.started"
    HOUSE_HALTED = "house.halted"
    HOUSE_PAUSED = "house.paused"
    HOUSE_RESUMED = "house.resumed"
    STORE_PRUNED = "store.pruned"
    STORE_SNAPSHOT = "store.snapshot"


MEANING: Mapping[EventKind, str] = {
    EventKind.JOB_SUBMITTED: "A promise was accepted; data holds all its columns.",
    EventKind.JOB_BLOCKED: "It waits for a parent, for members, or for a busy directory or pool.",
    EventKind.JOB_DELAYED: "It waits for a known time: backoff, rate limit or schedule.",
    EventKind.JOB_READY: "It may run as soon as a slot is free.",
    EventKind.JOB_RUNNING: "A session was given the job; a new epoch began.",
    EventKind.JOB_REVIEWING: "The gate looks at the deliverable.",
    EventKind.JOB_WAITING: "It waits for a signal or the owner; no slot, no process.",
    EventKind.JOB_SUCCEEDED: "Its result was accepted.",
    EventKind.JOB_FAILED: "It failed for good; data.error names cause and remedy.",
    EventKind.JOB_CANCELLED: "It was cancelled and its process tree is gone.",
    EventKind.JOB_SKIPPED: "It will never run: a parent failed or its condition was false.",
    EventKind.JOB_UPDATED: "Columns changed within the same state.",
    EventKind.DECISION_ASKED: "The owner was asked something.",
    EventKind.DECISION_ANSWERED: "The owner answered, once.",
    EventKind.DECISION_EXPIRED: "The deadline passed; the default was applied.",
    EventKind.SIGNAL_RECEIVED: "A named signal came for a job.",
    EventKind.PROJECT_ADDED: "A project was added or changed.",
    EventKind.WORKER_BORN: "A session was made for a directory.",
    EventKind.WORKER_LOST: "A session died; its jobs go back.",
    EventKind.WORKER_RETIRED: "A session was retired.",
    EventKind.MODEL_CALLED: "One attempt at a provider ended; data holds the call's record.",
    EventKind.MODEL_CLOSED: "A provider, key or model takes no calls until the time named.",
    EventKind.MODEL_OPENED: "It takes calls again.",
    EventKind.BUDGET_REACHED: "A budget passed its step or its end; data names it.",
    EventKind.MESSAGE_QUEUED: "A message for a session was accepted.",
    EventKind.HOUSE_STARTED: "A dispatcher took over; a new term began.",
    EventKind.HOUSE_HALTED: "Everything was stopped at the owner's word.",
    EventKind.HOUSE_PAUSED: "No new job is started.",
    EventKind.HOUSE_RESUMED: "Halt or pause was lifted.",
    EventKind.STORE_PRUNED: "Old jobs were removed; a snapshot precedes this event.",
    EventKind.STORE_SNAPSHOT: "A part of the job table as it stands; replay may begin here.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. `seq` is 0 until the store gives it its place."""

    seq: int = 0
    at: int
    kind: EventKind
    subject: str
    project: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


_COLUMNS = tuple(column.name for column in fields(Job))
_values = reader(Job)
_OF_STATE = {state: EventKind(f"job.{state.value}") for state in JobState}


def submitted(job: Job, now: int) -> Event:
    """Tell that a job was accepted, with every column."""
    data = dict(zip(_COLUMNS, _values(job), strict=True))
    return Event(
        at=now, kind=EventKind.JOB_SUBMITTED, subject=job.id, project=job.project, data=data
    )


def changed(before: Job, after: Job, now: int) -> Event:
    """Tell what changed between two versions of a row: only the columns that differ."""
    data = {
        name: new
        for name, was, new in zip(_COLUMNS, _values(before), _values(after), strict=True)
        if was is not new and was != new
    }
    kind = EventKind.JOB_UPDATED
    if after.state is not before.state or after.epoch != before.epoch:
        kind = _OF_STATE[after.state]
    return Event(at=now, kind=kind, subject=after.id, project=after.project, data=data)
