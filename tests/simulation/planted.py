"""Faults to plant: each takes one guard out of the product, as a patch that a test applies.

A simulation that stays green without the guard would prove nothing. `PLANTED` names for each
fault the patch, and the invariants of which at least one must catch it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import engine.settle
import store.verbs.report
from actors.dispatching.core import Core
from actors.dispatching.facts import Seen
from engine.drafts import Batch
from engine.jobs import EdgeKind, JobKind, JobState, Lane
from engine.lanes import eligible
from engine.messages import Report, ReportKind
from engine.moments import Moment
from engine.records import Decision
from engine.rows import replace
from store.verbs import advance, claim, decisions, queue, submit, timers, turns
from store.work import Work

_REPORTS = "actors.dispatching.core.take_reports"


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault, and who must see it."""

    plant: Callable[[], Any]
    caught_by: frozenset[str]


def no_fence(where: str = _REPORTS) -> Any:
    """A report of any epoch counts for the epoch that runs now."""
    real = store.verbs.report.take_reports

    def faulty(work: Work, reports: Sequence[Report]) -> int:
        known = work.jobs(report.job for report in reports)
        now = [
            replace(report, epoch=known[report.job].epoch) if report.job in known else report
            for report in reports
        ]
        return real(work, now)

    return patch(where, faulty)


def no_term() -> Any:
    """A dispatcher of an old term may write."""
    return patch.object(Work, "_own", staticmethod(lambda shard, _: shard))


def rescue_without_guard() -> Any:
    """A claim that its session does not have goes back, although it has finished meanwhile."""
    real = Core._apply

    def faulty(self: Core, work: Work, fact: Any) -> None:
        real(self, work, fact)
        if isinstance(fact, Seen):
            for worker_job in work.jobs(self.__dict__.setdefault("sent_once", {})).values():
                done = worker_job.state is JobState.SUCCEEDED
                if done and worker_job.owner == fact.session:
                    again = replace(worker_job, state=JobState.READY, finished_at=0)
                    work.put(again)

    return _remembering(faulty)


@contextmanager
def _remembering(faulty: Callable[..., None]) -> Iterator[None]:
    real = Core._after_commit

    def after(self: Core, facts: Any, wake: Any, running: Any) -> None:
        real(self, facts, wake, running)
        sent = self.__dict__.setdefault("sent_once", {})
        sent.update({o.job: None for orders in wake.orders.values() for o in orders})

    with patch.object(Core, "_apply", faulty), patch.object(Core, "_after_commit", after):
        yield


def lost_wake() -> Any:
    """A released directory does not move its queue."""
    return patch.object(queue, "move_released", lambda work: work.released.clear())


def lost_timer() -> Any:
    """A delay that is over is noted and forgotten: the job never enters its queue."""

    def faulty(work: Work, job: Any) -> None:
        if job.state is JobState.DELAYED:
            work.put(replace(job, run_at=0))
        else:
            decisions.expire(work, replace(job, run_at=0))

    return patch.object(timers, "_let_go", faulty)


def lost_cascade() -> Any:
    """The end of a skipped or cancelled parent is not carried on to its children."""
    real = advance._spread

    def faulty(work: Work, edges: Sequence[Any]) -> None:
        quiet = (JobState.SKIPPED, JobState.CANCELLED)
        real(work, [edge for edge in edges if work.job(edge.parent).state not in quiet])

    return patch.object(advance, "_spread", faulty)


def double_resolution() -> Any:
    """A group counts members also after it was decided, and decides again."""
    real = advance.arrive

    def faulty(work: Work, child: Any, incoming: Sequence[Any]) -> None:
        decided = child.kind is JobKind.GROUP and child.state in (
            JobState.SUCCEEDED,
            JobState.FAILED,
        )
        if decided and any(edge.kind is EdgeKind.MEMBER for edge in incoming):
            child = work.put(replace(child, state=JobState.BLOCKED))
        real(work, child, incoming)

    return patch.object(advance, "arrive", faulty)


def spared_losers() -> Any:
    """Whoever loses a race runs on."""
    return patch.object(advance, "_withdraw_losers", lambda work, group: None)


def early_child() -> Any:
    """A child starts when its first parent is at rest."""
    real = advance._needs_ended

    def faulty(work: Work, child: Any, needs: Sequence[Any]) -> Any:
        return real(work, work.put(replace(child, open_deps=len(needs))), needs)

    return patch.object(advance, "_needs_ended", faulty)


def starved_lane() -> Any:
    """Strict priority in place of stride scheduling."""

    def faulty(_: Any, waiting: Any, running: Any, slots: int, settings: Any) -> Lane | None:
        return min(eligible(waiting, running, slots, settings), default=None)

    return patch("store.verbs.claim.pick", faulty)


def cancel_not_final() -> Any:
    """A result that comes after the cancel is taken all the same."""
    real = engine.settle.settle

    def faulty(job: Any, *rest: Any) -> Any:
        return real(replace(job, cancel_requested_at=0), *rest)

    return patch.object(store.verbs.report, "settle", faulty)


