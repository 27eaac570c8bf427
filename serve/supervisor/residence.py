"""The supervisor's process, put together: control socket, signals, logs, and the house it keeps."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import Mapping
from pathlib import Path

from actors.clock import SystemClock
from actors.logs import open_log
from engine.errors import HelioError, HouseFault
from serve.control import ControlSocket, control_path
from serve.supervisor import homestead, kin, leftovers
from serve.supervisor.progress import Phase, Progress
from serve.supervisor.requests import Requests
from serve.supervisor.supervision import Supervision
from store.config import load_settings
from store.home import Home

_HEARD_S = 2.0


class Residence:
    """One life of a house, from the lock that is already held to the exit code."""

    def __init__(self, home: Home, inherited: Mapping[str, str]) -> None:
        self._home = home
        self._inherited = inherited
        self._clock = SystemClock()
        self._progress = Progress(self._clock)
        self._leaving = asyncio.Event()
        self._hurry = asyncio.Event()

    async def live(self) -> int:
        """Run the house until it is told to leave or cannot start; gives the exit code.

        Raises:
            HelioError: it cannot start; whoever followed the phases was told as well.
        """
        kin.adopt_orphans()
        log = open_log(self._home, "supervisor")
        ended = await leftovers.end(self._home)
        log.info("awake", extra={"ended_leftovers": ended})
        run_dir = homestead.make_run_dir()
        try:
            settings = load_settings(self._home, self._inherited)
            log.setLevel(settings.house.log_level.upper())
            house = Supervision(self._home, settings, run_dir, self._progress)
            await self._open(house, run_dir)
        finally:
            homestead.clear_run_dir(run_dir)
            leftovers.forget(self._home)
            log.info("gone")
        return 0

    async def _open(self, house: Supervision, run_dir: Path) -> None:
        path = control_path(self._home, run_dir)
        homestead.write_private(self._home.ports, json.dumps({"control": str(path)}))
        requests = Requests(house, self._clock, self.leave)
        control = ControlSocket(path, requests.answer, house.progress.follow)
        self._catch_signals()
        await control.open()
        insisting = asyncio.create_task(requests.halting.insist())
        try:
            await self._stay(house)
            house.progress.tell(Phase.STOPPED, "Nothing is left running")
        except Exception as fault:
            told = fault if isinstance(fault, HelioError) else HouseFault(repr(fault))
            house.progress.tell(Phase.FAILED, told.detail, told)
            raise
        finally:
            insisting.cancel()
            await house.progress.be_heard(_HEARD_S)
            await control.close()

    async def _stay(self, house: Supervision) -> None:
        keeping = asyncio.create_task(house.run(self._inherited))
        leaving = asyncio.create_task(self._leaving.wait())
        await asyncio.wait({keeping, leaving}, return_when="FIRST_COMPLETED")
        leaving.cancel()
        if keeping.done():
            return keeping.result()
        hurry = asyncio.create_task(self._hurry.wait())
        drain = asyncio.create_task(house.drain())
        await asyncio.wait({drain, hurry, keeping}, return_when="FIRST_COMPLETED")
        for task in (drain, hurry, keeping):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, HelioError):
            await keeping
        return None

    def leave(self) -> None:
        """Begin to stop; asked a second time, stop without waiting for running jobs."""
        if self._leaving.is_set():
            self._hurry.set()
            return
        self._leaving.set()
        self._progress.tell(Phase.STOPPING, "Told to stop")

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self.leave)
        loop.add_signal_handler(signal.SIGHUP, logging.getLogger("heliograph").debug, "SIGHUP")
