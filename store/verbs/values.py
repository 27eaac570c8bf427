"""What a job's templates may see: its inputs, and the results of what it waited for."""

from __future__ import annotations

from typing import Any

from engine.jobs import EdgeKind, Job, JobKind
from store.work import Work

_NOTHING: dict[str, Any] = {"text": "", "data": None, "exit_code": None, "files": []}


def values_of(work: Work, job: Job) -> dict[str, Any]:
    """Gather the values of every template name that this job can use."""
    parents = [edge.parent for edge in work.edges_to(job.id) if edge.kind is not EdgeKind.MEMBER]
    refs = job.spec.get("refs") or {}
    work.jobs([*parents, *refs.values()])
    results = [result for parent in parents for result in _flat(work, parent)]
    return {
        "prev_result": _result(work, parents[0])["text"] if parents else "",
        "all_results": [result["text"] for result in results],
        "results": {name: _seen_by_name(work, key) for name, key in refs.items()},
        "input": job.spec.get("inputs") or {},
        "index": job.spec.get("index"),
        "item": job.spec.get("item"),
        "signal": (job.awaits or {}).get("given"),
    }


def _result(work: Work, job_id: str) -> dict[str, Any]:
    job = work.jobs([job_id]).get(job_id)
    return _NOTHING | dict(job.result or {}) if job else dict(_NOTHING)


def _flat(work: Work, job_id: str) -> list[dict[str, Any]]:
    """A group that collects stands for its members, in their order."""
    job = work.job(job_id)
    if job.kind is not JobKind.GROUP or "winner" in (job.result or {}):
        return [_result(work, job_id)]
    members = [edge.parent for edge in work.edges_to(job_id) if edge.kind is EdgeKind.MEMBER]
    work.jobs(members)
    return [result for member in members for result in _flat(work, member)]


def _seen_by_name(work: Work, job_id: str) -> dict[str, Any]:
    """A result as `{{results.NAME}}` sees it; a collecting group gives its members' texts."""
    result = _result(work, job_id) | {"state": str(work.job(job_id).state), "job": job_id}
    if work.job(job_id).kind is JobKind.GROUP and "winner" not in result:
        texts = [member["text"] for member in _flat(work, job_id)]
        result |= {"text": "\n".join(texts), "data": texts}
    return result
