"""Every question that the desk answers: one table from name to a function of (tables, body)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from actors.dispatching.bodies import (
    DecisionList,
    EventList,
    JobList,
    Named,
    WorkerList,
    one_id,
    read,
)
from actors.dispatching.costs import call_list, calls_of, cost_sum
from actors.dispatching.talks import conversation_list, turn_list
from actors.dispatching.views import edge_view, event_view, job_view, page, record_view
from engine.errors import BadInput, NotFound
from engine.jobs import EdgeKind, JobState, Reason
from engine.ports import JobFilter, Tables
from engine.records import Artefact, Attempt, Decision, Project, Record, Review, Shard, Worker
from engine.settings import Settings

_SHORTEST_ENDING = 4
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a query may want besides the tables."""

    settings: Settings
    version: str
    ready: bool
    lost_wakes: int = 0


Query = Callable[[Tables, Mapping[str, Any], Surroundings], dict[str, Any]]


def resolve(tables: Tables, ending: str) -> str:
    """Give the id that ends so.

    Raises:
        NotFound: no job's id ends so.
        BadInput: several do, or the ending is too short to tell.
    """
    if tables.jobs([ending]):
        return ending
    if len(ending) < _SHORTEST_ENDING:
        raise BadInput(
            f"{ending!r} is too short for a job's id.",
            remedy=f"Give at least its last {_SHORTEST_ENDING} characters: helio job list",
        )
    found = tables.jobs_ending_with(ending.lower(), 2)
    if not found:
        raise NotFound(f"There is no job {ending}.", remedy="List them: helio job list")
    if len(found) > 1:
        raise BadInput(
            f"Several jobs end with {ending!r}, for example {found[0]} and {found[1]}.",
            remedy="Give more of the id.",
        )
    return found[0]


def job_show(tables: Tables, body: Mapping[str, Any], _: Surroundings) -> dict[str, Any]:
    """Show one job with its attempts, parents, members and decisions."""
    job = tables.jobs([resolve(tables, one_id(body))])[0]
    edges = tables.edges_to(job.id)
    attempts = sorted(tables.find(Attempt, job=job.id), key=lambda attempt: attempt.epoch)
    members = {e.parent for e in edges if e.kind is EdgeKind.MEMBER}
    rows = sorted(tables.jobs(members), key=lambda member: member.id)
    return job_view(job) | {
        "attempts": [record_view(row) for row in attempts],
        "needs": [edge_view(e) for e in edges if e.kind is not EdgeKind.MEMBER],
        "members": [
            {"id": row.id, "name": row.name, "step": row.step, "state": str(row.state)}
            for row in rows
        ],
        "decisions": [record_view(row) for row in tables.find(Decision, job=job.id)],
        "artefacts": [record_view(row) for row in tables.find(Artefact, job=job.id)],
        "calls": calls_of(tables, job.id),
        "reviews": [record_view(row) for row in tables.find(Review, job=job.id)],
    }


