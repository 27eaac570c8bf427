"""The words that the router answers: one table of queries, one of commands. `docs/desk.md`.

Each is a function of the open office and a body. What a name may be is the core's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import Field

from actors.dispatching.bodies import Body as Words
from actors.dispatching.bodies import HouseBody, read
from actors.routing.office import Office
from actors.routing.showing import UNASKABLE, candidates
from actors.routing.trial import try_out
from engine.errors import NotFound
from engine.moments import US_PER_S

_TRIP_S = 3600.0

Body = Mapping[str, Any]
Query = Callable[[Office, Body], dict[str, Any]]
Command = Callable[[Office, Body], Awaitable[dict[str, Any]]]


class Nothing(Words):
    """No body."""


class Named(Words):
    """A provider, ``provider/key``, a model, or a slot ``provider/key/id``."""

    name: str = Field(min_length=1)


class Trip(Named):
    """What to close, and for how long."""

    for_s: float = Field(_TRIP_S, gt=0)


def model_list(office: Office, body: Body) -> dict[str, Any]:
    """Show every candidate with its state, and the budgets."""
    read(Nothing, body)
    view = office.core.view(office.clock.now())
    return view | {
        "candidates": candidates(view, office.watch.whole),
        "version": office.catalogue.version,
        "problem": office.watch.problem,
        "halted": office.halted,
    }


def model_show(office: Office, body: Body) -> dict[str, Any]:
    """Show the candidates that a name means."""
    name = read(Named, body).name
    shown = candidates(office.core.view(office.clock.now()), office.watch.whole)
    found = [one for one in shown if name in _names(one)]
    if not found:
        raise _unknown(name)
    return {"name": name, "candidates": found}


async def model_test(office: Office, body: Body) -> dict[str, Any]:
    """Make one short call to each candidate that a name means."""
    shown = model_show(office, body)
    tries = [await _tried(office, one) for one in shown["candidates"]]
    return {"name": shown["name"], "tries": tries}


async def model_trip(office: Office, body: Body) -> dict[str, Any]:
    """Close by hand what a name means."""
    wanted = read(Trip, body)
    now = office.clock.now()
    until = now + round(wanted.for_s * US_PER_S)
    matched = office.core.trip(wanted.name, until, now)
    return await _changed(office, wanted.name, matched) | {"until": until}


async def model_reset(office: Office, body: Body) -> dict[str, Any]:
    """Forget what is held against what a name means."""
    name = read(Named, body).name
    return await _changed(office, name, office.core.reset(name, office.clock.now()))


async def model_reload(office: Office, body: Body) -> dict[str, Any]:
    """Read models.toml now."""
    read(Nothing, body)
    changed = await office.look_at_catalogue(again=True)
    return {
        "changed": changed,
        "version": office.catalogue.version,
        "problem": office.watch.problem,
    }


async def house_halt(office: Office, body: Body) -> dict[str, Any]:
    """End all calls and begin none."""
    await office.halt(read(HouseBody, body).by)
    return {"halted": office.halted}


async def house_resume(office: Office, body: Body) -> dict[str, Any]:
    """Let calls begin again."""
    read(HouseBody, body)
    await office.resume()
    return {"halted": office.halted}


QUERIES: Mapping[str, Query] = {"model.list": model_list, "model.show": model_show}
COMMANDS: Mapping[str, Command] = {
    "model.test": model_test,
    "model.trip": model_trip,
    "model.reset": model_reset,
    "model.reload": model_reload,
    "house.halt": house_halt,
    "house.resume": house_resume,
}


async def _tried(office: Office, candidate: Mapping[str, Any]) -> dict[str, Any]:
    """Call a candidate, or say why it cannot be called at all."""
    if candidate["state"] in UNASKABLE:
        return {"slot": candidate["slot"], "ok": False, "message": candidate["why"]}
    return await try_out(office, candidate["slot"])


async def _changed(office: Office, name: str, matched: list[str]) -> dict[str, Any]:
    if not matched:
        raise _unknown(name)
    await office.durable()
    return {"name": name, "matched": matched}


def _names(candidate: Mapping[str, Any]) -> set[str]:
    """Give every name by which a candidate is meant."""
    provider = candidate["provider"]
    at_provider = {provider, f"{provider}/{candidate['key']}"}
    return at_provider | {candidate["slot"], candidate["model"]}


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"No provider, key or model is called {name!r}.", remedy="List them: helio model list"
    )
