"""Invariants 1, 2 and 11: what was acknowledged is there, nothing is lost, nothing is doubled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from engine.jobs import EdgeKind, Job, JobKind, JobState, Reason
from engine.moments import Moment
from engine.settle import freed_by_time
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log


def acked_is_durable(case: Evidence, log: Log) -> Iterator[Violation]:
    """1: every id, answer, signal and cancel that a client was told of is in the store."""
    jobs = case.snapshot.jobs
    for op in case.acked("submit", "pipeline", "retry"):
        for job_id in op.answer.get("ids", ()):
            if job_id not in jobs and job_id not in log.pruned:
                yield Violation("1 durable", job_id, f"acknowledged by {op.name}, and gone")
    signals = {row.id for row in case.snapshot.signals}
    for op in case.acked("signal"):
        key = f"{op.body['id']}:{op.body['name']}"
        if key not in signals and op.body["id"] not in log.pruned:
            yield Violation("1 durable", key, "an acknowledged signal is gone")


def nothing_is_lost(case: Evidence, log: Log) -> Iterator[Violation]:
    """2: after a fair drain each job is at rest, or waits for something that has not come."""
    if not case.rested:
        return
    rules = _Rest(case)
    for job in case.snapshot.jobs.values():
        if not job.state.terminal and not rules.justified(job):
            yield Violation("2 not lost", job.id, f"{job.name} is {job.state} ({job.reason})")
    for job_id in log.of:
        if job_id not in case.snapshot.jobs and job_id not in log.pruned:
            yield Violation("2 not lost", job_id, "the log knows it, the table does not")


class _Rest:
    """Whether a job that is not at rest has a reason that is still true."""

    def __init__(self, case: Evidence) -> None:
        self.jobs = case.snapshot.jobs
        self.moment = Moment(*case.now)
        self.signals = {row.id for row in case.snapshot.signals}
        self.open = {row.id for row in case.snapshot.decisions if row.state == "open"}
        self.parents: dict[str, list[tuple[str, EdgeKind]]] = defaultdict(list)
        for edge in case.snapshot.edges:
            self.parents[edge.child].append((edge.parent, edge.kind))
        self.held = Counter(job.worker_key for job in self.jobs.values() if job.holding)

    def justified(self, job: Job) -> bool:
        match job.state:
            case JobState.WAITING:
                return self._waits(job)
            case JobState.DELAYED:
                return not freed_by_time(job, self.moment)
            case JobState.BLOCKED if job.reason in (Reason.DIRECTORY, Reason.POOL):
                return self.held[job.worker_key] > 0
            case JobState.BLOCKED:
                return any(not self.jobs[parent].state.terminal for parent in self._needs(job))
            case _:
                return False

    def _needs(self, job: Job) -> list[str]:
        members = job.kind is JobKind.GROUP and job.reason is not Reason.DEPENDENCY
        return [
            parent
            for parent, kind in self.parents[job.id]
            if (kind is EdgeKind.MEMBER) == members and parent in self.jobs
        ]

    def _waits(self, job: Job) -> bool:
        awaits = job.awaits or {}
        if freed_by_time(job, self.moment):
            return False
        if "signal" in awaits:
            return f"{job.id}:{awaits['signal']}" not in self.signals
        return awaits.get("decision") in self.open


def submit_is_idempotent(case: Evidence, _: Log) -> Iterator[Violation]:
    """11: one key gives one set of ids, however often and in whatever order it came."""
    given: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for op in case.acked("submit"):
        if op.key:
            given[op.key].add(tuple(op.answer["ids"]))
    for key, answers in given.items():
        if len(answers) > 1:
            yield Violation("11 idempotent", key, f"one key gave {sorted(answers)}")
    stored = {row.key: tuple(row.ids) for row in case.snapshot.keys}
    for key, answers in given.items():
        if stored.get(key) not in answers:
            yield Violation("11 idempotent", key, "the store remembers other ids for the key")
    named = Counter(
        job.name
        for job in case.snapshot.jobs.values()
        if job.name.startswith("unique-") and not job.retry_of
    )
    for name, count in named.items():
        if count > 1:
            yield Violation("11 idempotent", name, f"submitted once and stored {count} times")
