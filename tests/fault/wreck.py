"""Kill one process of a house under load, and watch the house come back.

`strike` kills, waits until every job that clients were told of is under way or at rest again and
the API takes more, and has the clients' history, the store and the effect log judged by every
invariant.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from time import monotonic, process_time, time_ns
from typing import Any

import psutil

from engine.jobs import Job, JobState, Reason
from engine.moments import Moment
from engine.settings import Settings
from engine.settle import freed_by_time
from tests.checks import Violation, check_all, evidence_of_home
from tests.checks.house import read_jobs
from tests.fault.effects import EffectLog, living_runs
from tests.fault.house import House, eventually
from tests.fault.load import Load, Wish, connect

HEADS = ("gcs", "raylet", "head")
DOORS = frozenset({"replica", "proxy", "controller"})
_YARDSTICK_S = 0.2
_BOTH = 0.5  # how often a guard dies together with its keeper


@dataclass(slots=True)
class Strike:
    """One kill: what, and the seconds until all jobs were under way and until the API took more."""

    kind: str
    owed: frozenset[str]
    canaries: frozenset[str] = frozenset()
    began: float = field(default_factory=monotonic)
    jobs_s: float = 0.0
    doors_s: float = 0.0
    slowness: float = 1.0

    def __str__(self) -> str:
        times = f"jobs {self.jobs_s:5.1f} s  doors {self.doors_s:5.1f} s"
        return f"{self.kind:<21} {times}  slowed {self.slowness:4.1f}x  known {len(self.owed):5d}"


def how_slow() -> float:
    """Measure how many times longer work takes here than on a machine with a core to spare.

    The bounds are promises of a house that has its two cores; the tests often share them.
    """
    began, until = monotonic(), process_time() + _YARDSTICK_S
    while process_time() < until:
        pass
    return max(1.0, (monotonic() - began) / _YARDSTICK_S)


class Wreck:
    """A house, the load on it, and the hand that kills."""

    def __init__(
        self, house: House, load: Load, effects: EffectLog, settings: Settings, rng: Random
    ) -> None:
        self.house = house
        self.load = load
        self.strikes: list[Strike] = []
        self._effects = effects
        self._settings = settings
        self.rng = rng

    def let_work(self, seconds: float) -> None:
        """Let the load go on for a while, and until a process works for it.

        Before anything is hurt, every directory and every slot gets its worker.
        """
        if not self.strikes:
            more = [self.load.effect(cwd="", lane="P0") for _ in range(self._settings.house.slots)]
            first, wish = Strike("nothing", frozenset()), self._canaries(*more)
            eventually(lambda: self._is_back(first, wish), 120, "the first jobs are done")
        threading.Event().wait(seconds)
        eventually(lambda: self._victims("agent"), 30, "a job that runs")

    def strike(self, kind: str, jobs_within_s: float, doors_within_s: float) -> Strike:
        """Kill a process of that kind (or of "one+another"), and see everything come back."""
        slowness = how_slow()
        strike = Strike(kind, frozenset(self.load.acked))
        eventually(lambda: self._kill(kind), 20, f"a {kind} is killed")
        strike.began = monotonic()
        wish = self._canaries()
        back, longest_s = f"back after a dead {kind}", max(jobs_within_s, doors_within_s)
        eventually(lambda: self._is_back(strike, wish), longest_s * slowness * 3, back)
        strike.slowness = max(slowness, how_slow())
        self.strikes.append(strike)
        assert strike.jobs_s <= jobs_within_s * strike.slowness, strike
        assert strike.doors_s <= doors_within_s * strike.slowness, strike
        return strike

    def _canaries(self, *more: Mapping[str, Any]) -> Wish:
        body = {"jobs": [*self.load.canaries(), *more]}
        return Wish("submit", "job.submit", body, f"canaries-{time_ns()}")

    def _is_back(self, strike: Strike, wish: Wish) -> bool:
        """Look once; a canary sings in every shared directory before the jobs count as well."""
        if not strike.doors_s:
            client = connect(self.house.home, answer_s=1.0)
            told = self.load.send(client, wish)
            client.close()
            if told.how == "ok":
                strike.doors_s = monotonic() - strike.began
                strike.canaries = frozenset(told.answer["ids"])
        proven = DOORS.issuperset(strike.kind.split("+")) or self._have_sung(strike.canaries)
        if not strike.jobs_s and proven and not self.stranded(strike.owed):
            strike.jobs_s = monotonic() - strike.began
        return bool(strike.doors_s and strike.jobs_s and self._have_sung(strike.canaries))

    def _have_sung(self, canaries: Collection[str]) -> bool:
        jobs = read_jobs(self.house.home.store)
        return bool(canaries) and all(jobs[one].state.terminal for one in canaries)

    def stranded(self, owed: Collection[str]) -> list[str]:
        """Name the acknowledged jobs that are neither at rest, nor under way, nor rightly wait."""
        jobs = read_jobs(self.house.home.store)
        living = living_runs()
        now = Moment(time_ns() // 1000, time_ns() // 1000)
        held = {job.worker_key for job in jobs.values() if job.holding}
        busy = sum((job.id, job.epoch) in living for job in jobs.values() if _runs(job))
        crowded = busy >= self._settings.house.slots // 2

        def is_well(job: Job) -> bool:
            match job.state:
                case JobState.RUNNING:
                    return (job.id, job.epoch) in living
                case JobState.READY:
                    return crowded
                case JobState.DELAYED:
                    return not freed_by_time(job, now)
                case JobState.BLOCKED if job.reason in (Reason.DIRECTORY, Reason.POOL):
                    return job.worker_key in held
                case _:
                    return True

        lost = [f"{one} is gone" for one in owed if one not in jobs]
        return lost + [
            f"{job.id} {job.state} {job.reason} epoch {job.epoch}"
            for one in owed
            if (job := jobs.get(one)) and not is_well(job)
        ]

    def _kill(self, kind: str) -> bool:
        try:
            doomed = [one for single in kind.split("+") for one in self._victims(single)]
            for one in doomed:
                one.kill()
        except psutil.NoSuchProcess:  # it ended by itself, a moment too early
            return False
        psutil.wait_procs(doomed, 10)
        return bool(doomed)

    def _victims(self, kind: str) -> list[psutil.Process]:
        """Choose at random: any session, a job's any process, any of the head's."""
        if kind == "agent":
            pids = [one.pid for runs in living_runs().values() for one in runs]
            pids = [pid for pid in pids if self._is_ours(pid)]
        elif kind == "head":
            pids = [pid for name in HEADS for pid in self.house.pids()[name]]
        else:
            pids = self.house.pids()[kind]
        with contextlib.suppress(psutil.NoSuchProcess):
            chosen = [psutil.Process(self.rng.choice(pids))] if pids else []
            if kind == "keeper" and self.rng.random() < _BOTH:
                chosen += [one for one in chosen[0].children() if one.pid in pids]
            return chosen
        return []

    def _is_ours(self, pid: int) -> bool:
        return pid in {one.pid for one in self.house.look()}

    def judge(self, *, rested: bool = False) -> list[Violation]:
        """Let the evidence be judged; clients hold still meanwhile, jobs do not."""
        with self.load.held():
            root, ops = self.house.home.root, tuple(self.load.ops)
            seen = evidence_of_home(root, ops, rested=rested, settings=self._settings)
        # Runs are read after the rows: whatever the rows tell of has begun by then.
        runs, trouble = self._effects.executions(), self._effects.trouble()
        return check_all(replace(seen, executions=runs, trouble=trouble))


def _runs(job: Job) -> bool:
    return job.state is JobState.RUNNING
