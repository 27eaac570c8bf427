"""The dispatcher's shell in the simulation: an inbox, the product's core, and crash points.

A life is one dispatcher process. It can die before its transaction, inside it, after it, or in
the middle of carrying out its wishes; and it can go on as a zombie beside its successor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from actors.dispatching.core import Core
from actors.dispatching.desk import stop_all
from actors.dispatching.facts import Act, Fact, Inbox, Wake
from engine.errors import Fenced, HelioError, StoreFull
from engine.events import EventKind
from engine.jobs import JobKind, JobState, Reason
from engine.messages import Order, Report
from engine.moments import US_PER_S
from engine.ports import JobFilter, Tables
from engine.records import Idempotency
from engine.settings import Settings, StoreSettings
from store.memory import MemoryStore
from store.prune import prune
from store.term import begin_term
from store.work import Work
from tests.simulation.world import World

Reply = Callable[[dict[str, Any] | HelioError], None]
_MANY = 10_000
_NO_RETENTION = StoreSettings.model_construct(done_days=0, failed_days=0, event_days=0)
_FAR = 10**18


class Crash(Exception):
    """The process dies here."""


class Perishable:
    """The store as one life sees it: a transaction can be cut off before its commit."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.cut: Exception | None = None
        self.read = store.read
        self.close = store.close

    def write(self, act: Callable[[Tables], Any]) -> Any:
        """Run a transaction, or die in it."""

        def fatal(tables: Tables) -> Any:
            result = act(tables)
            if self.cut:
                raise self.cut
            return result

        return self._store.write(fatal)


@dataclass(slots=True)
class Life:
    """One dispatcher process."""

    core: Core
    store: Perishable
    inbox: Inbox = field(default_factory=Inbox)
    replies: list[Reply] = field(default_factory=list)
    receipts: list[Callable[[], None]] = field(default_factory=list)
    rung: bool = False
    rounds: bool = False
    timer: int = _FAR
    dead: bool = False


class Crew:
    """What a life can wish for; `tests.simulation.crew` carries it out."""

    def send(self, life: Life, session: str, orders: Sequence[Order]) -> None:
        """Hand orders to a session."""
        raise NotImplementedError

    def stop(self, session: str, job: str, epoch: int, why: str) -> None:
        """Stop an order."""
        raise NotImplementedError

    def probe(self, life: Life, session: str, number: int) -> None:
        """Ask a session what it has."""
        raise NotImplementedError

    def retire(self, session: str) -> None:
        """End a session."""
        raise NotImplementedError


