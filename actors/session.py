"""A session: the persistent worker of one working directory, as an actor's plain class.

A thin shell around `actors.sessions.core`. Every fact (an order, a stop, output, the end of a
process tree, time) goes into the core; the effects that come out are carried out here. It opens
what it needs in its main task, with back-off, and is ready when it holds the lease of its
directory and everything that a predecessor left there has been swept away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from itertools import count
from time import monotonic
from typing import Any
from uuid import uuid4

from actors.backends.base import Lines
from actors.clock import SystemClock
from actors.feed import Feed
from actors.keepers import Keepers
from actors.lease import Lease
from actors.logs import open_log
from actors.reporter import Reporter
from actors.sessions.core import SessionCore, answer_to_wire
from actors.sessions.effects import Effect, Spawn, Stop, Tell, Why
from actors.strays import MARK, sweep, tag_of
from actors.workplace import Secrecy, Work, Workplace
from engine.errors import HelioError
from engine.failures import Cause, Failure
from engine.messages import Order
from engine.pools import SHARED, at_a_time, backend_of
from engine.ports import Body, Clock, HubFace, ReportDesk, RouterFace
from engine.settings import Settings
from store.config import load_settings
from store.home import Home

_LOG = logging.getLogger("heliograph.session")
_BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_START_WAIT_S = 5.0  # how long an order waits for a session that is still opening
_BEAT_S = 1.0
_LEASE_EVERY_S = 0.05
_CLOSED = "Every model that may answer it is closed."


def _find_desk() -> ReportDesk:
    from actors.refs import report_desk  # noqa: PLC0415  # Ray is imported only where it is used

    return report_desk()


def _find_hub() -> HubFace:
    from actors.refs import hub  # noqa: PLC0415  # likewise

    return hub()


def _find_router() -> RouterFace:
    from actors.refs import router  # noqa: PLC0415  # likewise

    return router()


def _open_secrecy(home: Home) -> Secrecy:
    from actors.secrecy import HouseSecrets  # noqa: PLC0415  # brings re2

    return HouseSecrets(home)


@dataclass(frozen=True, slots=True)
class Outside:
    """Whom a session talks to; tests put objects of their own here."""

    clock: Clock = field(default_factory=SystemClock)
    find_desk: Callable[[], ReportDesk] = _find_desk
    find_hub: Callable[[], HubFace] = _find_hub
    find_router: Callable[[], RouterFace] = _find_router
    open_secrecy: Callable[[Home], Secrecy] = _open_secrecy


class Session:
    """One worker. Constructor arguments are strings, and nothing in it can fail."""

    _settings: Settings
    _reporter: Reporter
    _feed: Feed
    _place: Workplace

    def __init__(
        self, name: str, home: str, directory: str = "", outside: Outside | None = None
    ) -> None:
        """Remember who and where, and begin."""
        self._name = name
        self._home = Home.at(home)
        self._tag = tag_of(str(self._home.root), name)
        self._outside = outside or Outside()
        self._logs = outside is None  # tests listen to the logger themselves
        self._lease = Lease(self._home.sessions, directory, name)
        self._works: dict[tuple[str, int], Work] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._nudge = asyncio.Event()
        self._said = "starting"
        self._beat = monotonic()
        self._core = SessionCore(uuid4().hex)
        self._main = asyncio.get_running_loop().create_task(self._live(), name=name)

    # -- what the dispatcher asks (engine.ports.SessionFace) ------------------------------------

    async def start(self, orders: Sequence[Body]) -> dict[str, Any]:
        """Take orders at once, or say why not."""
        wanted = [Order.from_wire(order) for order in orders]
        if not await self._opened():
            refused = [[order.job, order.epoch, f"starting: {self._said}"] for order in wanted]
            return {"incarnation": self._core.incarnation, "accepted": [], "refused": refused}
        answer, effects = self._core.start(wanted, *self._time())
        self._apply(effects)
        return answer_to_wire(self._core.incarnation, answer)

    async def stop(self, job: str, epoch: int, why: str) -> None:
        """End an order; why is cancel, preempt, drain or halt. The outcome comes as a report."""
        await self._opened()
        self._apply(self._core.stop(job, epoch, Why(why), self._outside.clock.now()))

    async def throttle(
        self, job: str, epoch: int, until: int, why: str, cause: str = "rate_limit"
    ) -> None:
        """Interrupt an order that no model answers until then; its job is delayed."""
        await self._opened()
        closed = Failure(cause=Cause(cause), message=why or _CLOSED, retry_at=until)
        self._apply(self._core.throttle(job, epoch, closed, self._outside.clock.now()))

    async def status(self) -> dict[str, Any]:
        """Say which orders are running, queued, and ended but not yet acknowledged.

        A session that is still opening says so (`ready`): what its predecessor ran may live on.
        """
        return self._core.status() | {"ready": self._ready.is_set()}

    async def retire(self) -> None:
        """Send every order back, see the reports through, and let go of the directory."""
        self._apply(self._core.close(Why.DRAIN, self._outside.clock.now()))
        while not self._core.idle:
            self._nudge.clear()
            await self._nudge.wait()
        await self.close()

    async def close(self) -> None:
        """End everything at once, as the death of this process would."""
        self._main.cancel()
        for work in self._works.values():
            work.stop(0)
        await asyncio.gather(self._main, *self._tasks, return_exceptions=True)
        self._lease.release()

    # -- what watchers ask ----------------------------------------------------------------------

    async def health(self) -> dict[str, Any]:
        """Tell how the main loop is; runs on another thread than it."""
        return {
            "ready": self._ready.is_set(),
            "beat_age_s": monotonic() - self._beat,
            "said": self._said,
            "pid": os.getpid(),
            "incarnation": self._core.incarnation,
            "running": len(self._works),
        }

    async def version(self) -> str:
        """Give the version of the code that runs here."""
        return installed_version("heliograph")

    # -- the main task --------------------------------------------------------------------------

    async def _live(self) -> None:
        """Open, be ready, and keep the loops going; nothing they meet ends the session."""
        await self._open()
        self._ready.set()
        try:
            await asyncio.gather(self._ticks(), self._reporter.run(), self._feed.run())
        finally:
            self._ready.clear()
            await self._place.keepers.close()

    async def _open(self) -> None:
        """Get hold of all that a session needs; try until it works."""
        for failures in count():
            self._beat = monotonic()
            try:
                await self._try_to_open()
            except Exception as trouble:  # noqa: BLE001  # whatever it is may be mended meanwhile
                self._said = str(trouble)
                if not isinstance(trouble, HelioError):
                    _LOG.exception("A session could not open and tries again.")
                await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
            else:
                self._said = "well"
                return

    async def _try_to_open(self) -> None:
        outside, self._settings = self._outside, load_settings(self._home)
        if self._logs:
            level = self._settings.house.log_level
            open_log(self._home, "session", level, f"sessions/{self._tag}")
        sizes = self._settings.sessions
        secrecy = outside.open_secrecy(self._home)
        self._said = "waiting for the directory: another session's processes hold it"
        while not self._lease.take():  # the kernel tells nobody when a flock is free
            self._beat = monotonic()
            await asyncio.sleep(_LEASE_EVERY_S)
        await asyncio.to_thread(sweep, [f"{MARK}={self._tag}"], f"helio-{self._tag}-*")
        self._core = SessionCore(
            self._core.incarnation,
            prefetch=sizes.prefetch,
            capacity=at_a_time(self._name, self._settings),
            progress_every_s=sizes.progress_every_s,
        )
        self._reporter = Reporter(self._name, self._core, outside.find_desk, sizes.report_batch_s)
        self._reporter.on_taken = self._nudge.set
        self._feed = Feed(outside.clock, outside.find_hub, sizes.report_batch_s)
        self._place = Workplace(
            home=self._home,
            tag=self._tag,
            settings=self._settings,
            secrecy=secrecy,
            keepers=Keepers(self._tag, self._lease.fd),
            lines=Lines(
                session=self._name,
                incarnation=self._core.incarnation,
                clock=outside.clock,
                find_desk=outside.find_desk,
                find_router=outside.find_router,
            ),
            show=self._feed.show,
        )
        self._warm()

    async def _ticks(self) -> None:
        """Look at the clocks when one is due, and at least once a beat."""
        while True:
            self._beat = monotonic()
            self.tick()
            due = self._core.next_tick()
            left_s = _BEAT_S if due is None else due - self._outside.clock.monotonic()
            self._nudge.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(left_s, 0), _BEAT_S)):
                    await self._nudge.wait()

    def tick(self) -> None:
        """Look at the clocks once."""
        self._apply(self._core.tick(*self._time()))

    # -- effects --------------------------------------------------------------------------------

    def _apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Spawn(order):
                    self._spawn(order)
                case Stop(job, epoch, why):
                    self._works[job, epoch].stop(self._grace_s(why))
                case Tell():
                    self._reporter.wake()
        self._nudge.set()

    def _spawn(self, order: Order) -> None:
        work = self._place.begin(order, _Signs(self, order))
        self._works[order.job, order.epoch] = work
        task = asyncio.get_running_loop().create_task(self._attend(order, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def note_started(self, job: str, epoch: int, pid: int) -> None:
        """An order's process runs: tell, and have the next keeper ready."""
        self._apply(self._core.started(job, epoch, pid, self._outside.clock.now()))
        asyncio.get_running_loop().call_soon(self._warm)

    def _warm(self) -> None:
        """Have a keeper ready, unless this session's work starts no process."""
        if backend_of(self._name) not in SHARED:
            self._place.keepers.warm()

    def note_alive(self, job: str, epoch: int, nbytes: int) -> None:
        """An order made progress."""
        self._apply(self._core.output(job, epoch, nbytes, *self._time()))

    def note_tool(self, job: str, epoch: int, *, is_open: bool) -> None:
        """An order's tool call began or ended."""
        self._core.tool(job, epoch, self._outside.clock.monotonic(), is_open=is_open)
        self._nudge.set()

    async def _attend(self, order: Order, work: Work) -> None:
        """See an order through; the next one starts with a warm keeper."""
        ending = await work.run()
        del self._works[order.job, order.epoch]
        self._apply(self._core.ended(order.job, order.epoch, ending, *self._time()))

    def _grace_s(self, why: Why) -> float:
        return 0.0 if why is Why.HALT else self._settings.clocks.kill_grace_s

    def _time(self) -> tuple[int, float]:
        return self._outside.clock.now(), self._outside.clock.monotonic()

    async def _opened(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_WAIT_S):
                await self._ready.wait()
        return self._ready.is_set()


class _Signs:
    """Carries an order's signs of life into the core."""

    def __init__(self, session: Session, order: Order) -> None:
        self._session = session
        self._job, self._epoch = order.job, order.epoch

    def started(self, pid: int) -> None:
        self._session.note_started(self._job, self._epoch, pid)

    def alive(self, nbytes: int) -> None:
        self._session.note_alive(self._job, self._epoch, nbytes)

    def tool(self, *, is_open: bool) -> None:
        self._session.note_tool(self._job, self._epoch, is_open=is_open)
