"""Every command of the desk: one table from name to a function that reads a body.

Reading happens outside the transaction and refuses what cannot be accepted; what it gives is an
act, which the next wake carries out inside its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from actors.dispatching.bodies import (
    AnswerBody,
    CallsBody,
    HouseBody,
    JobId,
    Named,
    PipelineRun,
    ProjectBody,
    SignalBody,
    read,
)
from actors.dispatching.facts import Act
from actors.dispatching.pipelines import BACKENDS, compile_run
from actors.dispatching.places import settle_places
from actors.dispatching.queries import resolve
from actors.dispatching.shapes import settle_shapes
from actors.dispatching.views import job_view, record_view
from engine.drafts import Batch
from engine.ids import slug
from engine.records import Project
from engine.requests import SubmitBody, compile_requests
from engine.settings import Settings
from store.verbs import control, waits
from store.verbs.calls import take_calls
from store.verbs.cancel import cancel
from store.verbs.decisions import answer
from store.verbs.retry import retry
from store.verbs.submit import submit
from store.work import Work

ROOT = "root"

Command = Callable[[Mapping[str, Any], Settings], Act]


def job_submit(body: Mapping[str, Any], settings: Settings) -> Act:
    """Accept one job or a batch."""
    wanted = read(SubmitBody, body)
    batch = compile_requests(wanted.jobs, BACKENDS, settings.limits)
    batch = settle_shapes(settle_places(replace(batch, idem_key=wanted.idem_key)))

    def act(work: Work) -> dict[str, Any]:
        accepted = submit(work, _known_parents(work, batch))
        ids = [accepted.ids[draft.key] for draft in batch.drafts]
        return {"ids": ids, "keys": dict(accepted.ids), "replayed": accepted.replayed}

    return act


def pipeline_run(body: Mapping[str, Any], settings: Settings) -> Act:
    """Compile and accept a pipeline."""
    wanted = read(PipelineRun, body)
    batch = compile_run(wanted, settings)

    def act(work: Work) -> dict[str, Any]:
        accepted = submit(work, batch)
        steps = {d.step: accepted.ids[d.key] for d in batch.drafts if d.key != ROOT and d.step}
        return {"id": accepted.ids[ROOT], "steps": steps, "replayed": accepted.replayed}

    return act


def _known_parents(work: Work, batch: Batch) -> Batch:
    """Let needs and members name stored jobs by an unambiguous ending."""
    keys = {draft.key for draft in batch.drafts}

    def whole(ref: str) -> str:
        return ref if ref in keys else resolve(work.tables, ref)

    drafts = [
        replace(
            draft,
            needs=tuple(replace(need, ref=whole(need.ref)) for need in draft.needs),
            members=tuple(whole(member) for member in draft.members),
        )
        if draft.needs or draft.members
        else draft
        for draft in batch.drafts
    ]
    return replace(batch, drafts=tuple(drafts))


def job_cancel(body: Mapping[str, Any], _: Settings) -> Act:
    """Cancel a job, a group or a whole pipeline run."""
    wanted = read(JobId, body)
    return lambda work: job_view(cancel(work, resolve(work.tables, wanted.id)))


def job_retry(body: Mapping[str, Any], _: Settings) -> Act:
    """Run a finished job again as a new job."""
    wanted = read(JobId, body)
    return lambda work: {"id": retry(work, resolve(work.tables, wanted.id)).id}


def job_signal(body: Mapping[str, Any], _: Settings) -> Act:
    """Send a signal to a job."""
    wanted = read(SignalBody, body)

    def act(work: Work) -> dict[str, Any]:
        job_id = resolve(work.tables, wanted.id)
        first = waits.signal(work, job_id, wanted.name, wanted.payload)
        return {"accepted": True, "first": first, "id": job_id}

    return act


def decision_answer(body: Mapping[str, Any], _: Settings) -> Act:
    """Answer a decision."""
    wanted = read(AnswerBody, body)

    def act(work: Work) -> dict[str, Any]:
        decided = answer(work, wanted.id, wanted.option, version=wanted.version, by=wanted.by)
        return record_view(decided)

    return act


def project_add(body: Mapping[str, Any], _: Settings) -> Act:
    """Add or change a project; its id is the slug of its name."""
    wanted = read(ProjectBody, body)

    def act(work: Work) -> dict[str, Any]:
        project = Project(
            id=slug(wanted.name),
            name=wanted.name,
            roots=wanted.roots,
            backend=wanted.backend,
            lane=None if wanted.lane is None else int(wanted.lane),
            budget_usd=wanted.budget_usd,
            protected_branches=wanted.protected_branches,
            created_at=work.moment.steady,
        )
        return record_view(control.add_project(work, project))

    return act


def worker_retire(body: Mapping[str, Any], _: Settings) -> Act:
    """Retire an idle worker."""
    wanted = read(Named, body)
    return lambda work: record_view(control.retire_worker(work, wanted.key))


def call_take(body: Mapping[str, Any], _: Settings) -> Act:
    """Take finished model calls and notices from the router's ledger."""
    wanted = read(CallsBody, body)
    return lambda work: {"taken": take_calls(work, wanted.ledger, wanted.calls)}


def _switch(turn: Callable[[Work], None]) -> Command:
    def command(body: Mapping[str, Any], _: Settings) -> Act:
        read(HouseBody, body)

        def act(work: Work) -> dict[str, Any]:
            turn(work)
            return {"halted_at": work.shard.halted_at, "paused_at": work.shard.paused_at}

        return act

    return command


COMMANDS: Mapping[str, Command] = {
    "job.submit": job_submit,
    "job.cancel": job_cancel,
    "job.retry": job_retry,
    "job.signal": job_signal,
    "pipeline.run": pipeline_run,
    "decision.answer": decision_answer,
    "project.add": project_add,
    "worker.retire": worker_retire,
    "call.take": call_take,
    "house.halt": _switch(control.halt),
    "house.pause": _switch(control.pause),
    "house.resume": _switch(control.resume_house),
}
