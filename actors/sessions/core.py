"""The session as a state machine: facts go in with the time, effects come out.

It knows no asyncio, no process, no file and no clock. An order is in one of four places:

    mailbox ──Spawn──> running ──ended──> outbox ──acknowledged──> forgotten
       └──────────────stop───────────────────^

Rules, each with a test:
- Every order that was accepted gets exactly one outcome; nothing accepted is dropped.
- Orders are known by (job, epoch). The same one again is accepted and changes nothing, also long
  after its end; a lower epoch is refused; a higher one first ends the lower.
- At most `capacity` orders run, never two epochs of one job.
- An order waiting in the mailbox goes back unharmed when it is stopped.
- A stop may overtake its start (two calls, one network): it is remembered, and the order then
  ends without having run.

What a stopped order's outcome is. The first fact to reach the core wins here, and the fence wins
at the dispatcher. If the end came before the stop, the stop changes nothing: the outcome is on its
way, and what a cancelled job does with a result is the dispatcher's rule. If the stop came
first, a cancel makes it Cancelled whatever the process did meanwhile, because nobody wants its
result any more. After any softer reason the work's own end counts if it came before the first
signal (`Ending.by_itself`), since to repeat finished work would double its effects; otherwise the
reason decides. An exit code after a signal proves nothing: programs exit 0 on SIGTERM. A throttled
order has failed by a rate limit whose end is known, so its job is delayed until then; most clients
give up by themselves when they are refused, so a failure of their own is no other one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from actors.sessions.clocks import Clocks
from actors.sessions.effects import (
    STRENGTH,
    Answer,
    Effect,
    Ending,
    Refusal,
    Spawn,
    Stop,
    Tell,
    Why,
)
from actors.sessions.outbox import Outbox
from engine.failures import Failure
from engine.messages import Order, Report, ReportKind
from engine.outcomes import Cancelled, Drained, Failed, Lost, Outcome, Preempted, to_wire

V = TypeVar("V")

REMEMBERED = 4096  # jobs whose last epoch is kept to recognise a repeated call
_NONE = -1  # below every epoch
_UNWANTED = Cancelled()
_SUPERSEDED = "A newer epoch of the job arrived."


@dataclass(slots=True)
class _Run:
    """An order that has its slot, and what is known of it."""

    order: Order
    clocks: Clocks
    told: float  # when progress was last reported
    nbytes: int = 0
    untold: bool = False
    why: Why | None = None
    hastened: bool = False  # a halt has taken its grace away
    stuck: Failure | None = None
    throttled: Failure | None = None


class SessionCore:
    """One session's orders. Every method takes the time that it needs and returns effects."""

    def __init__(
        self,
        incarnation: str,
        *,
        prefetch: int = 1,
        capacity: int = 1,
        progress_every_s: float = 30.0,
    ) -> None:
        self.incarnation = incarnation
        self.outbox = Outbox()
        self._prefetch = prefetch
        self._capacity = capacity
        self._progress_every_s = progress_every_s
        self._queue: deque[Order] = deque()
        self._running: dict[tuple[str, int], _Run] = {}
        self._epochs: dict[str, int] = {}
        self._early_stops: dict[str, tuple[int, Outcome]] = {}
        self._closed: Why | None = None

    # -- what the dispatcher asks -------------------------------------------------------------

    def start(self, orders: Iterable[Order], now: int, mono: float) -> tuple[Answer, list[Effect]]:
        """Take orders at once; a full or closed session refuses, and says why."""
        accepted: list[tuple[str, int]] = []
        refused: list[Refusal] = []
        effects: list[Effect] = []
        for order in orders:
            reason = self._objection(order)
            if reason:
                refused.append(Refusal(order.job, order.epoch, reason))
                continue
            accepted.append((order.job, order.epoch))
            if self._epochs.get(order.job) != order.epoch:
                effects += self._admit(order, now)
        effects += self._fill(mono)
        return Answer(tuple(accepted), tuple(refused)), effects

    def stop(self, job: str, epoch: int, why: Why, now: int) -> list[Effect]:
        """End an order for a reason from outside; a stop of what is over changes nothing."""
        run = self._running.get((job, epoch))
        if run is not None:
            return self._press(run, why)
        return self._turn_away(job, epoch, _unharmed(why), now)

    def throttle(self, job: str, epoch: int, closed: Failure, now: int) -> list[Effect]:
        """End an order that no model will answer for a while; `closed` says until when.

        The newest word about that time counts.
        """
        run = self._running.get((job, epoch))
        if run is None:
            return self._turn_away(job, epoch, Failed(closed), now)
        run.throttled = closed
        return self._press(run, Why.THROTTLE)

    def close(self, why: Why, now: int) -> list[Effect]:
        """Take no more orders and end all that are here."""
        self._closed = why
        queued = [(order.job, order.epoch) for order in self._queue]
        effects: list[Effect] = []
        for job, epoch in [*queued, *self._running]:
            effects += self.stop(job, epoch, why, now)
        return effects

    def status(self) -> dict[str, Any]:
        """Say which orders are where, in the shape of `engine.ports.SessionFace`."""
        return {
            "incarnation": self.incarnation,
            "running": [[job, epoch] for job, epoch in self._running],
            "queued": [[order.job, order.epoch] for order in self._queue],
            "unreported": [[job, epoch] for job, epoch in self.outbox.outcomes()],
        }

    # -- what the shell observes --------------------------------------------------------------

    def started(self, job: str, epoch: int, pid: int, now: int) -> list[Effect]:
        """Note that the order's process runs."""
        if (job, epoch) not in self._running:
            return []
        return [self._add(job, epoch, ReportKind.STARTED, now, {"pid": pid})]

    def output(self, job: str, epoch: int, nbytes: int, now: int, mono: float) -> list[Effect]:
        """Note a sign of life; it is reported at most once in `progress_every_s`."""
        run = self._running.get((job, epoch))
        if run is None:
            return []
        run.clocks.heard = mono
        run.nbytes += nbytes
        run.untold = True
        return self._progress(run, now, mono)

    def tool(self, job: str, epoch: int, mono: float, *, is_open: bool) -> None:
        """Note that a tool call began or ended; both are signs of life."""
        run = self._running.get((job, epoch))
        if run is not None:
            run.clocks.heard = mono
            run.clocks.tool = mono if is_open else None

    def ended(self, job: str, epoch: int, ending: Ending, now: int, mono: float) -> list[Effect]:
        """Note that nothing of the order's process tree is left."""
        run = self._running.pop((job, epoch), None)
        if run is None:
            return []
        outcome = _judge(run, ending)
        data = to_wire(outcome)
        if outcome is ending.outcome and ending.turns:
            data["turns"] = [dict(turn) for turn in ending.turns]
        told = self._add(job, epoch, ReportKind.OUTCOME, now, data)
        return [told, *self._fill(mono)]

    def tick(self, now: int, mono: float) -> list[Effect]:
        """Look at the clocks: stop what is stuck, report progress that was held back."""
        effects: list[Effect] = []
        for run in list(self._running.values()):
            if run.why is None and (failure := run.clocks.run_out(run.order, mono)):
                run.stuck = failure
                effects += self._press(run, Why.STUCK)
            effects += self._progress(run, now, mono)
        return effects

    def next_tick(self) -> float | None:
        """When `tick` has something to do, in elapsed seconds; None while nothing is pending."""
        times = []
        for run in self._running.values():
            if run.untold:
                times.append(run.told + self._progress_every_s)
            if run.why is None and (at := run.clocks.deadline(run.order)) is not None:
                times.append(at)
        return min(times, default=None)

    def pending(self, limit: int = 256) -> list[Report]:
        """The oldest reports that are not acknowledged; they stay until they are."""
        return self.outbox.pending(limit)

    def reports_acked(self, count: int) -> None:
        """Forget the oldest `count` reports: the dispatcher has made them durable."""
        self.outbox.acked(count)

    @property
    def idle(self) -> bool:
        """Whether no order is here and no report is owed."""
        return not (self._running or self._queue or self.outbox)

    # -- inside -------------------------------------------------------------------------------

    def _objection(self, order: Order) -> str:
        known = self._epochs.get(order.job, _NONE)
        if order.epoch == known:
            return ""
        if order.epoch < known:
            return "stale"
        if self._closed is not None:
            return "closing"
        here = [*self._queue, *(run.order for run in self._running.values())]
        others = sum(1 for known_order in here if known_order.job != order.job)
        return "full" if others >= self._capacity + self._prefetch else ""

    def _admit(self, order: Order, now: int) -> list[Effect]:
        effects = self._supersede(order, now)
        _remember(self._epochs, order.job, order.epoch, self._is_here)
        epoch, outcome = self._early_stops.pop(order.job, (_NONE, _UNWANTED))
        if epoch == order.epoch:
            effects.append(self._report(order.job, order.epoch, outcome, now))
        else:
            self._queue.append(order)
        return effects

    def _turn_away(self, job: str, epoch: int, outcome: Outcome, now: int) -> list[Effect]:
        """End an order that does not run: in the mailbox now, or when its start comes in."""
        if any(_same(order, job, epoch) for order in self._queue):
            self._queue = deque(o for o in self._queue if not _same(o, job, epoch))
            return [self._report(job, epoch, outcome, now)]
        if epoch > self._epochs.get(job, _NONE):
            _remember(self._early_stops, job, (epoch, outcome), lambda _: False)
        return []

    def _supersede(self, order: Order, now: int) -> list[Effect]:
        effects: list[Effect] = []
        for old in [o for o in self._queue if o.job == order.job]:
            effects += self.stop(old.job, old.epoch, Why.SUPERSEDED, now)
        for run in [r for r in self._running.values() if r.order.job == order.job]:
            effects += self._press(run, Why.SUPERSEDED)
        return effects

    def _fill(self, mono: float) -> list[Effect]:
        effects: list[Effect] = []
        while len(self._running) < self._capacity and (order := self._next()):
            clocks = Clocks(began=mono, heard=mono)
            self._running[order.job, order.epoch] = _Run(order, clocks, told=mono)
            effects.append(Spawn(order))
        return effects

    def _next(self) -> Order | None:
        busy = {job for job, _ in self._running}
        order = next((o for o in self._queue if o.job not in busy), None)
        if order is not None:
            self._queue.remove(order)
        return order

    def _press(self, run: _Run, why: Why) -> list[Effect]:
        """Note the reason if it is the strongest yet; a halt hastens the end in any case."""
        stronger = run.why is None or STRENGTH[why] > STRENGTH[run.why]
        hastens = why is Why.HALT and not run.hastened
        if stronger:
            run.why = why
        run.hastened = run.hastened or hastens
        return [Stop(run.order.job, run.order.epoch, why)] if stronger or hastens else []

    def _progress(self, run: _Run, now: int, mono: float) -> list[Effect]:
        if not run.untold or mono - run.told < self._progress_every_s:
            return []
        run.told, run.untold = mono, False
        data = {"bytes": run.nbytes}
        return [self._add(run.order.job, run.order.epoch, ReportKind.PROGRESS, now, data)]

    def _report(self, job: str, epoch: int, outcome: Outcome, now: int) -> Tell:
        return self._add(job, epoch, ReportKind.OUTCOME, now, to_wire(outcome))

    def _add(self, job: str, epoch: int, kind: ReportKind, now: int, data: dict[str, Any]) -> Tell:
        report = Report(job=job, epoch=epoch, kind=kind, at=now, data=data)
        self.outbox.add(report)
        return Tell((report,))

    def _is_here(self, job: str) -> bool:
        return any(j == job for j, _ in self._running) or any(o.job == job for o in self._queue)


