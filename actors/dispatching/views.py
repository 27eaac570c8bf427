"""Rows as the API shows them: plain JSON, lanes by name, times as integer microseconds."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from engine.events import Event
from engine.jobs import Edge, Job, Lane
from engine.records import Record

_JOB_COLUMNS = tuple(column.name for column in fields(Job))


def job_view(job: Job) -> dict[str, Any]:
    """Give a job's row as JSON."""
    view = {name: getattr(job, name) for name in _JOB_COLUMNS}
    view["lane"] = Lane(job.lane).name
    view["kind"], view["state"], view["reason"] = str(job.kind), str(job.state), str(job.reason)
    view["mode"] = str(job.mode) if job.mode else None
    return view


def record_view(row: Record) -> dict[str, Any]:
    """Give any other row as JSON."""
    view = {column.name: getattr(row, column.name) for column in fields(row)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in view.items()}


def event_view(event: Event) -> dict[str, Any]:
    """Give an event as JSON."""
    return {
        "seq": event.seq,
        "at": event.at,
        "kind": str(event.kind),
        "subject": event.subject,
        "project": event.project,
        "data": dict(event.data),
    }


def edge_view(edge: Edge) -> dict[str, Any]:
    """Give an edge as the child sees it."""
    return {"id": edge.parent, "on": str(edge.kind), "idx": edge.idx}


def page(items: list[dict[str, Any]], limit: int, key: str = "id") -> dict[str, Any]:
    """Wrap one page; there is a next one when this one is full."""
    full = len(items) == limit and bool(items)
    return {"items": items, "next_cursor": str(items[-1][key]) if full else None}
