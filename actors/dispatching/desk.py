"""What a dispatcher has while it is in office: the store, its term, the core and the clocks."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from actors.dispatching.core import Core
from actors.dispatching.steady import SteadyClock
from engine.events import EventKind
from engine.ports import Clock, Tables
from engine.records import Shard
from engine.settings import Settings
from store.artefacts import Artefacts
from store.config import load_settings
from store.home import Home
from store.leftovers import repair
from store.sqlite import SqliteStore
from store.term import begin_term
from store.verbs.control import halt, stop_running
from store.work import Work


@dataclass(slots=True)
class Bureau:
    """An open store and everything that decides over it."""

    store: SqliteStore
    artefacts: Artefacts
    settings: Settings
    core: Core
    clock: SteadyClock
    next_sweep: float = 0.0
    next_status: float = 0.0
    next_clean: float = 0.0

    def until_round(self, mono: float) -> float:
        """Seconds until the next round is due."""
        return max(0.0, min(self.next_sweep, self.next_status) - mono)

    def sweep_due(self, mono: float) -> bool:
        """Whether the safety sweep is due; asking books the next one."""
        if mono < self.next_sweep:
            return False
        self.next_sweep = mono + self.settings.store.sweep_s
        return True

    def clean_due(self, mono: float) -> bool:
        """Whether retention is due; asking books the next round."""
        if mono < self.next_clean:
            return False
        self.next_clean = mono + self.settings.store.prune_every_s
        return True

    def status_due(self, mono: float) -> bool:
        """Whether sessions are to be asked what they have; asking books the next round."""
        if mono < self.next_status:
            return False
        self.next_status = mono + self.settings.sessions.status_every_s
        return True


def open_bureau(home: Home, clock: Clock, rng: Random) -> Bureau:
    """Open the store, and begin a new term.

    Raises:
        HelioError: the store is held by another, is newer, or the settings are wrong.
    """
    settings = load_settings(home)
    store = SqliteStore(home, settings.store, clock)
    try:
        shard = store.read(lambda tables: tables.get(Shard, 0)) or Shard(id=0)
        newest = store.read(_newest_time)
        steady = SteadyClock(clock, shard.anchor, newest)
        term = begin_term(store)
        core = Core(store, settings, term=term, rng=rng)
        artefacts = Artefacts(home.artefacts, settings.store)
        repair(store, artefacts, steady.moment().steady)
    except BaseException:
        store.close()
        raise
    return Bureau(store, artefacts, settings, core, steady)


def _newest_time(tables: Tables) -> int:
    last = tables.last_seq()
    rows = tables.events(last - 1, 1) if last else []
    return rows[0].at if rows else 0


def begin(work: Work, *, halted: bool) -> dict[str, Any]:
    """Tell that a term has begun: the first act of a dispatcher; `halted` begins it halted."""
    if halted:
        halt(work)
    work.tell(EventKind.HOUSE_STARTED, "house", term=work.shard.term)
    return {}


def stop_all(work: Work) -> dict[str, Any]:
    """Ask every session to end what it runs: the last act of a drain."""
    stop_running(work, "drain")
    return {}
