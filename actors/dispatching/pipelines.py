"""Pipelines at the desk: compile for a run, or only show what they compile to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from actors.dispatching.bodies import PipelineRun, read
from actors.dispatching.places import settle_places
from actors.dispatching.shapes import settle_shapes
from engine.drafts import Batch
from engine.pipelines import compile_pipeline, describe
from engine.settings import Settings

BACKENDS = ("shell", "llm", "council")


def compile_run(wanted: PipelineRun, settings: Settings) -> Batch:
    """Compile a pipeline for a run: lane, project and directory of the request fill the gaps.

    Raises:
        BadInput: the pipeline or its inputs are wrong; the detail says where.
    """
    batch = compile_pipeline(wanted.pipeline, wanted.inputs, BACKENDS, settings.limits)
    drafts = tuple(
        replace(
            draft,
            lane=draft.lane if wanted.lane is None else wanted.lane,
            project=draft.project or wanted.project,
            cwd=draft.cwd or wanted.cwd,
            source="pipeline",
        )
        for draft in batch.drafts
    )
    batch = replace(batch, drafts=drafts, idem_key=wanted.idem_key)
    return settle_shapes(settle_places(batch))


def render(body: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Show what a pipeline compiles to; nothing is stored.

    Raises:
        BadInput: as `compile_run`.
    """
    return describe(compile_run(read(PipelineRun, body), settings))
