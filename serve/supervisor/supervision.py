"""The life of a house: a head, a warden beside it, and what happens when one of them dies.

    wake ─> head ─> warden (actors, doors) ─> ready ─> stopping ─> stopped
              ^         ^                       │
              │         └── the warden died ────┤
              └───────── the head died ─────────┘

Everything that must be true of the work is in the store; so every death has the same answer,
after a growing pause: sweep what is left, start anew. A house that was never whole gives up after
a few tries and says why, and at once where trying again changes nothing; one that was whole never
gives up. It never imports Ray.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import HelioError, HouseFault, from_problem
from engine.settings import Settings
from serve.control import control_path
from serve.supervisor import head, kin, leftovers, link, ports
from serve.supervisor.head import Grounds, Head
from serve.supervisor.link import Link
from serve.supervisor.progress import Phase, Progress
from store.home import Home

FIRST_TRIES = 3  # of a house that was never whole
PAUSES_S = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)
SILENCE_S = 60.0  # a warden that says nothing for so long hangs; it beats every few seconds
_MIND_S = 2.0
_CALM_S = 60.0  # after so long without a death the pauses begin anew


class CannotStart(HelioError):
    """The house was never whole; the detail names the last fault."""

    slug, title = "cannot-start", "Heliograph cannot start"


class Supervision:
    """Keeps one house alive from `run` until `stop`."""

    def __init__(self, home: Home, settings: Settings, run_dir: Path, progress: Progress) -> None:
        self.home = home
        self.settings = settings
        self.progress = progress
        self.restarts = {"head": 0, "warden": 0}
        self.link: Link | None = None
        self.told: dict[str, Any] = {}  # ports.json
        self._run_dir = run_dir
        self._head: Head | None = None
        self._fault: HelioError | None = None
        self._was_whole = False
        self._deaths = 0
        self._log = logging.getLogger("heliograph.supervisor")

    async def run(self, inherited: Mapping[str, str]) -> None:
        """Keep the house; it ends by cancellation, or by the fault of a house never whole.

        Raises:
            HelioError: it cannot start.
        """
        minder = asyncio.create_task(self._mind())
        try:
            await self._keep(self._grounds(inherited))
        finally:
            minder.cancel()
            await self._end_all()

    async def drain(self) -> None:
        """Let running jobs come to an end, as long as the settings say; then close the doors."""
        drain_s = self.settings.house.drain_s
        self._tell(Phase.STOPPING, f"Waiting up to {drain_s:g} s for running jobs")
        if self.link is not None:
            try:
                await self.link.ask({"do": "drain", "drain_s": drain_s}, drain_s + 15)
            except HelioError as away:
                self._log.warning("stopped without a drain", extra={"why": away.detail})

    def _grounds(self, inherited: Mapping[str, str]) -> Grounds:
        chosen = ports.choose(self.settings)
        self._record(chosen)
        return Grounds(self.home, chosen, self._run_dir, self.settings.ray, dict(inherited))

    def _record(self, chosen: ports.Ports) -> None:
        control = str(control_path(self.home, self._run_dir))
        self.told = ports.record(self.home, chosen, self.settings, pid=os.getpid(), control=control)

    # -- the two loops ------------------------------------------------------------------------
    async def _keep(self, grounds: Grounds) -> None:
        while True:
            try:
                self._tell(Phase.HEAD, "Starting the Ray head")
                # The warden needs as long to import Ray as the head needs to start.
                self.link = await link.start(grounds, self._hear)
                self._head, address = await head.start(grounds)
                await self._attend(self._head.process, address, grounds)
                code = self._head.process.returncode
                fault = HouseFault(f"The Ray head ended with code {code}.")
            except (HouseFault, OSError) as unborn:
                fault = unborn if isinstance(unborn, HouseFault) else HouseFault(str(unborn))
            self.restarts["head"] += 1
            await self._end_all()
            await self._recover_from(fault)
            if not self._was_whole:  # somebody may have taken a port in between
                grounds = replace(grounds, ports=ports.choose(self.settings))
                self._record(grounds.ports)

    async def _attend(self, running: Process, address: str, grounds: Grounds) -> None:
        """Keep a warden beside the head until the head ends."""
        dead = asyncio.create_task(running.wait())
        try:
            while not dead.done():
                self._tell(Phase.CREW, "Connecting to Ray")
                if self.link is None:
                    self.link = await link.start(grounds, self._hear)
                await self.link.connect(address)
                await self._until_over(self.link, dead)
                await link.stop(self.link)
                if not dead.done():
                    code, self.link = self.link.process.returncode, None
                    self.restarts["warden"] += 1
                    await self._recover_from(HouseFault(f"The warden ended with code {code}."))
        finally:
            dead.cancel()

    async def _until_over(self, warden: Link, dead: asyncio.Task[int]) -> None:
        """Wait for the end of the head or of the warden, or for the warden's long silence."""
        listening = asyncio.create_task(warden.listen())
        ended = asyncio.create_task(warden.process.wait())
        loop = asyncio.get_running_loop()
        try:
            while not dead.done() and not ended.done():
                await asyncio.wait({dead, ended}, timeout=_MIND_S, return_when="FIRST_COMPLETED")
                if loop.time() - warden.last_heard > SILENCE_S:
                    self._log.error("the warden hangs")
                    return
        finally:
            # What it said last may still be in the wire: why it ended, for instance.
            with contextlib.suppress(TimeoutError):
                if ended.done():
                    await asyncio.wait_for(asyncio.shield(listening), 1)
            listening.cancel()
            ended.cancel()

    # -- deaths -------------------------------------------------------------------------------
    async def _recover_from(self, fault: HelioError) -> None:
        """Pause before the next try, or give up a house that was never whole."""
        fault = self._fault or fault
        self._fault = None
        loop = asyncio.get_running_loop()
        self._deaths += 1
        self._log.error("something died", extra={"fault": fault.detail, "deaths": self._deaths})
        if not self._was_whole and fault.lasting:
            raise fault
        if not self._was_whole and self._deaths >= FIRST_TRIES:
            raise CannotStart(
                f"Heliograph did not come up in {self._deaths} tries. {fault.detail}",
                remedy=fault.remedy or f"Read {self.home.logs}; `helio doctor` may know more.",
                cause=fault.as_problem(),
            )
        self._tell(Phase.DEGRADED, fault.detail)
        pause_s = PAUSES_S[min(self._deaths, len(PAUSES_S)) - 1]
        loop.call_later(_CALM_S + pause_s, self._calm, self._deaths)
        await asyncio.sleep(pause_s)

    def _calm(self, deaths: int) -> None:
        if self._was_whole and self._deaths == deaths:
            self._deaths = 0

    async def _end_all(self) -> None:
        if self.link is not None:
            await link.stop(self.link)
            self.link = None
        if self._head is not None:
            await head.stop(self._head)
            self._head = None
        swept = await kin.sweep(os.getpid())
        self._log.info("swept", extra={"killed": swept})

    # -- what is heard and written down -------------------------------------------------------
    def _hear(self, said: dict[str, Any]) -> None:
        if "problem" in said:
            self._fault = from_problem(said["problem"])
        if "phase" in said:
            phase = Phase(said["phase"])
            if phase is Phase.READY:
                self._was_whole, self._fault = True, None
            self._tell(phase, str(said.get("detail", "")))

    def _tell(self, phase: Phase, detail: str) -> None:
        self.progress.tell(phase, detail)
        self._log.info(detail, extra={"phase": phase})

    async def _mind(self) -> None:
        """Write down who is below this process whenever that changed, and collect zombies."""
        known: list[kin.Kin] = []
        stale: set[int] = set()
        while True:
            now = await asyncio.to_thread(kin.descendants, os.getpid())
            if now != known:
                with contextlib.suppress(OSError):  # a full disk, for instance: again next time
                    leftovers.remember(self.home, str(self._run_dir), now)
                    known = now
            # The exit of our own children is collected at once; what stays was adopted.
            kin.reap(stale & (dead := kin.zombies()))
            stale = dead
            await asyncio.sleep(_MIND_S)
