"""Turn drafts into rows with their edges. Everything begins BLOCKED; `advance` frees the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.drafts import Draft
from engine.errors import BadInput, NotFound
from engine.ids import SessionKey
from engine.jobs import Edge, EdgeKind, Job, JobKind, JobState, Reason
from engine.pools import SHARED, pool_key, talk_key
from store.work import Work


def plant(
    work: Work, drafts: Sequence[Draft], known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Insert drafts and their edges; give their ids by key.

    `known` holds ids that keys of an earlier planting stand for. References that are neither
    keys nor known must be ids of stored promises.

    Raises:
        NotFound: a reference names no promise; nothing was put in.
    """
    ids = dict(known or {}) | {draft.key: work.mint.mint(work.moment.steady) for draft in drafts}
    fresh = {ids[draft.key] for draft in drafts}
    host = work.settings.house.host_label
    links = {draft.key: _edges_of(draft, ids) for draft in drafts}
    stored = _stored_parents(work, [edge for edges in links.values() for edge in edges], fresh)
    for draft in drafts:
        edges = links[draft.key]
        job = _row(draft, ids, host, open_deps=len(edges), now=work.moment.steady)
        work.add(job)
        work.link(edges)
        work.late += [e for e in edges if e.parent in stored and stored[e.parent].state.terminal]
        if not edges:
            work.free(job)
    return ids


def _edges_of(draft: Draft, ids: Mapping[str, str]) -> list[Edge]:
    if draft.needs and draft.members:
        raise BadInput(
            f"The group {draft.name or draft.key!r} has both members and needs.",
            remedy="Let its members need the others instead.",
        )
    child = ids[draft.key]
    parents = [(need.ref, need.on) for need in draft.needs]
    parents += [(member, EdgeKind.MEMBER) for member in draft.members]
    return [
        Edge(child=child, parent=ids.get(ref, ref), kind=kind, idx=n)
        for n, (ref, kind) in enumerate(parents)
    ]


def _stored_parents(work: Work, edges: Sequence[Edge], fresh: set[str]) -> dict[str, Job]:
    wanted = {edge.parent for edge in edges} - fresh
    stored = work.jobs(wanted) if wanted else {}
    for missing in sorted(wanted - stored.keys()):
        raise NotFound(
            f"There is no job {missing} to wait for.", remedy="List them: helio job list"
        )
    return stored


def _row(draft: Draft, ids: Mapping[str, str], host: str, *, open_deps: int, now: int) -> Job:
    spec: dict[str, Any] = dict(draft.spec)
    if "refs" in spec:
        spec["refs"] = {name: ids.get(key, key) for name, key in spec["refs"].items()}
    return Job(
        id=ids[draft.key],
        kind=draft.kind,
        name=draft.name,
        project=draft.project or "default",
        lane=draft.lane,
        backend=draft.backend if draft.kind is JobKind.TASK else "",
        mode=draft.mode,
        root=ids.get(draft.root, draft.root),
        step=draft.step,
        cwd=draft.cwd,
        worker_key=_worker_key(draft, host),
        retry_of=draft.retry_of,
        source=draft.source,
        trust=draft.trust,
        spec=spec,
        created_at=now,
        state=JobState.BLOCKED,
        reason=Reason.MEMBERS if draft.members else Reason.DEPENDENCY,
        run_at=draft.run_at,
        open_deps=open_deps,
    )


def _worker_key(draft: Draft, host: str) -> str:
    """What the job occupies while it runs; a model that only reads occupies no directory."""
    if draft.kind is not JobKind.TASK:
        return ""
    if conversation := draft.spec.get("conversation"):
        return talk_key(draft.project, conversation)
    if draft.cwd and draft.backend not in SHARED:
        return SessionKey(host=host, directory=draft.cwd).digest
    return pool_key(draft.backend)
