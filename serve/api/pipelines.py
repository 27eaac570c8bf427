"""`/v1/pipelines`: run one, or see what it would become."""

from __future__ import annotations

from fastapi import APIRouter, Response

from serve.api.answers import as_json, ask, order
from serve.api.asks import PipelineAsk, PipelineRunAsk
from serve.api.jobs import IdemKey
from serve.api.shapes import PipelineStarted, Rendered
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired

router = APIRouter(prefix="/v1/pipelines", tags=["pipelines"], route_class=StrictRoute)


@router.post(
    "/run",
    status_code=201,
    response_model=PipelineStarted,
    responses={200: {"model": PipelineStarted}},
)
async def run(wired: Wired, body: PipelineRunAsk, key: IdemKey = None) -> Response:
    """Run a pipeline: all its jobs are stored together, or none."""
    made = await order(
        wired, "pipeline.run", pipeline=body.pipeline, inputs=body.inputs, lane=body.lane,
        project=body.project, cwd=body.cwd, idem_key=key,
    )  # fmt: skip
    return as_json(made, 200 if made.get("replayed") else 201)


@router.post("/render", response_model=Rendered)
async def render(wired: Wired, body: PipelineAsk) -> Response:
    """Show the jobs of a pipeline and their order; nothing is stored."""
    return as_json(await ask(wired, "pipeline.render", pipeline=body.pipeline, inputs=body.inputs))
