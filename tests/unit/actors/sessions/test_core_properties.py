"""Whatever order facts come in: nothing accepted is lost, nothing is told or run twice."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from actors.sessions.core import SessionCore
from actors.sessions.effects import Effect, Ending, Spawn, Stop, Tell, Why
from engine.failures import Cause, Failure
from engine.jobs import Result
from engine.messages import Order, Report, ReportKind
from engine.outcomes import Cancelled, Done, from_wire

JOBS = st.sampled_from("abcd")
EPOCHS = st.integers(1, 5)
Key = tuple[str, int]


class World(RuleBasedStateMachine):
    """Plays dispatcher, shell and time against one core, and keeps its own books."""

    @initialize(capacity=st.integers(1, 3), prefetch=st.integers(0, 3))
    def begin(self, capacity: int, prefetch: int) -> None:
        self.capacity = capacity
        self.core = SessionCore("i", capacity=capacity, prefetch=prefetch, progress_every_s=5.0)
        self.mono = 0.0
        self.accepted: set[Key] = set()
        self.live: set[Key] = set()
        self.spawned: set[Key] = set()
        self.stopping: dict[Key, Why] = {}
        self.delivered: list[Report] = []

    def carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Spawn(order):
                    key = (order.job, order.epoch)
                    assert key not in self.spawned, "an order ran twice"
                    assert order.job not in {job for job, _ in self.live}, "two epochs at once"
                    self.spawned.add(key)
                    self.live.add(key)
                case Stop(job, epoch, why):
                    assert (job, epoch) in self.live, "what does not run was stopped"
                    self.stopping[job, epoch] = why
                case Tell():
                    pass

    @rule(orders=st.lists(st.tuples(JOBS, EPOCHS), min_size=1, max_size=4), limit=st.just(7.0))
    def start(self, orders: list[Key], limit: float) -> None:
        wanted = [Order(job=job, epoch=epoch, silence_s=limit) for job, epoch in orders]
        answer, effects = self.core.start(wanted, 0, self.mono)
        assert len(answer.accepted) + len(answer.refused) == len(orders)
        self.accepted |= set(answer.accepted)
        self.carry_out(effects)

    @rule(job=JOBS, epoch=EPOCHS, why=st.sampled_from([Why.CANCEL, Why.PREEMPT, Why.DRAIN]))
    def stop(self, job: str, epoch: int, why: Why) -> None:
        self.carry_out(self.core.stop(job, epoch, why, 0))

    @rule(job=JOBS, epoch=EPOCHS, until=st.integers(1, 99))
    def throttle(self, job: str, epoch: int, until: int) -> None:
        closed = Failure(cause=Cause.RATE_LIMIT, message="Closed.", retry_at=until)
        self.carry_out(self.core.throttle(job, epoch, closed, 0))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), by_itself=st.booleans())
    def end(self, data: st.DataObject, by_itself: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.live)))
        self.live.remove(key)
        effects = self.core.ended(*key, Ending(Done(Result()), by_itself), 0, self.mono)
        (told,) = effects[0].reports if isinstance(effects[0], Tell) else ()
        if self.stopping.get(key) is Why.CANCEL:
            assert from_wire(dict(told.data)) == Cancelled()
        self.carry_out(effects)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def output(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.live)))
        self.carry_out(self.core.output(*key, 1, 0, self.mono))

    @rule(seconds=st.floats(0, 9))
    def wait(self, seconds: float) -> None:
        self.mono += seconds
        self.carry_out(self.core.tick(0, self.mono))

    @rule(share=st.integers(0, 5))
    def acknowledge(self, share: int) -> None:
        batch = self.core.pending(share)
        self.delivered += batch
        self.core.reports_acked(len(batch))

    @rule()
    def close(self) -> None:
        self.carry_out(self.core.close(Why.DRAIN, 0))

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "core"):
            return
        status = self.core.status()
        running = {(job, epoch) for job, epoch in status["running"]}
        queued = [(job, epoch) for job, epoch in status["queued"]]
        told = [
            (report.job, report.epoch)
            for report in [*self.delivered, *self.core.pending()]
            if report.kind is ReportKind.OUTCOME
        ]
        assert running == self.live
        assert len(running) <= self.capacity
        assert len(told) == len(set(told)), "one order, two outcomes"
        assert self.accepted == running | set(queued) | set(told), "an order was lost"
        assert not running & set(told)
        assert len(queued) == len({job for job, _ in queued})


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
