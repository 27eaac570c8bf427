"""Invariants 6 and 7: groups resolve once and by their rule; no child runs before its parents.

The rule is written again here, from the list of members and not from counters, so that a
mistake in the engine's counting cannot hide in the checker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from engine.jobs import Edge, EdgeKind, GroupMode, Job, JobKind, JobState, Reason
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log, Step

_DECIDED = (JobState.SUCCEEDED, JobState.FAILED)


def groups_resolve_once(case: Evidence, log: Log) -> Iterator[Violation]:
    """6: exactly one resolution, with the right winner; losers are cancelled."""
    edges = _into(case.snapshot.edges)
    for job_id, steps in log.of.items():
        if steps[0].after.kind is not JobKind.GROUP:
            continue
        members = [edge.parent for edge in edges[job_id] if edge.kind is EdgeKind.MEMBER]
        for step in steps:
            if step.ends and step.before is not None and step.after.state in _DECIDED:
                yield from _resolution(case, log, step, members)


def _resolution(
    case: Evidence, log: Log, step: Step, members: Sequence[str]
) -> Iterator[Violation]:
    group = step.after
    rows = [row for member in members if (row := _row_at(log, member, step.at))]
    if len(rows) < len(members) or _broken_map(group):
        return  # pruned members cannot testify
    wanted = _rule(group, rows)
    if wanted is not None and group.state is not wanted:
        told = f"{group.mode} became {group.state}, its members say {wanted}"
        yield Violation("6 groups", group.id, told)
    if group.mode in (GroupMode.RACE, GroupMode.ANY):
        yield from _winner(group, rows)
        yield from _losers(case, group, rows)


def _broken_map(group: Job) -> bool:
    """A `map` whose list was none fails before it has members."""
    return "map" in group.spec and group.state is JobState.FAILED


def _rule(group: Job, rows: Sequence[Job]) -> JobState | None:
    """Say what the group must have become when it was decided; None: it could not be decided."""
    resting = [row for row in rows if row.state.terminal and not _absent(row)]
    good = [row for row in resting if row.state is JobState.SUCCEEDED]
    bad = [row for row in resting if row.state is not JobState.SUCCEEDED]
    done = all(row.state.terminal for row in rows)
    match group.mode:
        case GroupMode.ALL:
            return JobState.FAILED if bad else JobState.SUCCEEDED if done else JobState.BLOCKED
        case GroupMode.RUN:
            settled = JobState.FAILED if bad else JobState.SUCCEEDED
            return settled if done else JobState.BLOCKED
        case GroupMode.ALL_SETTLED:
            return JobState.SUCCEEDED if done else JobState.BLOCKED
        case GroupMode.ANY:
            return JobState.SUCCEEDED if good else JobState.FAILED if done else JobState.BLOCKED
        case _:
            return _first_of(good, bad, done=done)


def _first_of(good: Sequence[Job], bad: Sequence[Job], *, done: bool) -> JobState | None:
    """A race goes to whoever ended first; ends of one transaction tie, and either may win."""
    firsts = [min(row.finished_at for row in side) if side else None for side in (good, bad)]
    match firsts:
        case [None, None]:
            return JobState.FAILED if done else JobState.BLOCKED
        case [_, None]:
            return JobState.SUCCEEDED
        case [None, _]:
            return JobState.FAILED
        case [well, badly] if well is not None and badly is not None and well != badly:
            return JobState.SUCCEEDED if well < badly else JobState.FAILED
        case _:
            return None


def _winner(group: Job, rows: Sequence[Job]) -> Iterator[Violation]:
    if group.state is not JobState.SUCCEEDED:
        return
    by_id = {row.id: row for row in rows}
    winner = by_id.get(str((group.result or {}).get("winner")))
    if winner is None or winner.state is not JobState.SUCCEEDED:
        yield Violation("6 groups", group.id, "its winner is no member that succeeded")
        return
    ended = [row for row in rows if row.state is JobState.SUCCEEDED]
    if any(row.finished_at < winner.finished_at for row in ended):
        yield Violation("6 groups", group.id, f"{winner.id} won, but another ended before it")


def _losers(case: Evidence, group: Job, rows: Sequence[Job]) -> Iterator[Violation]:
    for row in rows:
        if row.state.terminal:
            continue
        now = case.snapshot.jobs.get(row.id)
        withdrawn = now is None or now.state is JobState.CANCELLED or now.cancel_requested_at
        if not withdrawn:
            told = f"it lost {group.id} and is {now.state if now else 'gone'}"
            yield Violation("6 groups", row.id, told)


def parents_first(case: Evidence, log: Log) -> Iterator[Violation]:
    """7: whoever starts has all parents at rest, and well where it asked for that."""
    edges = _into(case.snapshot.edges)
    for step in log.steps:
        if not step.left(JobState.BLOCKED) or step.before.reason is not Reason.DEPENDENCY:
            continue
        starts = step.after.state not in (JobState.CANCELLED, JobState.SKIPPED)
        for edge in edges[step.after.id]:
            row = _row_at(log, edge.parent, step.at)
            if edge.kind is EdgeKind.MEMBER or row is None or not starts:
                continue
            if not row.state.terminal:
                told = f"it left `blocked` while its parent {row.id} was {row.state}"
                yield Violation("7 parents first", step.after.id, told)
            elif edge.kind is EdgeKind.SUCCESS and row.state is not JobState.SUCCEEDED:
                told = f"it started although {row.id} {row.state}"
                yield Violation("7 parents first", step.after.id, told)


def skips_have_a_cause(case: Evidence, log: Log) -> Iterator[Violation]:
    """7: a job is skipped for its parents only if one of them ended otherwise than asked."""
    edges = _into(case.snapshot.edges)
    for job in case.snapshot.jobs.values():
        if job.state is not JobState.SKIPPED or job.reason is not Reason.UPSTREAM:
            continue
        rows = [
            row
            for edge in edges[job.id]
            if edge.kind is EdgeKind.SUCCESS and (row := case.snapshot.jobs.get(edge.parent))
        ]
        if rows and all(row.state is JobState.SUCCEEDED for row in rows):
            yield Violation("7 parents first", job.id, "skipped although every parent succeeded")


def _absent(row: Job) -> bool:
    return row.state is JobState.SKIPPED and row.reason is Reason.CONDITION


def _row_at(log: Log, job_id: str, at: int) -> Job | None:
    """The row as it stood at the end of the transactions of that time."""
    row = None
    for step in log.of.get(job_id, ()):
        if step.at > at:
            break
        row = step.after
    return row


def _into(edges: Sequence[Edge]) -> dict[str, list[Edge]]:
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        into[edge.child].append(edge)
    return into
