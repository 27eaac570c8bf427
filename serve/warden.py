"""The warden: the supervisor's hand inside Ray. It raises the crew, opens the doors, and watches.

A driver of the cluster that the supervisor started; it never starts one. It may be killed at any
moment: actors and doors are detached from it, and the next warden finds them. It speaks JSON
lines with `serve.supervisor.link` over an inherited socket, and ends when that closes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Mapping
from typing import Any

import ray
from ray import serve as ray_serve
from ray.exceptions import RayError

from actors import refs, system
from actors.logs import open_log
from actors.plans import NAMESPACE, Kind
from engine.errors import BadInput, HelioError, HouseFault, Unavailable
from engine.settings import Settings
from serve import apps
from serve.vigil import keep_vigil
from store.config import load_settings
from store.home import Home

_BEAT_S = 5.0
_READY_S = 120.0
_LINE_BYTES = 2**24
_DOORS_S = 10.0
_HALT_S = 2.0
_LOOK_S = 2.0
_CLOSE_S = 5.0


class Warden:
    """One warden's life."""

    def __init__(self, home: Home, settings: Settings, http_port: int) -> None:
        self._home = home
        self._settings = settings
        self._http_port = http_port
        self._out: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._log = open_log(home, "warden", settings.house.log_level)

    async def live(self, wire: socket.socket) -> None:
        """Raise the house and serve the supervisor until it closes the wire.

        Raises:
            HelioError: the house cannot be raised; the supervisor was told.
        """
        reader, self._out = await asyncio.open_connection(sock=wire, limit=_LINE_BYTES)
        if not (line := await reader.readline()):
            return
        connect(json.loads(line)["ray"])
        serving = asyncio.create_task(self._serve(reader))
        beating = asyncio.create_task(self._beat())
        watch: asyncio.Task[None] | None = None
        try:
            raising = asyncio.create_task(self._raise_house())
            await asyncio.wait({raising, serving}, return_when="FIRST_COMPLETED")
            if raising.done():
                raising.result()
                watch = asyncio.create_task(keep_vigil(str(self._home.root), self._log))
                await asyncio.wait({watch, serving}, return_when="FIRST_COMPLETED")
        except Exception as fault:
            self._log.exception("the house cannot be raised")
            self._say({"problem": _problem_of(fault)})
            await self._out.drain()
            raise
        finally:
            for task in (serving, beating, watch):
                if task is not None:
                    task.cancel()

    # -- raising ------------------------------------------------------------------------------
    async def _raise_house(self) -> None:
        self._tell("crew", "Starting the dispatcher, the router and the hub")
        doors = asyncio.create_task(asyncio.to_thread(self._open_doors))
        await system.raise_crew(str(self._home.root), _READY_S)
        self._tell("doors", "Opening the API")
        await doors
        self._tell("ready", f"Listening on {self._settings.serve.host}:{self._http_port}")

    def _open_doors(self) -> None:
        """Start Serve and whatever app does not run yet; a second time changes nothing."""
        serving = self._settings.serve
        ray_serve.start(http_options=apps.http_options(serving, self._http_port))
        known = ray_serve.status().applications
        running = [name for name, app in known.items() if app.status == "RUNNING"]
        if wanted := apps.targets(str(self._home.root), serving, running):
            ray_serve.run_many(wanted)

    # -- serving the supervisor ---------------------------------------------------------------
    async def _serve(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            task = asyncio.create_task(self._respond(json.loads(line)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _respond(self, request: Mapping[str, Any]) -> None:
        try:
            answer = {"ok": await self._answer(request)}
        except HelioError as refusal:
            answer = {"problem": refusal.as_problem()}
        except RayError as gone:
            answer = {"problem": Unavailable(f"Ray gave {type(gone).__name__}.").as_problem()}
        self._say({"id": request.get("id", 0)} | answer)

    async def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        match request.get("do"):
            case "command":
                return await self._command(str(request["name"]), request["body"])
            case "query":
                return await refs.desk().query(request["name"], request["body"])
            case "models":
                return {"problem": await self._problem_of_models()}
            case "drain":
                return await self._drain(float(request["drain_s"]))
            case other:
                raise BadInput(f"The warden does not know how to do {other!r}.")

    async def _command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Pass a command to the dispatcher; a halt goes to the router too, whoever is dead."""
        if name != "house.halt":
            return await refs.desk().command(name, body)
        models = asyncio.create_task(self._halt_models())
        try:
            return await refs.desk().command(name, body)
        finally:
            await asyncio.wait({models})

    async def _problem_of_models(self) -> Any:
        """Tell what keeps the router from its work; None where nothing does."""
        with contextlib.suppress(LookupError, TimeoutError, RayError):
            return (await system.health(Kind.ROUTER, _LOOK_S)).get("problem")
        return None

    async def _halt_models(self) -> None:
        with contextlib.suppress(HelioError, TimeoutError):
            async with asyncio.timeout(_HALT_S):
                await refs.router().command("house.halt", {})

    async def _drain(self, drain_s: float) -> dict[str, Any]:
        """Let running jobs end while the doors close."""
        closing = asyncio.create_task(asyncio.to_thread(ray_serve.shutdown))
        try:
            await refs.Ref(Kind.DISPATCHER).call("drain", drain_s)
            await self._close_router()
        finally:
            await asyncio.wait({closing}, timeout=_DOORS_S)
        return {"drained": True}

    async def _close_router(self) -> None:
        """Let the router ship what is finished; what it cannot is durable and follows later."""
        with contextlib.suppress(HelioError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await refs.Ref(Kind.ROUTER).call("close")

    async def _beat(self) -> None:
        while True:
            self._say({"beat": True})
            await asyncio.sleep(_BEAT_S)

    def _tell(self, phase: str, detail: str) -> None:
        self._log.info(detail, extra={"phase": phase})
        self._say({"phase": phase, "detail": detail})

    def _say(self, what: Mapping[str, Any]) -> None:
        if self._out is not None and not self._out.is_closing():
            self._out.write(json.dumps(dict(what), default=str).encode() + b"\n")


def _problem_of(fault: Exception) -> dict[str, Any]:
    if isinstance(fault, HelioError):
        return fault.as_problem()
    last = str(fault).strip().rpartition("\n")[2]
    return HouseFault(f"{type(fault).__name__}: {last}").as_problem()


def connect(address: str) -> None:
    """Join the cluster at that address as a driver."""
    ray.init(
        address=address,
        namespace=NAMESPACE,
        log_to_driver=False,
        configure_logging=False,
    )


def main() -> None:
    """Run the warden; the supervisor gives the arguments."""
    parser = argparse.ArgumentParser(prog="python -P -m serve.warden")
    for name, kind in (("home", str), ("http-port", int), ("wire", int)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    given = parser.parse_args()
    home = Home.at(given.home)
    wire = socket.socket(fileno=given.wire)
    wire.setblocking(False)
    warden = Warden(home, load_settings(home), given.http_port)
    with contextlib.suppress(HelioError):
        asyncio.run(warden.live(wire))
    logging.shutdown()


if __name__ == "__main__":
    main()
