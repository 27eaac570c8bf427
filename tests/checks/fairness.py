"""Invariant 8: no lane starves, judged from the log alone.

Between two services of a lane, each other lane gets at most floor(w_other / w_lane) + 1 of the
dispatches that the lane could have had (`engine.lanes`). Inside a transaction the order of
dispatches is not told, so only those are counted that it certainly could have had: it had an
eligible job before the transaction and still has one after it, and no cap stood in its way even
then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.jobs import Job, JobState, Lane
from engine.lanes import background_slots
from engine.pools import capacity
from engine.settings import Settings
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log


def no_lane_starves(case: Evidence, log: Log) -> Iterator[Violation]:
    """8: the bound of the stride scheduler holds between every two lanes."""
    house = _House(case.settings)
    passed: dict[Lane, Counter[Lane]] = {lane: Counter() for lane in Lane}
    weights = case.settings.lanes.weights
    for steps in log.transactions():
        waited = house.waiting()
        for step in steps:
            house.move(step.before, step.after)
        served = Counter(Lane(step.after.lane) for step in steps if step.claims)
        if not served:
            continue
        still = waited & house.waiting()
        for lane in Lane:
            if lane in served:
                passed[lane].clear()
            elif lane in still and house.lets_through(lane):
                passed[lane].update(served)
        for lane, others in passed.items():
            for other, count in others.items():
                bound = weights[other] // weights[lane] + 1
                if count > bound:
                    told = f"{other.name} was served {count} times while {lane.name} waited"
                    yield Violation("8 fair", lane.name, f"{told} (at most {bound})")
                    others[other] = -bound


class _House:
    """Who is ready, who holds what, and who runs, as the log goes on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ready: dict[str, Job] = {}
        self.held: Counter[str] = Counter()
        self.running = [0] * len(Lane)

    def move(self, before: Job | None, after: Job) -> None:
        """Take in one step."""
        if before is not None:
            self.held[before.worker_key] -= before.holding
            self.running[before.lane] -= before.state is JobState.RUNNING
        self.held[after.worker_key] += after.holding
        self.running[after.lane] += after.state is JobState.RUNNING
        self.ready.pop(after.id, None)
        if after.state is JobState.READY:
            self.ready[after.id] = after

    def waiting(self) -> frozenset[Lane]:
        """The lanes with a job that could start now."""
        return frozenset(Lane(job.lane) for job in self.ready.values() if self._free(job))

    def _free(self, job: Job) -> bool:
        room = capacity(job.worker_key, self.settings)
        return room is None or job.holding or self.held[job.worker_key] < room

    def lets_through(self, lane: Lane) -> bool:
        """Whether no cap stands in the lane's way with all that runs now."""
        slots = self.settings.house.slots
        if slots < self.settings.lanes.caps_from_slots:
            return True
        if lane >= Lane.P2 and sum(self.running[Lane.P2 :]) >= slots - 1:
            return False
        background = sum(self.running[Lane.P3 :])
        return lane < Lane.P3 or background < background_slots(slots, self.settings.lanes)
