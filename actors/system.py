"""The crew as a whole: find or make every actor, replace outdated ones, end those that retire.

It works from an empty cluster and from a full one alike, and doing it twice changes nothing. It
knows names and versions; what an actor does, it does not.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version as installed_version
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError
from ray.util import list_named_actors

from actors.plans import NAMESPACE, Kind, raise_actor
from engine.errors import Unavailable, from_problem

SINGLETONS = (
    Kind.HUB,
    Kind.DISPATCHER,
    Kind.ROUTER,
    Kind.COUNCIL,
)  # in the order in which they are made
SESSION_PREFIX = "session/"
_ANSWER_S = 10.0
_POLL_S = 0.1
_TROUBLE_S = 15.0  # a problem that an actor has for so long does not pass by itself


async def raise_crew(home: str, deadline_s: float) -> None:
    """Find or make the singletons of a home and wait until each says that it is ready.

    Raises:
        Unavailable: one was not ready in time; the detail tells what it says of itself.
        HelioError: the problem that keeps one from getting ready, as it tells it.
    """
    for kind in SINGLETONS:
        await raise_singleton(kind, home)
    async with asyncio.timeout(deadline_s + _ANSWER_S):  # one may wait for the other: hear both
        await asyncio.gather(*(_await_ready(kind, deadline_s) for kind in SINGLETONS))


async def raise_singleton(kind: Kind, home: str) -> None:
    """Find or make one singleton; one that runs another version is ended and made anew."""
    handle = raise_actor(kind, kind, home)
    try:
        running = await asyncio.wait_for(handle.version.remote(), _ANSWER_S)
    except (RayActorError, TimeoutError, GetTimeoutError):
        return  # it starts, restarts or hangs: the watch over its heartbeat takes it from here
    if running != installed_version("heliograph"):
        await retire(kind)
        raise_actor(kind, kind, home)


async def spawn_session(name: str, home: str, directory: str) -> None:
    """Find or make the session of that name for a canonical working directory."""
    await asyncio.to_thread(raise_actor, Kind.SESSION, name, name, home, directory)


async def retire(name: str) -> None:
    """End an actor for good and wait until its name is free; a name nobody has is no error."""
    handle = _find(name)
    if handle is None:
        return
    ray.kill(handle, no_restart=True)
    async with asyncio.timeout(_ANSWER_S):
        while name in await names():  # noqa: ASYNC110  Ray tells nobody when a name is free
            await asyncio.sleep(_POLL_S)


def restart(name: str) -> bool:
    """Kill an actor so that Ray starts it again; False when nobody has that name."""
    handle = _find(name)
    if handle is None:
        return False
    ray.kill(handle, no_restart=False)
    return True


async def health(name: str, timeout_s: float) -> dict[str, Any]:
    """Ask an actor how it is, on its health group.

    Raises:
        LookupError: nobody has that name.
        TimeoutError: no answer in time.
        RayActorError: it is dead or restarting.
    """
    handle = _find(name)
    if handle is None:
        raise LookupError(name)
    return dict(await asyncio.wait_for(handle.health.remote(), timeout_s))


async def exists(name: str) -> bool:
    """Whether an actor has that name, living or restarting."""
    return await asyncio.to_thread(_find, name) is not None


async def names(namespace: str = NAMESPACE) -> list[str]:
    """Name every living actor of the house."""
    found = await asyncio.to_thread(list_named_actors, all_namespaces=True)
    return sorted(entry["name"] for entry in found if entry["namespace"] == namespace)


def _find(name: str) -> Any:
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return None


async def _await_ready(kind: Kind, deadline_s: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline_s
    said: Any = "nothing"
    well_at = loop.time()
    while loop.time() < until:
        try:
            said = await health(kind, _ANSWER_S)
            if said.get("ready"):
                return
            if not (problem := said.get("problem")):
                well_at = loop.time()
            elif (fault := from_problem(problem)).lasting or loop.time() > well_at + _TROUBLE_S:
                raise fault
        except (LookupError, TimeoutError, RayActorError) as away:
            said = repr(away)
        await asyncio.sleep(_POLL_S)
    raise Unavailable(
        f"The {kind} was not ready within {deadline_s:g} s. The last it said: {said}.",
        remedy="Look into logs/ in the home; `helio doctor` names what is wrong.",
    )