class Office:
    """Whoever is dispatcher now, and the ghosts of those who were."""

    def __init__(self, world: World, store: MemoryStore, settings: Settings, crew: Crew) -> None:
        self.world = world
        self.store = store
        self.settings = settings
        self.crew = crew
        self.life: Life | None = None
        self.crashes = 0
        self.wakes = 0
        self.pruned: Counter[JobKind] = Counter()
        self.writers: list[tuple[int, int]] = []
        self.trouble: list[tuple[str, str]] = []

    # -- life and death -----------------------------------------------------------------------
    def boot(self) -> None:
        """A new dispatcher takes over."""
        if self.life is not None:
            return
        term = begin_term(self.store)
        store = Perishable(self.store)
        core = Core(store, self.settings, term=term, rng=self.world.rng)  # type: ignore[arg-type]
        self.life = Life(core, store)
        self.life.inbox.sweep = {}
        self.put_act(_begin, lambda _: None)
        self.world.tell("term %s begins", term)

    def crash(self, *, ghost: bool = False) -> None:
        """The dispatcher dies; as a ghost it does not know that yet."""
        life, self.life = self.life, None
        if life is None:
            return
        self.crashes += 1
        life.dead = not ghost
        self.world.tell("the dispatcher of term %s dies (ghost: %s)", life.core.term, ghost)
        self.world.after(self.world.rng.uniform(0.05, 3), self.boot)

    def drain(self) -> None:
        """The dispatcher goes in good order: it claims nothing more, stops all, and ends."""
        if (life := self.life) is not None:
            self.world.tell("term %s drains", life.core.term)
            life.core.sealed = True
            self.put_act(stop_all, lambda _: None)
            self.world.after(3, self._drained, life)

    def _drained(self, life: Life) -> None:
        if self.life is life:
            self.crash()

    # -- what comes in ------------------------------------------------------------------------
    def put_act(self, act: Act, reply: Reply) -> None:
        """A request arrives; without a dispatcher it is lost."""
        if (life := self.life) is not None:
            life.inbox.acts.append(act)
            life.replies.append(reply)
            self._ring(life)

    def put_reports(self, reports: Sequence[Report], receipt: Callable[[], None]) -> None:
        """A session reports; the receipt comes when it is durable."""
        if (life := self.life) is not None:
            life.inbox.reports.extend(reports)
            life.receipts.append(receipt)
            self._ring(life)

    def put_fact(self, life: Life, fact: Fact) -> None:
        """A call that this life made is answered."""
        if not life.dead:
            life.inbox.facts.append(fact)
            self._ring(life)

    def poke(self) -> None:
        """Wake up without news: a timer, or a nap that is over."""
        if self.life is not None:
            self._ring(self.life)

    def sweep(self) -> None:
        """The safety sweep is due."""
        if self.life is not None:
            self.life.inbox.sweep = {}
            self._ring(self.life)

    def prune(self) -> None:
        """Retention runs, and nothing is kept longer than it must be, but for submit keys."""

        def act(tables: Tables) -> None:
            keys = tables.find(Idempotency)
            kinds = {job.id: job.kind for job in tables.list_jobs(JobFilter(), "", _MANY, False)}
            gone = prune(tables, _NO_RETENTION, self.world.now).jobs
            tables.put(*keys)
            self.pruned.update(kinds[job_id] for job_id in gone)
            self.world.tell("pruned %s jobs", len(gone))

        self.store.write(act)

    def _ring(self, life: Life) -> None:
        if not life.rung:
            life.rung = True
            self.world.after(self.world.rng.random() * 0.01, self._turn, life)

    # -- one turn -----------------------------------------------------------------------------
    def _turn(self, life: Life) -> None:
        life.rung = False
        if life.dead:
            return None
        inbox, life.inbox = life.inbox, Inbox()
        replies, life.replies = life.replies, []
        receipts, life.receipts = life.receipts, []
        if self.world.chance(0.004):
            return self._die(life)
        life.store.cut = self._cut()
        try:
            wake = life.core.wake(inbox, self.world.moment())
        except StoreFull as full:
            return self._refuse(life, inbox, replies, full)
        except (Crash, Fenced) as end:
            self.world.tell("term %s ends in its transaction: %r", life.core.term, end)
            return self._die(life)
        self.wakes += 1
        self.writers += [(event.seq, life.core.term) for event in wake.told]
        self._judge(life, wake)
        if self.world.chance(0.006):
            return self._die(life)
        for reply, answer in zip(replies, wake.answers, strict=True):
            reply(answer)
        for receipt in receipts:
            receipt()
        self._carry_out(life, wake)
        return None

    def _cut(self) -> Exception | None:
        """What interrupts this transaction, if anything does."""
        if self.world.chance(0.004):
            return Crash()
        return StoreFull("The disk is full.") if self.world.chance(0.004) else None

    def _refuse(self, life: Life, inbox: Inbox, replies: Sequence[Reply], full: StoreFull) -> None:
        """The disk is full: requests fail, reports must come again, facts are kept."""
        for reply in replies:
            reply(full)
        life.inbox.facts[:0] = inbox.facts
        self._ring(life)

    def _die(self, life: Life) -> None:
        if self.life is life:
            self.crash()
        life.dead = True

    def _judge(self, life: Life, wake: Wake) -> None:
        for event in wake.told:
            self.world.tell("%s #%s %s %s", life.core.term, event.seq, event.kind, event.subject)
        if wake.lost_wakes:
            self.trouble.append(("2 lost wake", f"the sweep found {wake.lost_wakes} jobs"))

    def _carry_out(self, life: Life, wake: Wake) -> None:
        wishes = [partial(self.crew.send, life, *order) for order in wake.orders.items()]
        wishes += [partial(self.crew.stop, *stop) for stop in wake.stops]
        wishes += [partial(self.crew.probe, life, *probe) for probe in wake.probes]
        wishes += [partial(self.crew.retire, session) for session in wake.retired]
        for wish in wishes:
            if self.world.chance(0.004):
                self._die(life)
                return
            wish()
        self._set_timer(life)
        if not life.rounds:
            life.rounds = True
            self.world.after(self.settings.sessions.status_every_s, self._round, life)

    def _round(self, life: Life) -> None:
        """Ask every session that should run something; go on while there is one."""
        if life.dead:
            return
        asked = life.core.owners_to_probe()
        life.rounds = bool(asked)
        for session, number in asked:
            self.crew.probe(life, session, number)
        if asked:
            self.world.after(self.settings.sessions.status_every_s, self._round, life)

    # -- timers -------------------------------------------------------------------------------
    def _set_timer(self, life: Life) -> None:
        due = self.store.read(self._next_due)
        if due is not None and due < life.timer:
            life.timer = due
            self.world.after(max(0, due - self.world.now) / US_PER_S, self._timer, life)

    def _timer(self, life: Life) -> None:
        life.timer = _FAR
        if not life.dead:
            self._ring(life)

    def _next_due(self, tables: Tables) -> int | None:
        """When, in steady time, the next job's own clock comes to its time."""
        skew = self.world.moment().wall - self.world.now
        rows = tables.due(_FAR, _MANY) + tables.expired(_FAR, _MANY)
        times = [
            row.run_at
            if row.state is JobState.DELAYED and row.reason is Reason.BACKOFF
            else row.run_at - skew
            for row in rows
        ]
        return min(times, default=None)


def _begin(work: Work) -> dict[str, Any]:
    """The first act of a term, as the dispatcher's shell does it in a house not halted."""
    work.tell(EventKind.HOUSE_STARTED, "house", term=work.shard.term)
    return {}
