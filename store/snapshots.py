"""The snapshot of the job table as events: how it is cut into parts and found again. Pure.

A snapshot is written in one transaction, as `store.snapshot` events of at most PART_JOBS jobs.
The event's subject is ``part/of``, so that finding the newest one reads no job.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.events import Event, EventKind
from engine.jobs import Job
from store.codec import JOB

PART_JOBS = 200


def snapshot_part(jobs: Sequence[Job], part: int, of: int, now: int) -> Event:
    """Tell one part of the job table, every column of every job; parts count from 1."""
    return Event(
        at=now,
        kind=EventKind.STORE_SNAPSHOT,
        subject=f"{part}/{of}",
        data={
            "part": part,
            "of": of,
            "jobs": [dict(zip(JOB.names, JOB.values(job), strict=True)) for job in jobs],
        },
    )


def first_of_newest_whole(parts: Iterable[Sequence[Any]]) -> int:
    """Find where the newest whole snapshot begins.

    `parts` are (seq, subject) of the snapshot events, newest first; 0 when none is whole.
    """
    wanted = 0
    for seq, subject in parts:
        part, _, of = subject.partition("/")
        if wanted and int(part) != wanted:
            wanted = 0
        if part == of or int(part) == wanted:
            wanted = int(part) - 1
            if wanted == 0:
                return int(seq)
    return 0