def job_list(tables: Tables, body: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """List jobs, newest first unless asked otherwise."""
    wanted = read(JobList, body)
    limit = min(wanted.limit, around.settings.limits.page)
    where = JobFilter(
        states=tuple(wanted.states),
        lanes=tuple(wanted.lanes),
        project=wanted.project,
        backend=wanted.backend,
        root=resolve(tables, wanted.root) if wanted.root else "",
        cwd=wanted.cwd,
        kinds=tuple(wanted.kinds),
        text=wanted.text,
    )
    jobs = tables.list_jobs(where, wanted.cursor, limit, wanted.newest)
    return page([job_view(job) for job in jobs], limit)


def decision_list(tables: Tables, body: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """List decisions, open ones unless another state is asked for."""
    wanted = read(DecisionList, body)
    limit = min(wanted.limit, around.settings.limits.page)
    equals: dict[str, Any] = {} if wanted.state == "all" else {"state": wanted.state}
    rows = tables.find(Decision, after=wanted.cursor or None, limit=limit, **equals)
    return page([record_view(row) for row in rows], limit)


def worker_list(tables: Tables, body: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """List workers that are not retired, or those of one state."""
    wanted = read(WorkerList, body)
    limit = min(wanted.limit, around.settings.limits.page)
    filtered = wanted.state and wanted.state != "all"
    equals: dict[str, Any] = {"state": wanted.state} if filtered else {}
    rows = tables.find(Worker, after=wanted.cursor or None, limit=limit, **equals)
    shown = [row for row in rows if wanted.state or row.state != "retired"]
    answer = page([record_view(row) for row in rows], limit, key="name")
    return answer | {"items": [record_view(row) for row in shown]}


def project_list(tables: Tables, _: Mapping[str, Any], __: Surroundings) -> dict[str, Any]:
    """List all projects."""
    return page([record_view(row) for row in tables.find(Project, limit=_MANY)], _MANY)


def event_list(tables: Tables, body: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """List stored events behind a cursor, oldest first."""
    wanted = read(EventList, body)
    limit = min(wanted.limit, around.settings.limits.page)
    rows = tables.events(wanted.after, limit, wanted.prefixes, wanted.subject)
    last = tables.last_seq()
    cursor = rows[-1].seq if len(rows) == limit else max(last, wanted.after)
    return {"items": [event_view(row) for row in rows], "cursor": cursor, "last_seq": last}


def house_status(tables: Tables, _: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """Tell how the house stands, in one snapshot."""
    shard = tables.get(Shard, 0) or Shard(id=0)
    running = [job for job in tables.holding() if job.state is JobState.RUNNING]
    return {
        "ready": around.ready,
        "version": around.version,
        "term": shard.term,
        "halted_at": shard.halted_at,
        "paused_at": shard.paused_at,
        "slots": around.settings.house.slots,
        "running": len(running),
        "counts": _counts(tables),
        "last_seq": tables.last_seq(),
        "lost_wakes": around.lost_wakes,
        "open_decisions": len(tables.find(Decision, state="open", limit=_MANY)),
    }


def _counts(tables: Tables) -> dict[str, dict[str, int]]:
    """Count jobs by state and lane; a claim that nobody confirmed is not among what is done."""
    counts: dict[str, dict[str, int]] = {}
    unverified = tables.count_unverified()
    for (state, lane), count in tables.count_jobs().items():
        done = count - unverified.get(lane, 0) if state is JobState.SUCCEEDED else count
        if done:
            counts.setdefault(str(state), {})[lane.name] = done
    if unverified:
        counts[str(Reason.UNVERIFIED)] = {lane.name: n for lane, n in unverified.items()}
    return counts


def _shower(kind: type[Record], what: str, listing: str) -> Query:
    """Make the query that shows one record by its key."""

    def show(tables: Tables, body: Mapping[str, Any], _: Surroundings) -> dict[str, Any]:
        key = read(Named, body).key
        row = tables.get(kind, key)
        if row is None:
            raise NotFound(f"There is no {what} {key}.", remedy=f"List them: helio {listing} list")
        return record_view(row)

    return show


QUERIES: Mapping[str, Query] = {
    "job.show": job_show,
    "job.list": job_list,
    "decision.list": decision_list,
    "decision.show": _shower(Decision, "decision", "decision"),
    "worker.list": worker_list,
    "worker.show": _shower(Worker, "worker", "worker"),
    "project.list": project_list,
    "project.show": _shower(Project, "project", "project"),
    "event.list": event_list,
    "cost.sum": lambda tables, body, around: cost_sum(tables, body, around.settings),
    "call.list": lambda tables, body, around: call_list(tables, body, around.settings),
    "turn.list": lambda tables, body, around: turn_list(tables, body, around.settings),
    "conversation.list": lambda tables, body, around: conversation_list(
        tables, body, around.settings
    ),
    "house.status": house_status,
}
