"""When things break: crashes of every kind, jumps of the wall clock, and the owner's whims."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.moments import us
from tests.simulation.client import Client
from tests.simulation.crew import Sessions
from tests.simulation.office import Office
from tests.simulation.world import World

JUMPS_S = (-86_400, -3_600, -30, 5, 1_200, 86_400)
HOW_SESSIONS_DIE = ("restart", "restart", "gone", "zombie")


class Chaos:
    """Spreads one seed's faults and requests over its stormy time."""

    def __init__(self, world: World, office: Office, crew: Sessions, client: Client) -> None:
        self.world = world
        self.office = office
        self.crew = crew
        self.client = client

    def plan(self, storm_s: float) -> None:
        """Book everything that will happen."""
        rng = self.world.rng
        self._book(storm_s, rng.randint(2, 4), lambda: self.office.crash(ghost=False))
        self._book(storm_s, rng.randint(1, 2), lambda: self.office.crash(ghost=True))
        self._book(storm_s, rng.randint(3, 6), self.session_crash)
        self._book(storm_s, rng.randint(1, 4), self.throttle)
        self._book(storm_s, rng.randint(0, 1), self.house_crash)
        self._book(storm_s, rng.randint(0, 3), self.jump)
        self._book(storm_s, rng.randint(0, 2), self.partition)
        self._book(storm_s, rng.choice((0, 0, 1)), self.office.prune)
        self._book(storm_s, 2, self.office.sweep)
        self._book(storm_s, rng.randint(2, 4), self.client.cancel)
        self._book(storm_s, rng.randint(0, 2), self.client.retry)
        self._book(storm_s, rng.randint(2, 5), self.client.signal)
        self._book(storm_s, rng.randint(3, 8), self.client.answer)
        self._book(storm_s, rng.randint(1, 3), self.client.submit_again)
        self._book(storm_s, 1, self.client.change_mind)
        self._book(storm_s, 1, self.client.retire)
        self._book(storm_s, rng.choice((0, 0, 1)), self.office.drain)
        for name in rng.choice((("halt", "resume"), ("pause", "resume"), ())):
            self._book(storm_s, 1, self._switch(name))

    def _switch(self, name: str) -> Callable[[], None]:
        return lambda: self.client.switch(name)

    def _book(self, storm_s: float, times: int, act: Callable[[], None]) -> None:
        for _ in range(times):
            self.world.after(self.world.rng.uniform(0, storm_s), act)

    def session_crash(self) -> None:
        """Some session dies; a busy one rather than an idle one."""
        hosts = self.crew.hosts.values()
        names: Sequence[str] = [h.name for h in hosts if h.processes] or [h.name for h in hosts]
        if names:
            how = self.world.rng.choice(HOW_SESSIONS_DIE)
            self.crew.crash(self.world.rng.choice(names), how)

    def throttle(self) -> None:
        """Every model of some order is closed for a while, in one case already past."""
        running = [(host.name, *key) for host in self.crew.hosts.values() for key in host.processes]
        if running:
            until = self.world.moment().wall + us(self.world.rng.uniform(-1, 20))
            self.crew.throttle(*self.world.rng.choice(running), until)

    def house_crash(self) -> None:
        """Everything dies at once; the store remains."""
        for name in list(self.crew.hosts):
            self.crew.crash(name, "gone")
        self.office.crash()

    def partition(self) -> None:
        """For a while nobody hears anybody."""
        self.world.cut(self.world.rng.uniform(0.5, 5))

    def late_halt(self, storm_s: float) -> None:
        """The owner halts the house, with a long job in it, just before the network is cut."""
        self.world.after(storm_s - 10, self.client.submit, self.client.workload.marathon())
        self.world.after(storm_s - 1.5, lambda: self.client.switch("halt", once=True))
        self.world.after(storm_s - 1.499, self.world.cut, 1.499)

    def jump(self) -> None:
        """Somebody sets the wall clock; the dispatcher's nap ends a while later."""
        self.world.jump(self.world.rng.choice(JUMPS_S))
        self.world.after(self.world.rng.uniform(0, 5), self.office.poke)
