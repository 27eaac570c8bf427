"""`/v1/status` and `/v1/house`; and, for machines that watch: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from engine.errors import Unavailable
from serve.api.answers import as_json, ask, order
from serve.api.asks import WhoAsks
from serve.api.shapes import Status
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired, Wiring

router = APIRouter(tags=["house"], route_class=StrictRoute)

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/v1/status", response_model=Status)
async def status(wired: Wired) -> Response:
    """Tell how the house is, and how many jobs there are of each state and lane."""
    return as_json(await ask(wired, "house.status"))


@router.post("/v1/house/halt", response_model=Status)
async def halt(wired: Wired, who: WhoAsks | None = None) -> Response:
    """Stop everything now: every process is ended, nothing starts, also after a restart."""
    return await _switched(wired, "house.halt", who)


@router.post("/v1/house/pause", response_model=Status)
async def pause(wired: Wired, who: WhoAsks | None = None) -> Response:
    """Start nothing new; what runs goes on."""
    return await _switched(wired, "house.pause", who)


@router.post("/v1/house/resume", response_model=Status)
async def resume(wired: Wired, who: WhoAsks | None = None) -> Response:
    """Lift halt and pause."""
    return await _switched(wired, "house.resume", who)


@router.get("/healthz", response_class=PlainTextResponse)
async def healthz() -> Response:
    """Say that this process answers; it asks nobody else."""
    return PlainTextResponse("ok\n")


@router.get("/readyz", response_class=PlainTextResponse)
async def readyz(wired: Wired) -> Response:
    """Say whether the house takes work (503 where not)."""
    found = await ask(wired, "house.status")
    if not found["ready"]:
        raise Unavailable("The dispatcher is not ready yet.", remedy="Try again in a few seconds.")
    return PlainTextResponse("ready\n")


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(wired: Wired) -> Response:
    """Give the house's counters and gauges for Prometheus."""
    return Response(await wired.hub.metrics(), media_type=PROMETHEUS)


async def _switched(wired: Wiring, word: str, who: WhoAsks | None) -> Response:
    """Turn a switch, then tell how the house is."""
    turned = await order(wired, word, by=(who or WhoAsks()).by)
    return as_json(await ask(wired, "house.status") | turned)
