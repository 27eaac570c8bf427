"""Invariants 15 to 18: no secret, no orphan, poison contained, and the log is the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from engine.errors import HouseFault
from engine.jobs import Job, JobState
from engine.projections import replay
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log

_COLUMNS = tuple(column.name for column in fields(Job))


def secrets_are_absent(case: Evidence, _: Log) -> Iterator[Violation]:
    """15: no registered value stands in a row, an event, or any other text."""
    if not case.secrets:
        return
    snapshot = case.snapshot
    rows: list[Any] = [*snapshot.jobs.values(), *snapshot.events, *snapshot.attempts]
    rows += [*snapshot.decisions, *snapshot.signals, *snapshot.keys, *snapshot.workers]
    places = [(f"row {_name(row)}", repr(row)) for row in rows]
    for place, text in (*places, *case.texts.items()):
        for secret in case.secrets:
            if any(form in text for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1])):
                yield Violation("15 secrets", place, "it holds a registered secret")


def _name(row: Any) -> str:
    return str(getattr(row, "id", None) or getattr(row, "seq", None) or getattr(row, "name", ""))


def no_orphan(case: Evidence, _: Log) -> Iterator[Violation]:
    """16: after the drain no process lives whose job does not run at that epoch."""
    for orphan in case.orphans:
        yield Violation("16 orphans", orphan, "it is alive and nobody wants it")
    if not case.rested:
        return
    for run in case.executions or ():
        job = case.snapshot.jobs.get(run.job)
        wanted = job is not None and job.state is JobState.RUNNING and job.epoch == run.epoch
        if run.alive and not wanted:
            yield Violation("16 orphans", run.token, f"it runs for {run.job} at {run.epoch}")


def poison_is_quarantined(case: Evidence, log: Log) -> Iterator[Violation]:
    """17: a job that kills its worker k times is failed as poison and runs no more."""
    limit = case.settings.retry.poison_reclaims
    for steps in log.of.values():
        for step in steps:
            counted = step.before is not None and step.before.reclaims >= limit
            if step.claims and counted and step.before.spec.get("effects") != "once":
                told = f"claimed again after {step.before.reclaims} dead workers"
                yield Violation("17 poison", step.after.id, told)
    if not case.rested:
        return
    for job_id in case.poisonous:
        job = case.snapshot.jobs.get(job_id)
        if job is not None and job.state is JobState.SUCCEEDED:
            yield Violation("17 poison", job_id, "it kills its worker each time and succeeded")


def log_rebuilds_table(case: Evidence, log: Log) -> Iterator[Violation]:
    """18: replay of the log is the job table, column by column."""
    for event in log.strays:
        yield Violation("18 replay", event.subject, f"event {event.seq} tells of an unknown job")
    try:
        table = replay(case.snapshot.events)
    except HouseFault as hole:
        yield Violation("18 replay", "log", hole.detail)
        return
    jobs = case.snapshot.jobs
    for job_id in table.keys() ^ jobs.keys():
        where = "log" if job_id in table else "table"
        yield Violation("18 replay", job_id, f"only the {where} knows it")
    for job_id in table.keys() & jobs.keys():
        if (told := table[job_id]) != jobs[job_id]:
            stored = jobs[job_id]
            names = [n for n in _COLUMNS if getattr(told, n) != getattr(stored, n)]
            yield Violation("18 replay", job_id, f"the log differs in {', '.join(names)}")
