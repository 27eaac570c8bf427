"""The dispatcher's core: an inbox goes in, one transaction happens, wishes come out.

No actor, no loop, no clock. `wake` gathers what came in, applies it in one unit of work (reports
first, then facts about sessions, then requests, then timers, then the claim) and gives back what
the shell must do once it is durable. Driven by the simulation and by the actor alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from actors.dispatching.facts import Answered, Fact, Gone, Inbox, Seen, Unanswered, Wake
from actors.dispatching.roster import Roster
from actors.dispatching.upkeep import preempt, sweep
from engine.errors import HelioError, HouseFault, StoreFull
from engine.events import EventKind
from engine.ids import IdMint
from engine.jobs import Job, JobState
from engine.messages import Order
from engine.moments import Moment, us
from engine.outcomes import Lost
from engine.ports import Store, Tables
from engine.settings import Settings
from store.verbs.advance import advance
from store.verbs.claim import Claim
from store.verbs.claim import Claimed as Taken
from store.verbs.report import finish, postpone, take_reports
from store.verbs.timers import promote_due
from store.work import Work

_SKEWED_S = 0.25  # how often timers are looked at that only one of the two clocks calls due


class _Partial(Exception):
    """An act wrote and then refused; the wake starts over without it."""

    def __init__(self, index: int, refusal: HelioError) -> None:
        self.index = index
        self.refusal = refusal


class Core:
    """Everything that the dispatcher decides."""

    def __init__(
        self, store: Store, settings: Settings, *, term: int, rng: Random, sealed: bool = False
    ) -> None:
        self.store = store
        self.settings = settings
        self.term = term
        self.rng = rng
        self.mint = IdMint(rng)
        self.roster = Roster()
        self.sealed = sealed  # draining: nothing new is claimed
        self._recovering = True
        self._next_at: int | None = None  # when the next timer is due, as of the last commit

    def wake(self, inbox: Inbox, moment: Moment) -> Wake:
        """Carry out one wake.

        Raises:
            HouseFault, StoreFull: nothing of the inbox was applied.
        """
        if self._only_learns(inbox, moment):
            for fact in inbox.facts:
                self.roster.learn(fact)
            return Wake(next_at=self._next_at)
        refused: dict[int, HelioError] = {}
        while True:
            try:
                wake, running = self.store.write(
                    lambda tables: self._transact(tables, inbox, moment, refused)
                )
                break
            except _Partial as partial:
                refused[partial.index] = partial.refusal
        self._after_commit(inbox.facts, wake, running)
        return wake

    def _only_learns(self, inbox: Inbox, moment: Moment) -> bool:
        """Whether all there is are facts that change no row: they cost no transaction."""
        if self._recovering or not inbox.facts or inbox.acts or inbox.reports:
            return False
        due = self._next_at is not None and self._next_at <= max(moment.steady, moment.wall)
        return not due and inbox.sweep is None and not any(map(_may_move, inbox.facts))

    def _transact(
        self, tables: Tables, inbox: Inbox, moment: Moment, refused: dict[int, HelioError]
    ) -> tuple[Wake, list[Job]]:
        work = Work(
            tables,
            moment,
            term=self.term,
            mint=self.mint,
            rng=self.rng,
            settings=self.settings,
        )
        wake = Wake()
        wake.stale = take_reports(work, inbox.reports)
        for fact in inbox.facts:
            self._apply(work, fact)
        self._answer(work, inbox, wake, refused)
        promoted = promote_due(work)
        if inbox.sweep is not None:
            wake.retired = sweep(work, inbox.sweep)
        claimed = self._claim(work)
        if inbox.sweep is not None and inbox.quiet and not promoted and not self._recovering:
            wake.lost_wakes = len(claimed)
        preempt(work)
        work.finish()
        wake.orders = _by_session(claimed)
        wake.stops, wake.told = work.stops, work.told
        wake.next_at = _next_look(tables.next_due(), moment, hurry=promoted > 0)
        return wake, [job for job in work.holding() if job.state is JobState.RUNNING]

    def _answer(self, work: Work, inbox: Inbox, wake: Wake, refused: dict[int, HelioError]) -> None:
        for index, act in enumerate(inbox.acts):
            if index in refused:
                wake.answers.append(refused[index])
                continue
            before = work.writes
            try:
                answer = act(work)
                advance(work)
                wake.answers.append(answer)
            except (HouseFault, StoreFull):
                raise
            except HelioError as refusal:
                if work.writes != before:
                    raise _Partial(index, refusal) from refusal
                wake.answers.append(refusal)

    def _claim(self, work: Work) -> list[Taken]:
        shard = work.shard
        if self.sealed or shard.halted_at or shard.paused_at:
            return []
        return Claim(work, self.settings.house.slots).take()

    # -- sessions -----------------------------------------------------------------------------
    def _apply(self, work: Work, fact: Fact) -> None:
        if not _may_move(fact):
            return
        running = work.holding()
        for missing in self.roster.missing(fact, running):
            job = work.job(missing.job)
            if job.state is JobState.RUNNING and job.epoch == missing.epoch:
                if missing.refused:
                    postpone(work, job, missing.refused)
                else:
                    self._lose(work, job, counts=missing.counts)
        if isinstance(fact, Seen):
            for job_id, epoch in self.roster.strangers(fact, running):
                work.stops.append((fact.session, job_id, epoch, "cancel"))
            self._repeat_stops(work, fact, running)

    @staticmethod
    def _lose(work: Work, job: Job, *, counts: bool) -> None:
        if counts:
            known = {"job": job.id, "epoch": job.epoch}
            work.tell(EventKind.WORKER_LOST, job.owner, job.project, **known)
        finish(work, job, Lost(counts=counts))

    @staticmethod
    def _repeat_stops(work: Work, fact: Seen, running: Sequence[Job]) -> None:
        """Say again what a session has not heard: a cancel, or that the house is halted."""
        for job in running:
            if (job.id, job.epoch) not in fact.working:
                continue
            if job.cancel_requested_at:
                work.stops.append((fact.session, job.id, job.epoch, "cancel"))
            elif work.shard.halted_at:
                work.stops.append((fact.session, job.id, job.epoch, "halt"))

    def _after_commit(self, facts: Sequence[Fact], wake: Wake, running: list[Job]) -> None:
        self._next_at = wake.next_at
        for fact in facts:
            self.roster.learn(fact)
        self.roster.forget(running)
        sent = [(o.job, o.epoch) for orders in wake.orders.values() for o in orders]
        self.roster.sent(sent)
        if self._recovering:
            self._recovering = False
            wake.probes = self.probes(running, set(wake.orders))

    def probes(self, running: Iterable[Job], except_for: set[str]) -> list[tuple[str, int]]:
        """Give the sessions to ask what they have, each with the number of the question."""
        owners = sorted({job.owner for job in running} - except_for)
        number = self.roster.ask()
        return [(owner, number) for owner in owners]

    def owners_to_probe(self) -> list[tuple[str, int]]:
        """Give a question for every session that should be running something."""
        running = self.store.read(lambda tables: tables.holding())
        return self.probes([job for job in running if job.state is JobState.RUNNING], set())


def _next_look(due: int | None, moment: Moment, *, hurry: bool) -> int | None:
    """When to look at the timers again.

    What still seems due after everything due was freed lives on the clock that is behind; until
    that clock comes, looking without a pause would keep the disk busy for as long as they differ.
    """
    latest = max(moment.steady, moment.wall)
    if due is None or due > latest or hurry:
        return due
    return latest + us(_SKEWED_S)


def _may_move(fact: Fact) -> bool:
    """Whether a fact can change a row; what cannot is only learnt by the roster."""
    match fact:
        case Answered(_, _, refused):
            return bool(refused)
        case Unanswered():
            return False
        case Seen() | Gone():
            return True


def _by_session(claimed: Iterable[Taken]) -> dict[str, list[Order]]:
    orders: dict[str, list[Order]] = {}
    for taken in claimed:
        orders.setdefault(taken.job.owner, []).append(taken.order)
    return orders
