"""One seed from its first submit to its verdict."""

from __future__ import annotations

import hashlib
import traceback
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from engine.jobs import JobKind, JobState
from engine.records import Shard
from engine.settings import HouseSettings, SessionSettings, Settings
from store.memory import MemoryStore
from tests.checks import Evidence, Violation, check_all, snapshot_of
from tests.simulation.chaos import Chaos
from tests.simulation.client import NEVER, Client
from tests.simulation.crew import Sessions
from tests.simulation.office import Office
from tests.simulation.workload import Workload
from tests.simulation.world import World

SECRET = "sim-secret-value-6f2c"
JOBS, GROUPS, CRASHES, STEPS = 30, 3, 5, 200  # what a seed must have at least
_STORM_S = 60.0
_DRAIN_STEPS = 40_000
_HALT_S = 20.0  # a few rounds of questions, and the grace of a kill


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one seed showed."""

    seed: int
    violations: list[Violation]
    jobs: int = 0
    groups: int = 0
    crashes: int = 0
    steps: int = 0
    wakes: int = 0
    trace: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = "\n".join(f"  {violation}" for violation in self.violations[:12])
        again = f"python -m tests.simulation --seed {self.seed} --trace"
        return f"seed {self.seed} fails; see it again: {again}\n{told}"


class Simulation:
    """All the parts of one house, tied together."""

    def __init__(self, seed: int, *, tracing: bool = False) -> None:
        self.seed = seed
        self.world = World(seed, tracing=tracing)
        self.settings = _settings(self.world.rng)
        self.store = MemoryStore()
        self.crew = Sessions(self.world, self.settings)
        self.office = Office(self.world, self.store, self.settings, self.crew)
        self.crew.office = self.office
        self.workload = Workload(self.world.rng)
        self.client = Client(self.world, self.office, self.workload)
        self.chaos = Chaos(self.world, self.office, self.crew, self.client)

    def run(self) -> Verdict:
        """Storm, calm, drain, verdict."""
        try:
            self._storm()
            rested = self._drain()
        except Exception:  # noqa: BLE001  (whatever the product raises here is a finding)
            told = Violation("0 surprise", "core", traceback.format_exc(limit=-6))
            return self._verdict([told])
        evidence = self._evidence(rested=True)
        violations = check_all(evidence)
        if any(job.name == NEVER for job in evidence.snapshot.jobs.values()):
            violations.append(Violation("1 durable", NEVER, "a refused request left its traces"))
        if not rested:
            violations.append(Violation("2 not lost", "house", "it found no rest in the drain"))
        return self._verdict(violations)

    def _storm(self) -> None:
        self.office.boot()
        self.chaos.plan(_STORM_S)
        tasks = groups = 0
        while tasks < JOBS or groups < GROUPS:
            at_s = self.world.rng.uniform(0, _STORM_S * 0.7)
            batch = self.workload.batch()
            self.world.after(at_s, self.client.submit, batch)
            groups += sum(draft.kind is JobKind.GROUP for draft in batch.drafts)
            tasks += sum(draft.kind is not JobKind.GROUP for draft in batch.drafts)
        for _ in range(2):
            self.world.after(self.world.rng.uniform(0, _STORM_S * 0.7), self._schedule)
        if self.world.rng.random() < 0.3:
            self.chaos.late_halt(_STORM_S)
        self.world.run(until_s=_STORM_S)
        self._enough_crashes()

    def _schedule(self) -> None:
        self.client.submit(self.workload.scheduled(self.world.moment().wall))

    def _enough_crashes(self) -> None:
        """A storm that broke too little goes on until it has."""
        while self.office.crashes + self.crew.crashes < CRASHES:
            self.office.boot()
            self.office.crash(ghost=self.world.rng.random() < 0.5)
            self.world.run(until_s=self.world.mono + 4)

    def _drain(self) -> bool:
        """The faults stop; whoever waits gets what it waits for; all must come to rest."""
        self.world.calm = True
        self.world.tell("the faults stop")
        self.office.boot()
        self._see_halt_through()
        self.client.switch("resume")
        for _ in range(40):
            if not self.world.run(steps=_DRAIN_STEPS):
                return False
            if not self.client.settle_up():
                return True
        return False

    def _see_halt_through(self) -> None:
        """In a halted house all that runs must end soon, whatever messages were lost."""
        self.world.run(until_s=self.world.mono + _HALT_S)
        shard = self.store.read(lambda tables: tables.get(Shard, 0))
        if shard is not None and shard.halted_at:
            for job in self.store.read(lambda tables: tables.holding()):
                if job.state is JobState.RUNNING:
                    told = f"{job.id} runs on in a halted house"
                    self.office.trouble.append(("5 halt", told))

    # -- the verdict --------------------------------------------------------------------------
    def _evidence(self, *, rested: bool) -> Evidence:
        snapshot = self.store.read(snapshot_of)
        moment = self.world.moment()
        named = {job.name: job.id for job in snapshot.jobs.values() if not job.retry_of}
        return Evidence(
            snapshot=snapshot,
            settings=self.settings,
            ops=self.client.history,
            executions=list(self.crew.effects.values()),
            rested=rested,
            now=(moment.steady, moment.wall),
            wall_at=self.world.wall_at,
            writers=self.office.writers,
            poisonous=frozenset(named[n] for n in self.workload.poisonous if n in named),
            secrets=[SECRET],
            trouble=self.office.trouble,
        )

    def digest(self) -> str:
        """Run, and give a short sum of all that was stored and told."""
        self.run()
        rows = self.store.read(snapshot_of)
        told = repr((sorted(rows.jobs.items()), rows.events, self.client.history))
        return hashlib.sha256(told.encode()).hexdigest()

    def _verdict(self, violations: list[Violation]) -> Verdict:
        rows = self.store.read(snapshot_of).jobs.values()
        kinds = Counter(job.kind for job in rows) + self.office.pruned
        return Verdict(
            seed=self.seed,
            violations=violations,
            jobs=kinds[JobKind.TASK] + kinds[JobKind.WAIT],
            groups=kinds[JobKind.GROUP],
            crashes=self.office.crashes + self.crew.crashes,
            steps=self.world.steps,
            wakes=self.office.wakes,
            trace=self.world.trace,
        )


def run(seed: int, *, tracing: bool = False) -> Verdict:
    """Run one seed."""
    return Simulation(seed, tracing=tracing).run()


def _settings(rng: Random) -> Settings:
    return Settings(
        house=HouseSettings(slots=rng.choice((1, 2, 3, 5, 8))),
        sessions=SessionSettings(status_every_s=3, ephemeral_idle_s=20, spare=1),
        pools={"llm": 2},
    )