def deaf_house() -> Any:
    """A stop is said once, and nobody minds whether it was heard."""
    return patch.object(Core, "_repeat_stops", staticmethod(lambda *_: None))


def result_overwritten(where: str = _REPORTS) -> Any:
    """A late result of an older epoch replaces the accepted one."""
    real = store.verbs.report.take_reports

    def faulty(work: Work, reports: Sequence[Report]) -> int:
        stale = real(work, reports)
        known = work.jobs(report.job for report in reports)
        for report in reports:
            job = known.get(report.job)
            result = report.data.get("result")
            late = report.kind is ReportKind.OUTCOME and job and job.epoch != report.epoch
            if late and result and job.state is JobState.SUCCEEDED:
                work.put(replace(job, result=result))
        return stale

    return patch(where, faulty)


def decision_twice() -> Any:
    """A second tap on a card counts as well."""
    real = decisions._open_decision

    def faulty(work: Work, decision_id: str, version: int | None) -> Any:
        decision = work.record(Decision, decision_id)
        if decision is not None and decision.state == "answered":
            return decision
        return real(work, decision_id, version)

    return patch.object(decisions, "_open_decision", faulty)


def wall_for_steady() -> Any:
    """Delays live on the wall clock."""
    real = timers.freed_by_time

    def faulty(job: Any, moment: Moment) -> bool:
        return real(job, Moment(steady=moment.wall, wall=moment.wall))

    return patch.object(timers, "freed_by_time", faulty)


def forgotten_key() -> Any:
    """A repeated submit is taken for a new one."""
    real = submit.plant

    def faulty(work: Work, batch: Batch) -> Any:
        return submit.Accepted(real(work, batch.drafts), replayed=False)

    return patch("tests.simulation.client.submit", faulty)


@contextmanager
def shared_directory() -> Iterator[None]:
    """A busy directory is given to a second job."""
    with ExitStack() as both:
        for place in (queue, claim):
            both.enter_context(patch.object(place, "capacity", lambda key, settings: None))
        yield


def silent_column() -> Any:
    """The log does not tell all that changed."""
    real = store.work.events.changed

    def faulty(before: Any, after: Any, now: int) -> Any:
        event = real(before, after, now)
        return replace(event, data={k: v for k, v in event.data.items() if k != "failures"})

    return patch.object(store.work.events, "changed", faulty)


def endless_poison() -> Any:
    """Dead workers are not counted."""
    real = engine.settle._lost

    def faulty(job: Any, *rest: Any, **named: Any) -> Any:
        settlement = real(replace(job, reclaims=0), *rest, **named)
        reclaims = job.reclaims + named["counts"]
        return replace(settlement, job=replace(settlement.job, reclaims=reclaims))

    return patch.object(engine.settle, "_lost", faulty)


def silent_repeat() -> Any:
    """A lost job that declared `effects: once` simply runs again."""

    def faulty(job: Any, message: str) -> Any:
        return engine.settle.requeue(job, engine.settle.Reason.LOST)

    return patch.object(engine.settle, "_uncertain", faulty)


def turns_of_anybody() -> Any:
    """What an attempt said is kept whether or not its outcome is accepted."""
    real = store.verbs.report.take_reports

    def faulty(work: Work, reports: Sequence[Report]) -> int:
        for report in reports:
            job = work.jobs([report.job]).get(report.job)
            if job is not None and (told := report.data.get("turns")):
                turns.keep_turns(work, job, told)
        return real(work, reports)

    return patch(_REPORTS, faulty)


def _caught(plant: Callable[[], Any], *invariants: str) -> Planted:
    return Planted(plant, frozenset(invariants))


PLANTED: Mapping[str, Planted] = {
    "no fence": _caught(no_fence, "3 accepted once"),
    "turns of anybody": _caught(turns_of_anybody, "3 turns"),
    "no term": _caught(no_term, "9 one term"),
    "rescue without a guard": _caught(rescue_without_guard, "4 absorbs"),
    "lost wake": _caught(lost_wake, "2 not lost"),
    "lost timer": _caught(lost_timer, "2 not lost"),
    "lost cascade": _caught(lost_cascade, "2 not lost"),
    "double group resolution": _caught(double_resolution, "4 absorbs"),
    "spared losers": _caught(spared_losers, "6 groups"),
    "early child": _caught(early_child, "7 parents first"),
    "starved lane": _caught(starved_lane, "8 fair"),
    "cancel not final": _caught(cancel_not_final, "5 cancel"),
    "deaf house": _caught(deaf_house, "5 halt"),
    "result overwritten": _caught(result_overwritten, "4 absorbs"),
    "decision applied twice": _caught(decision_twice, "10 decisions"),
    "wall for steady": _caught(wall_for_steady, "12 clocks"),
    "forgotten key": _caught(forgotten_key, "11 idempotent"),
    "shared directory": _caught(shared_directory, "9 one lease"),
    "silent column": _caught(silent_column, "18 replay"),
    "endless poison": _caught(endless_poison, "17 poison", "2 not lost"),
    "silent repeat": _caught(silent_repeat, "3 once"),
}
