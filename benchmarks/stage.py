"""A dispatcher in this process, as it ships, with a crew whose sessions do nothing at once.

Everything up to a session is the real thing: commands, mailbox, writer thread, SQLite with
`synchronous=FULL`, events, views. A session here answers an order by the two reports that a real
one sends for a job that ends at once. What a process costs is measured by the house, not here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from actors.dispatcher import Dispatcher
from actors.dispatching.facts import Answered, Fact, Gone
from engine.errors import Unavailable, from_problem
from engine.jobs import Result
from engine.messages import Order, Report, ReportKind
from engine.outcomes import Done, to_wire
from store.home import Home

SLOTS = 10
BATCH = 10_000
_OPEN_S = 30.0
_DONE = to_wire(Done(Result()))


class InstantCrew:
    """Takes orders, notes when, and reports them done unless `holds` says to sit on them."""

    def __init__(self, holds: Callable[[Order], bool] = lambda _: False) -> None:
        self.desk: Dispatcher | None = None
        self.holds = holds
        self.handed: dict[str, float] = {}  # job -> when its last order came
        self.ended: dict[str, float] = {}  # promise -> when its end was told
        self.held: list[tuple[str, Order]] = []
        self._sessions: set[str] = set()
        self._rings = asyncio.Event()
        self._reports: set[asyncio.Task[None]] = set()

    async def send(self, session: str, orders: Sequence[Order]) -> Fact:
        """Take orders."""
        now = time.perf_counter()
        self._sessions.add(session)
        done = []
        for order in orders:
            self.handed[order.job] = now
            if self.holds(order):
                self.held.append((session, order))
            else:
                done.append(order)
        if done:
            self._later(self._report(session, done))
        self._rings.set()
        return Answered(session, frozenset((order.job, order.epoch) for order in orders))

    def release(self) -> None:
        """Let go of all that is held."""
        self.holds = lambda _: False
        held, self.held = self.held, []
        for session, order in held:
            self._later(self._report(session, [order]))

    async def _report(self, session: str, orders: Sequence[Order]) -> None:
        assert self.desk is not None
        now = time.time_ns() // 1000
        reports = [
            Report(job=order.job, epoch=order.epoch, kind=kind, at=now, data=data).to_wire()
            for order in orders
            for kind, data in ((ReportKind.STARTED, {"pid": 1}), (ReportKind.OUTCOME, _DONE))
        ]
        if not await self.desk.report(session, "bench", reports):
            raise RuntimeError("The dispatcher did not take a report.")

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def switch(self, word: str) -> None:
        """There is no router."""

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Note which promises came to rest."""
        now = time.perf_counter()
        for event in events:
            if event["data"].get("finished_at"):
                self.ended[event["subject"]] = now
        self._rings.set()

    async def until(self, reached: Callable[[], bool], within_s: float = 600.0) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(within_s):
            while not reached():
                self._rings.clear()
                await self._rings.wait()

    async def stop(self, session: str, job: str, epoch: int, why: str) -> None:
        """Nothing ever runs long enough to be stopped."""

    async def probe(self, session: str, number: int) -> Fact | None:
        """Say that a session of an earlier process is gone; the own ones are left in peace."""
        return None if session in self._sessions else Gone(session, number)

    async def warm(self, session: str) -> None:
        """There is nothing to warm."""

    async def retire(self, session: str) -> None:
        """Nothing is left of a session anyway."""


class Stage:
    """A dispatcher with its crew, and short words for what a measure asks of them."""

    def __init__(self, dispatcher: Dispatcher, crew: InstantCrew) -> None:
        self.dispatcher = dispatcher
        self.crew = crew

    async def command(self, verb: str, **body: Any) -> dict[str, Any]:
        """Carry out a command.

        Raises:
            HelioError: it was refused.
        """
        answer = await self.dispatcher.command(verb, body)
        if "problem" in answer:
            raise from_problem(answer["problem"])
        return dict(answer["ok"])

    async def submit(self, jobs: Sequence[Mapping[str, Any]]) -> list[str]:
        """Submit jobs in batches as large as are allowed."""
        ids: list[str] = []
        for first in range(0, len(jobs), BATCH):
            answer = await self.command("job.submit", jobs=list(jobs[first : first + BATCH]))
            ids += answer["ids"]
        return ids


@asynccontextmanager
async def stage(directory: Path, *, slots: int = SLOTS) -> AsyncIterator[Stage]:
    """Open a house of one dispatcher in this directory."""
    home = Home.at(directory)
    home.config.write_text(f"[house]\nslots = {slots}\n")
    home.config.chmod(0o600)
    crew = InstantCrew()
    crew.desk = dispatcher = Dispatcher(str(home.root), crew)
    place = Stage(dispatcher, crew)
    await _opened(place)
    try:
        yield place
    finally:
        await dispatcher.close()


async def _opened(place: Stage) -> None:
    async with asyncio.timeout(_OPEN_S):
        while True:
            with contextlib.suppress(Unavailable):
                await place.command("house.resume")
                return
            await asyncio.sleep(0.01)
