"""Make the order that a session is sent: the spec with every template filled in, once."""

from __future__ import annotations

import json
from typing import Any

from engine.errors import PayloadTooLarge
from engine.jobs import Job
from engine.messages import Order
from engine.pools import SHARED
from engine.records import Project
from engine.templates import render_spec
from store.verbs.values import values_of
from store.work import Work

_NOT_SENT = frozenset({"refs", "when", "map", "wait", "max_failures", "delays_s", "hold"})


def order_for(work: Work, job: Job) -> Order:
    """Render a claimed job.

    Raises:
        UnknownName: a template names something that is not there.
        PayloadTooLarge: what came in is larger than the settings allow.
    """
    payload: dict[str, Any] = {k: v for k, v in job.spec.items() if k not in _NOT_SENT}
    text = json.dumps(payload)
    if "{{" in text:
        payload = dict(render_spec(payload, values_of(work, job)))
        text = json.dumps(payload)
    if _calls_models(job):
        payload |= _budget_of(work, job)
    limit = work.settings.limits.rendered_bytes
    size = len(text)
    if size > limit:
        raise PayloadTooLarge(
            f"With its inputs filled in the job has {size} bytes; at most {limit} are allowed.",
            remedy="Pass large results as files, or raise limits.rendered_bytes.",
        )
    clocks = work.settings.clocks
    return Order(
        job=job.id,
        epoch=job.epoch,
        name=job.name,
        backend=job.backend,
        project=job.project,
        lane=int(job.lane),
        cwd=job.cwd,
        payload=payload,
        silence_s=job.spec.get("silence_s", clocks.silence_s),
        tool_s=job.spec.get("tool_s", clocks.tool_s),
        total_s=job.spec.get("timeout_s", clocks.total_s),
        resume=job.awaits if job.awaits and "given" in job.awaits else None,
    )


def _calls_models(job: Job) -> bool:
    return job.backend in SHARED or bool(job.spec.get("models"))


def _budget_of(work: Work, job: Job) -> dict[str, float]:
    """Give what the job's project may spend in a day, where the owner set it for this project."""
    project = work.record(Project, job.project)
    if project is None or project.budget_usd is None:
        return {}
    return {"project_usd": project.budget_usd}
