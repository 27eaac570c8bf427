"""The dispatcher's shell: a mailbox, the core in one writer thread, and the wishes carried out.

Whatever comes in lands in the inbox and rings the bell; the main task drains the inbox into one
transaction and only then answers. So an answer means durable, and a burst of requests costs one
sync of the disk. It knows sessions and the hub through a `Crew`, and Ray not at all.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version as installed_version
from typing import Any, TypeVar

from actors.clock import SystemClock
from actors.dispatching.cleaner import clean
from actors.dispatching.commands import COMMANDS
from actors.dispatching.crew import Crew, RayCrew
from actors.dispatching.desk import Bureau, begin, open_bureau, stop_all
from actors.dispatching.facts import Fact, Wake
from actors.dispatching.herald import Herald
from actors.dispatching.mailbox import Mailbox
from actors.dispatching.pipelines import render
from actors.dispatching.queries import QUERIES, Surroundings
from actors.dispatching.spill import is_large, spill
from actors.logs import open_log
from engine.errors import BadInput, HelioError, HouseFault, StoreFull, Unavailable
from engine.messages import Report, ReportKind
from engine.moments import US_PER_S
from engine.pools import pool_session
from engine.ports import Clock
from engine.rows import replace
from store.home import Home

log = logging.getLogger("heliograph.dispatcher")
T = TypeVar("T")
_REOPEN_S = 0.5
_LONGEST_NAP_S = 60.0
_SWITCHES = frozenset({"house.halt", "house.resume"})


class Dispatcher:
    """The only writer of the store."""

    def __init__(self, home: str, crew: Crew | None = None, clock: Clock | None = None) -> None:
        self._home = Home.at(home)
        self._crew = crew or RayCrew(home)
        self._logs = crew is None  # tests listen to the logger themselves
        self._clock = clock or SystemClock()
        self._mailbox = Mailbox()
        self._herald = Herald(self._crew)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="reader")
        self._bureau: Bureau | None = None
        self._beat = self._clock.monotonic()
        self._trouble = ""
        self._problem: dict[str, Any] | None = None  # why the bureau cannot be opened
        self._lost_wakes = 0
        self._next_at: int | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._main = asyncio.get_running_loop().create_task(self._live())
        self._spawn(self._herald.run())

    # -- the desk -----------------------------------------------------------------------------
    async def command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a command; gives {"ok": answer} or {"problem": RFC 9457 object}."""
        try:
            return {"ok": await self._command(name, body)}
        except HelioError as refusal:
            return {"problem": refusal.as_problem()}

    async def query(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a question; gives {"ok": answer} or {"problem": RFC 9457 object}."""
        try:
            return {"ok": await self._query(name, body)}
        except HelioError as refusal:
            return {"problem": refusal.as_problem()}

    async def report(
        self, session: str, incarnation: str, reports: Sequence[Mapping[str, Any]]
    ) -> bool:
        """Take a session's reports; True once they are durable, else they must come again."""
        if self._bureau is None:
            return False
        taken = [_signed(Report.from_wire(one), incarnation) for one in reports]
        limit = self._bureau.settings.sessions.result_text_bytes
        if any(is_large(report, limit) for report in taken):
            artefacts = self._bureau.artefacts
            taken = await self._off_loop(lambda: spill(taken, limit, artefacts))
        log.debug("%s reports %d", session, len(taken))
        return await self._mailbox.put_reports(taken)

    async def _command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        bureau = self._open_bureau()
        if name not in COMMANDS:
            raise BadInput(f"There is no command {name!r}.", remedy="See docs/desk.md.")
        if _is_light(body):  # a thread's hop would cost more than the reading
            act = COMMANDS[name](body, bureau.settings)
        else:
            act = await self._off_loop(lambda: COMMANDS[name](body, bureau.settings))
        answer = await self._mailbox.put_act(act)
        if name == "worker.retire":
            self._spawn(self._crew.retire(answer["name"]))
        if name in _SWITCHES:
            await self._crew.switch(name)
        return answer

    async def _query(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        bureau = self._open_bureau()
        if name == "pipeline.render":
            return await self._off_loop(lambda: render(body, bureau.settings))
        if name not in QUERIES:
            raise BadInput(f"There is no query {name!r}.", remedy="See docs/desk.md.")
        around = Surroundings(
            bureau.settings, self._version(), ready=not self._trouble, lost_wakes=self._lost_wakes
        )
        return await self._off_loop(
            lambda: bureau.store.read(lambda tables: QUERIES[name](tables, body, around))
        )

    def _open_bureau(self) -> Bureau:
        if self._bureau is None:
            raise Unavailable(
                f"The dispatcher is starting. {self._trouble}".strip(),
                remedy="Try again in a few seconds; `helio status` tells how the house is.",
            )
        return self._bureau

    async def _off_loop(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    # -- care ---------------------------------------------------------------------------------
    def version(self) -> str:
        """Tell which Heliograph this is."""
        return self._version()

    @staticmethod
    def _version() -> str:
        return installed_version("heliograph")

    def health(self) -> dict[str, Any]:
        """Tell how old the main loop's heartbeat is, and what troubles it."""
        return {
            "ready": self._bureau is not None,
            "beat_age_s": self._clock.monotonic() - self._beat,
            "trouble": self._trouble,
            "problem": self._problem,
            "lost_wakes": self._lost_wakes,
        }

    async def drain(self, drain_s: float) -> dict[str, Any]:
        """Claim nothing more, wait for what runs, then stop the rest; their jobs go back."""
        bureau = self._open_bureau()
        bureau.core.sealed = True
        if not await self._await_idle(drain_s):
            await self._mailbox.put_act(stop_all)
            await self._await_idle(bureau.settings.clocks.kill_grace_s + drain_s)
        return {"running": await self._running()}

    async def close(self) -> None:
        """End without ceremony and let go of the store, as the death of this process would."""
        self._main.cancel()
        for task in [self._main, *self._tasks]:
            task.cancel()
        await asyncio.gather(self._main, *self._tasks, return_exceptions=True)
        await self._close(Unavailable("The dispatcher is closed."))
        self._writer.shutdown()
        self._readers.shutdown()

    async def _await_idle(self, within_s: float) -> bool:
        until = self._clock.monotonic() + within_s
        while await self._running():
            left = until - self._clock.monotonic()
            if left <= 0:
                return False
            await self._mailbox.next_commit(min(left, 1.0))
        return True

    async def _running(self) -> int:
        return int((await self._query("house.status", {}))["running"])

    # -- the main task ------------------------------------------------------------------------
    async def _live(self) -> None:
        while True:
            try:
                await self._open()
                while True:
                    await self._turn()
            except HelioError as trouble:
                if trouble.detail != self._trouble:  # told once, not twice a second
                    log.exception("the dispatcher starts over")
                await self._close(trouble)
            except Exception as surprise:
                log.exception("the dispatcher starts over after a surprise")
                await self._close(HouseFault(f"{type(surprise).__name__}: {surprise}"))
            await asyncio.sleep(_REOPEN_S)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        rng = random.Random()  # noqa: S311  (ids and jitter, not secrets)
        bureau = await loop.run_in_executor(
            self._writer, lambda: open_bureau(self._home, self._clock, rng)
        )
        self._mailbox.ask_for_sweep(bureau.clock.anchor())
        if self._logs:
            open_log(self._home, "dispatcher", bureau.settings.house.log_level)
        self._begin()
        self._bureau = bureau
        self._trouble, self._problem = "", None
        log.info("term %d begins", bureau.core.term)
        for place in range(bureau.settings.sessions.spare):
            self._spawn(self._crew.warm(pool_session("shell", place)))

    def _begin(self) -> None:
        """Let the first wake open the term, and halt if that was ordered while nobody was here."""
        halted = self._home.halted.exists()
        begun = self._mailbox.post(lambda work: begin(work, halted=halted))
        if halted:
            self._spawn(self._forget_order(begun))

    async def _forget_order(self, begun: Awaitable[Any]) -> None:
        await begun
        self._home.halted.unlink(missing_ok=True)

    async def _close(self, trouble: HelioError) -> None:
        bureau, self._bureau = self._bureau, None
        self._trouble, self._problem = trouble.detail, trouble.as_problem()
        self._mailbox.refuse_all(trouble)
        if bureau is not None:
            await asyncio.get_running_loop().run_in_executor(self._writer, bureau.store.close)

    async def _turn(self) -> None:
        """Wait for something to do, do it in one transaction, carry out what follows."""
        self._beat = self._clock.monotonic()
        bureau = self._open_bureau()
        await self._mailbox.rung(self._nap_s(bureau))
        self._beat = self._clock.monotonic()
        self._remind(bureau)
        loop = asyncio.get_running_loop()
        if bureau.clean_due(self._clock.monotonic()):
            more = await loop.run_in_executor(self._writer, lambda: clean(bureau, self._home))
            bureau.next_clean = 0.0 if more else bureau.next_clean
        delivery = self._mailbox.take()
        try:
            wake = await loop.run_in_executor(
                self._writer, lambda: bureau.core.wake(delivery.inbox, bureau.clock.moment())
            )
        except StoreFull as full:
            self._trouble = full.detail
            self._mailbox.refuse(delivery, full)
            return
        except (HelioError, asyncio.CancelledError):
            self._mailbox.hand_back(delivery)
            raise
        except Exception:
            self._mailbox.split(delivery)
            log.exception("a wake failed; its parts are tried one by one")
            return
        self._trouble = ""
        self._next_at = wake.next_at
        self._lost_wakes += wake.lost_wakes
        self._mailbox.answer(delivery, wake.answers)
        self._carry_out(wake)

    def _nap_s(self, bureau: Bureau) -> float:
        nap = min(_LONGEST_NAP_S, bureau.until_round(self._clock.monotonic()))
        if self._next_at is not None:
            moment = bureau.clock.moment()
            ahead = self._next_at - max(moment.steady, moment.wall)
            nap = min(nap, ahead / US_PER_S)
        return max(0.0, nap)

    def _remind(self, bureau: Bureau) -> None:
        """Start the rounds that are due: the safety sweep, and asking sessions what they have."""
        now = self._clock.monotonic()
        if bureau.sweep_due(now):
            self._mailbox.ask_for_sweep(bureau.clock.anchor())
        if bureau.status_due(now):
            for session, number in bureau.core.owners_to_probe():
                self._spawn(self._learn(self._crew.probe(session, number)))

    def _carry_out(self, wake: Wake) -> None:
        for session, orders in wake.orders.items():
            self._spawn(self._learn(self._crew.send(session, orders)))
        for stop in wake.stops:
            self._spawn(self._crew.stop(*stop))
        for session, number in wake.probes:
            self._spawn(self._learn(self._crew.probe(session, number)))
        for session in wake.retired:
            self._spawn(self._crew.retire(session))
        self._herald.tell(wake.told)

    async def _learn(self, question: Coroutine[Any, Any, Fact | None]) -> None:
        fact = await question
        if fact is not None:
            self._mailbox.put_fact(fact)

    def _spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a wish was not carried out", exc_info=task.exception())


def _signed(report: Report, incarnation: str) -> Report:
    """Let an outcome tell which incarnation of its session it comes from."""
    if report.kind is not ReportKind.OUTCOME:
        return report
    return replace(report, data={**report.data, "incarnation": incarnation})


def _is_light(body: Mapping[str, Any]) -> bool:
    """Whether a command is read at once: one job at most, no directory and no schema in it."""
    if "pipeline" in body:
        return False
    jobs = body.get("jobs")
    if not isinstance(jobs, list) or not jobs:
        return True
    if len(jobs) > 1 or not isinstance(jobs[0], dict):
        return False
    return not (jobs[0].get("cwd") or jobs[0].get("schema"))
