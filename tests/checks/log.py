"""The event log as steps: each change of a job with its row before and after.

Events of one transaction carry one time and follow each other, so a run of equal times is taken
as one transaction: inside it the order says nothing, and rules about "at any moment" hold at its
end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.events import Event, EventKind
from engine.jobs import Job, JobState
from engine.projections import _columns, job_from_json
from engine.rows import replace


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a job. `before` is None at its submit, or where a snapshot introduces it."""

    seq: int
    at: int
    before: Job | None
    after: Job

    @property
    def claims(self) -> bool:
        """Whether a session was given the job here."""
        return self.before is not None and self.before.epoch != self.after.epoch

    @property
    def ends(self) -> bool:
        """Whether the job came to rest here."""
        return self.after.state.terminal and not (self.before and self.before.state.terminal)

    def left(self, state: JobState) -> bool:
        """Whether the job left a state here."""
        was = self.before is not None and self.before.state is state
        return was and self.after.state is not state


@dataclass(frozen=True, slots=True)
class Log:
    """The steps of all jobs in the order of the log, and those of each job."""

    steps: Sequence[Step]
    of: dict[str, list[Step]]
    pruned: frozenset[str]
    strays: Sequence[Event]  # job events about jobs that the log never introduced

    def transactions(self) -> Iterator[list[Step]]:
        """The steps, those of one transaction together."""
        group: list[Step] = []
        for step in self.steps:
            if group and step.at != group[-1].at:
                yield group
                group = []
            group.append(step)
        if group:
            yield group


def read_log(events: Sequence[Event]) -> Log:
    """Walk the log once; where its beginning was pruned, a snapshot introduces the jobs."""
    rows: dict[str, Job] = {}
    steps: list[Step] = []
    pruned: set[str] = set()
    strays: list[Event] = []

    def note(event: Event, before: Job | None, after: Job) -> None:
        rows[after.id] = after
        steps.append(Step(event.seq, event.at, before, after))

    for event in events:
        before = rows.get(event.subject)
        if event.kind is EventKind.STORE_PRUNED:
            pruned |= set(event.data.get("jobs", ()))
        elif event.kind is EventKind.STORE_SNAPSHOT:
            strays.clear()  # the rest of a beginning that is being removed in batches
            unseen = [row for row in event.data["jobs"] if row["id"] not in rows]
            for row in unseen:
                note(event, None, job_from_json(row))
        elif event.kind is EventKind.JOB_SUBMITTED:
            note(event, None, job_from_json(event.data))
        elif event.kind.startswith("job.") and before is None:
            strays.append(event)
        elif event.kind.startswith("job."):
            note(event, before, replace(before, **_columns(event.data)))
    of: dict[str, list[Step]] = {}
    for step in steps:
        of.setdefault(step.after.id, []).append(step)
    return Log(steps, of, frozenset(pruned), strays)
