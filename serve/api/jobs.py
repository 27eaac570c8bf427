"""`/v1/jobs`: submit, look, wait, cancel, retry, signal."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Response

from serve.api import examples, waiting
from serve.api.answers import as_json, ask, order
from serve.api.asks import JobQuery, SignalAsk, WhoAsks
from serve.api.shapes import JobDetail, JobView, Page, Retried, SignalTaken, Submitted
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)

IdemKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="Repeat a request safely: the same key gives the same jobs.",
    ),
]
WaitS = Annotated[float, Query(ge=0, description="Wait so long for a change, within limits.")]


@router.post(
    "",
    status_code=201,
    response_model=Submitted,
    responses={200: {"model": Submitted}},
    openapi_extra=examples.SUBMIT_BODY,
)
async def submit(
    wired: Wired,
    body: Annotated[dict[str, Any], Body()],
    key: IdemKey = None,
) -> Response:
    """Submit one job, or many at once as `{"jobs": [...]}`: all are stored or none.

    The answer comes when the jobs are durable. 200 instead of 201 says that the key was known.
    The desk reads the requests, and nobody before it: what it refuses, it names.
    """
    jobs = body["jobs"] if set(body) == {"jobs"} else [body]
    made = await order(wired, "job.submit", jobs=jobs, idem_key=key)
    return as_json(made, 200 if made["replayed"] else 201)


@router.get("", response_model=Page[JobView])
async def index(wired: Wired, wanted: Annotated[JobQuery, Query()]) -> Response:
    """List jobs, newest first; a filter that is given twice means either."""
    return as_json(await ask(wired, "job.list", **wanted.model_dump(mode="json")))


@router.get("/{id}", response_model=JobDetail)
async def show(wired: Wired, id: str, wait_s: WaitS = 0) -> Response:  # noqa: A002
    """Show a job; with `wait_s`, answer at its next change, and at once when it is at rest.

    An id's last characters (four or more) will do wherever an id is taken.
    """
    return as_json(await waiting.for_change(wired, id, wait_s))


@router.get("/{id}/wait", response_model=JobDetail)
async def wait(wired: Wired, id: str, timeout_s: WaitS = 30) -> Response:  # noqa: A002
    """Show a job when it is at rest, or as it stands when the time is over."""
    return as_json(await waiting.for_rest(wired, id, timeout_s))


@router.post("/{id}/cancel", response_model=JobView)
async def cancel(wired: Wired, id: str, who: WhoAsks | None = None) -> Response:  # noqa: A002
    """Cancel a job: no new attempt starts; `cancelled` follows when its processes are gone."""
    return as_json(await order(wired, "job.cancel", id=id, by=(who or WhoAsks()).by))


@router.post("/{id}/retry", status_code=201, response_model=Retried)
async def retry(wired: Wired, id: str) -> Response:  # noqa: A002
    """Submit a job like this one; the old one stays as it is."""
    return as_json(await order(wired, "job.retry", id=id), 201)


@router.post("/{id}/signal", response_model=SignalTaken)
async def signal(wired: Wired, id: str, ask: SignalAsk) -> Response:  # noqa: A002
    """Send a job the signal it waits for, or will wait for; the first of a name counts."""
    told = await order(wired, "job.signal", id=id, name=ask.name, payload=ask.payload)
    return as_json(told)
