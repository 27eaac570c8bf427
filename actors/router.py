"""The router: the one door to all models, as an actor's plain class.

A thin shell around `actors.routing.office` (ledger, core, keys) and `actors.gateway` (its HTTP
face). What it needs it opens in its main task, with back-off; whatever breaks underneath, it
closes everything and opens it anew from the ledger, so that memory never says more than the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from importlib.metadata import version as installed_version
from time import monotonic
from typing import Any, Protocol

from actors.gateway.office import GatewayOffice
from actors.logs import open_log
from actors.routing import address
from actors.routing.office import Office, Outside, open_office
from actors.routing.words import COMMANDS, QUERIES
from engine.errors import BadInput, HelioError, HouseFault, PortBusy, StoreFull, Unavailable
from engine.ports import Body
from engine.settings import Settings
from store.config import load_settings
from store.home import Home

_LOG = logging.getLogger("heliograph.router")
_BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_CALM_S = 10.0  # after so long without trouble the pauses begin anew
_BEAT_S = 0.5
_AGREE_EVERY_S = 5.0  # how often the dispatcher is asked whether the house is halted
_ASK_S = 5.0
_TROUBLED_WAIT_S = 1.0  # and for one that could not open
_OPEN_WAIT_S = 10.0  # how long a word waits for a router that is opening


class Door(Protocol):
    """The gateway as the router uses it."""

    async def start(self, host: str, port: int, socket: str = "") -> str:
        """Listen; gives the URL.

        Raises:
            PortBusy: somebody else listens there.
        """

    async def close(self) -> None:
        """Stop listening, end what is under way, and settle it."""


def _make_gateway(office: GatewayOffice) -> Door:
    from actors.gateway.server import Gateway  # noqa: PLC0415  tests bring their own

    return Gateway(office)


class Router:
    """The one truth about what may be called. Constructor arguments are strings."""

    def __init__(
        self,
        home: str,
        outside: Outside | None = None,
        make_gateway: Callable[[GatewayOffice], Door] = _make_gateway,
    ) -> None:
        """Remember where home is and begin; nothing here can fail."""
        self._home = Home.at(home)
        self._outside = outside or Outside()
        self._logs = outside is None  # tests listen to the logger themselves
        self._make_gateway = make_gateway
        self._office: Office | None = None
        self._gateway: Door | None = None
        self._where: dict[str, Any] = {}
        self._ready = asyncio.Event()
        self._beat = monotonic()
        self._said = "starting"
        self._problem: dict[str, Any] | None = None
        self._switched = 0  # halts and resumes heard, so that an older answer changes nothing
        self._main = asyncio.get_running_loop().create_task(self._live(), name="router")

    # -- what sessions and the API ask (engine.ports.RouterFace) --------------------------------
    async def bind(self, key: str, who: Body) -> dict[str, Any]:
        """Let a key stand for whom `who` says; gives where the gateway listens."""

        async def bound(office: Office) -> dict[str, Any]:
            await office.bind(key, who)
            return dict(self._where)

        return await self._answered(bound)

    async def release(self, key: str) -> dict[str, Any]:
        """Let a key die; the finished calls of its job are in the main store then.

        Gives whether the house is halted: then its last calls may have been cut.
        """

        async def released(office: Office) -> dict[str, Any]:
            await office.release(key)
            return {"halted": office.halted}

        return await self._answered(released)

    async def command(self, name: str, body: Body) -> dict[str, Any]:
        """Carry out a command; gives {"ok": answer} or {"problem": RFC 9457 object}."""

        async def carried_out(office: Office) -> dict[str, Any]:
            if name not in COMMANDS:
                raise BadInput(f"The router has no command {name!r}.", remedy="See docs/desk.md.")
            self._switched += name.startswith("house.")
            return await COMMANDS[name](office, body)

        return await self._answered(carried_out)

    async def query(self, name: str, body: Body) -> dict[str, Any]:
        """Answer a question; gives {"ok": answer} or {"problem": RFC 9457 object}."""

        async def answered(office: Office) -> dict[str, Any]:
            if name == "gateway.where":
                return dict(self._where)
            if name not in QUERIES:
                raise BadInput(f"The router has no query {name!r}.", remedy="See docs/desk.md.")
            return QUERIES[name](office, body)

        return await self._answered(answered)

    async def _answered(self, act: Callable[[Office], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        try:
            return {"ok": await act(await self._opened())}
        except HelioError as refusal:
            return {"problem": refusal.as_problem()}

    async def _opened(self) -> Office:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TROUBLED_WAIT_S if self._problem else _OPEN_WAIT_S):
                await self._ready.wait()
        if self._office is None or not self._ready.is_set():
            problem = self._problem or {}
            raise Unavailable(
                f"The router cannot begin. {problem['detail']}" if problem else "It is starting.",
                remedy=problem.get("remedy")
                or "Try again in a few seconds; `helio status` tells how the house is.",
            )
        return self._office

    # -- what watchers ask ----------------------------------------------------------------------
    async def health(self) -> dict[str, Any]:
        """Tell how the main loop is; runs on another thread than it."""
        office = self._office
        return {
            "ready": self._ready.is_set(),
            "beat_age_s": monotonic() - self._beat,
            "said": self._said,
            "problem": self._problem,
            "pid": os.getpid(),
            **self._where,
            **({} if office is None else office.status()),
        }

    async def version(self) -> str:
        """Give the version of the code that runs here."""
        return installed_version("heliograph")

    async def close(self) -> None:
        """Stop listening, write down and ship what is left, and stop."""
        self._main.cancel()
        await asyncio.gather(self._main, return_exceptions=True)

    # -- the main task --------------------------------------------------------------------------
    async def _live(self) -> None:
        failures = 0
        while True:
            self._beat = began = monotonic()
            try:
                await self._open()
                await self._run()
            except Exception as trouble:  # noqa: BLE001  # the loop outlives whatever it meets
                self._note(_first(trouble))
            finally:
                await self._shut()
            if monotonic() - began > _CALM_S:
                failures = 0
            await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
            failures += 1

    def _note(self, trouble: Exception) -> None:
        fault = trouble if isinstance(trouble, HelioError) else HouseFault(repr(trouble))
        if fault.detail != self._said:  # told once, not at every try
            _LOG.error("The router opens anew: %s", fault.detail, exc_info=trouble)
        self._said, self._problem = fault.detail, fault.as_problem()

    async def _open(self) -> None:
        settings = load_settings(self._home)
        if self._logs:
            open_log(self._home, "router", settings.house.log_level)
        self._office = office = await open_office(self._home, settings, self._outside)
        if self._home.halted.exists():
            await office.halt("owner")
        self._gateway, self._where = await self._listen(office, settings)
        self._said, self._problem = "well", None
        self._ready.set()

    async def _listen(self, office: Office, settings: Settings) -> tuple[Door, dict[str, Any]]:
        """Open the gateway where it was the last time, if that can be."""
        *others, last = address.ports_to_try(settings.models, self._home)
        socket = address.socket_path(self._home)
        gateway, host = self._make_gateway(office), settings.models.host
        for port in others:
            with contextlib.suppress(PortBusy):
                url = await gateway.start(host, port, str(socket or ""))
                return gateway, address.record(self._home, url, socket)
        url = await gateway.start(host, last, str(socket or ""))
        return gateway, address.record(self._home, url, socket)

    async def _run(self) -> None:
        """Keep the loops going until one fails."""
        office = self._office
        assert office is not None
        async with asyncio.TaskGroup() as loops:
            loops.create_task(office.shipping.run())
            loops.create_task(self._agree(office))
            loops.create_task(self._beats(office))

    async def _beats(self, office: Office) -> None:
        """Look at what others change: the catalogue, the keys, an order to halt."""
        while True:
            self._beat = monotonic()
            await office.look_at_catalogue()
            if self._home.halted.exists():
                await office.halt("owner")
            try:
                await office.durable()
            except StoreFull as full:
                self._said = full.detail
            else:
                self._said = "well"
            await asyncio.sleep(_BEAT_S)

    async def _agree(self, office: Office) -> None:
        """Ask the store whether the house is halted: it alone says so, and a word may be lost."""
        while True:
            heard = self._switched
            with contextlib.suppress(HelioError, TimeoutError):
                async with asyncio.timeout(_ASK_S):
                    status = await self._outside.find_desk().query("house.status", {})
                if heard == self._switched and not self._home.halted.exists():
                    await (office.halt("owner") if status["halted_at"] else office.resume())
            await asyncio.sleep(_AGREE_EVERY_S)

    async def _shut(self) -> None:
        self._ready.clear()
        gateway, self._gateway = self._gateway, None
        office, self._office = self._office, None
        try:
            if gateway is not None:
                await gateway.close()
        finally:
            if office is not None:
                with contextlib.suppress(HelioError):
                    await office.close()


def _first(trouble: Exception) -> Exception:
    """Give what broke, out of the group that a task group makes of it."""
    while isinstance(trouble, ExceptionGroup):
        trouble = trouble.exceptions[0]
    return trouble
