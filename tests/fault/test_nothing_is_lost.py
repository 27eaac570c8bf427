"""Kill every kind of process at random moments of a running load: nothing is lost or doubled.

A short round runs with all tests. HELIOGRAPH_FAULT_ROUNDS=20 (or `make fault ROUNDS=20`) kills
each kind so many times in a random order; HELIOGRAPH_FAULT_SEED repeats an order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from time import time_ns

import pytest

from store.config import load_settings
from tests.fault.effects import EffectLog
from tests.fault.house import House, short_dir
from tests.fault.load import Load
from tests.fault.wreck import Wreck

pytestmark = pytest.mark.fault

SEED = int(os.environ.get("HELIOGRAPH_FAULT_SEED") or time_ns() % 10**6)
ROUNDS = int(os.environ.get("HELIOGRAPH_FAULT_ROUNDS") or 1)
SETTINGS = """
house = {slots = 6, drain_s = 5}
store = {sweep_s = 5}
clocks = {kill_grace_s = 0.5}  # every fifth job leaves a child that ignores SIGTERM
"""
CLIENTS = 2
# Within how many seconds all jobs are under way again, and the API takes more.
BOUNDS = {
    "dispatcher": (10, 10), "session": (10, 10), "keeper": (10, 10), "agent": (10, 10),
    "hub": (10, 10), "router": (10, 10), "warden": (10, 10), "replica": (10, 20), "proxy": (10, 20),
    "controller": (10, 20), "head": (60, 60),
}  # fmt: skip


def rounds() -> list[str]:
    """Every kind once in the order of the table; then in random orders, and by twos at once."""
    order, kinds = Random(SEED), [*BOUNDS]
    for _ in range(ROUNDS - 1):
        twos = ["+".join(order.sample([*BOUNDS], 2)) for _ in range(3)]
        kinds += order.sample([*BOUNDS, *twos], len(BOUNDS) + len(twos))
    return kinds


def bounds(kind: str) -> tuple[int, int]:
    """Give the bounds of the slowest of the kinds."""
    jobs_s, doors_s = zip(*(BOUNDS[one] for one in kind.split("+")), strict=True)
    return max(jobs_s), max(doors_s)


@pytest.fixture(scope="module")
def wreck() -> Iterator[Wreck]:
    rng = Random(SEED)
    with short_dir() as directory, House(directory / "home", settings=SETTINGS) as house:
        shared = [directory / name for name in ("one", "two", "three")]
        for one in shared:
            one.mkdir()
        effects = EffectLog(directory / "effects.log")
        settings = load_settings(house.home)
        with Load(house.home, effects, [str(one) for one in shared], rng, CLIENTS) as load:
            wreck = Wreck(house, load, effects, settings, rng)
            yield wreck
        print(f"\nseed {SEED}", *wreck.strikes, sep="\n")


@pytest.mark.parametrize("kind", rounds())
def test_after_a_kill_all_jobs_go_on_and_every_invariant_holds(wreck: Wreck, kind: str) -> None:
    wreck.let_work(wreck.rng.uniform(0.5, 2.5))
    wreck.strike(kind, *bounds(kind))
    assert wreck.judge() == []


def test_in_the_end_every_job_is_at_rest_and_nothing_was_done_twice(wreck: Wreck) -> None:
    wreck.load.stop()
    wreck.load.settle(60)
    assert wreck.judge(rested=True) == []
