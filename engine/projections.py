"""The job table, folded from the event log alone; and one job as JSON and back.

Replay begins at the newest whole snapshot, or at the beginning where there is none. The fold is
total over what the store writes: a job event about a job that was never introduced means that
the log has a hole, and is an error rather than a guess.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any

from engine.errors import HouseFault
from engine.events import Event, EventKind
from engine.jobs import GroupMode, Job, JobKind, JobState, Lane, Reason, lane_named
from engine.rows import replace

_COLUMNS = tuple(column.name for column in fields(Job))


def replay(events: Iterable[Event]) -> dict[str, Job]:
    """Rebuild the job table from the log, in order of seq.

    Raises:
        HouseFault: the log tells of a job that it never introduced.
    """
    log = list(events)
    table: dict[str, Job] = {}
    for event in log[_beginning(log) :]:
        _apply(table, event)
    return table


def job_to_json(job: Job) -> dict[str, Any]:
    """Give a job as a JSON object: every column, the lane by name."""
    body = {name: _plain(getattr(job, name)) for name in _COLUMNS}
    return body | {"lane": Lane(job.lane).name}


def job_from_json(body: Mapping[str, Any]) -> Job:
    """Rebuild a job from `job_to_json`, from an event's data or from a snapshot's row."""
    return Job(**_columns(body))


def _beginning(log: Sequence[Event]) -> int:
    """Give the place of the first part of the newest snapshot that is whole."""
    wanted = 0
    for place in range(len(log) - 1, -1, -1):
        if log[place].kind is not EventKind.STORE_SNAPSHOT:
            continue
        part, of = log[place].data["part"], log[place].data["of"]
        wanted = part if part in (of, wanted) else 0
        if wanted == 1:
            return place
        wanted -= 1
    return 0


def _apply(table: dict[str, Job], event: Event) -> None:
    match event.kind:
        case EventKind.JOB_SUBMITTED:
            table[event.subject] = job_from_json(event.data)
        case EventKind.STORE_SNAPSHOT:
            if event.data["part"] == 1:
                table.clear()
            for row in event.data["jobs"]:
                table[row["id"]] = job_from_json(row)
        case EventKind.STORE_PRUNED:
            for job_id in event.data["jobs"]:
                table.pop(job_id, None)
        case _ if event.kind.startswith("job."):
            if event.subject not in table:
                raise HouseFault(
                    f"Event {event.seq} tells of job {event.subject}, which the log never "
                    "introduced.",
                    remedy="The log has a hole: restore the store from a backup.",
                )
            table[event.subject] = replace(table[event.subject], **_columns(event.data))
        case _:
            pass


def _columns(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _DECODE[name](value) if name in _DECODE else value for name, value in data.items()
    }


def _lane(value: int | str) -> Lane:
    return lane_named(value) if isinstance(value, str) else Lane(value)


def _json(value: Any) -> Any:
    """Read a free JSON column; a snapshot holds it as the text that the table holds."""
    return json.loads(value) if isinstance(value, str) else value


_DECODE: Mapping[str, Callable[[Any], Any]] = {
    "kind": JobKind,
    "lane": _lane,
    "mode": lambda value: None if value is None else GroupMode(value),
    "state": JobState,
    "reason": Reason,
    "holding": bool,
    "spec": _json,
    "result": _json,
    "error": _json,
    "awaits": _json,
}


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case Mapping():
            return {str(name): _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value