def _same(order: Order, job: str, epoch: int) -> bool:
    return order.job == job and order.epoch == epoch


def _unharmed(why: Why) -> Outcome:
    """Give the outcome of an order that a stop kept from running."""
    match why:
        case Why.CANCEL:
            return Cancelled()
        case Why.PREEMPT:
            return Preempted()
        case Why.DRAIN | Why.HALT:
            return Drained()
        case Why.STUCK | Why.THROTTLE | Why.SUPERSEDED:
            return Lost(counts=False, message=_SUPERSEDED)


def _judge(run: _Run, ending: Ending) -> Outcome:
    """Decide between what the work gave and why it was stopped; see the module's rule."""
    refused = run.why is Why.THROTTLE and isinstance(ending.outcome, Failed)
    if run.why is None or (ending.by_itself and run.why is not Why.CANCEL and not refused):
        return ending.outcome
    known = {Why.STUCK: run.stuck, Why.THROTTLE: run.throttled}.get(run.why)
    if known is not None:
        return Failed(known, getattr(ending.outcome, "result", None))
    return _unharmed(run.why)


def _remember(table: dict[str, V], job: str, value: V, in_use: Callable[[str], bool]) -> None:
    """Set a bounded table's entry as its newest; the oldest that nobody uses goes."""
    table.pop(job, None)
    table[job] = value
    if len(table) > REMEMBERED:
        del table[next(old for old in table if old != job and not in_use(old))]


def answer_to_wire(incarnation: str, answer: Answer) -> dict[str, Any]:
    """Give the JSON object that `SessionFace.start` returns."""
    return {
        "incarnation": incarnation,
        "accepted": [list(pair) for pair in answer.accepted],
        "refused": [[r.job, r.epoch, r.reason] for r in answer.refused],
    }


def reports_to_wire(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """Give the JSON objects that `ReportDesk.report` takes."""
    return [report.to_wire() for report in reports]
