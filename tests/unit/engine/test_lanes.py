"""Stride scheduling: the bound for every lane, under adversaries, and faults that it catches."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs import Lane
from engine.lanes import StrideState, background_slots, charge, eligible, pick, stride
from engine.settings import LaneSettings

SETTINGS = LaneSettings()
SLOTS = (1, 2, 3, 10, 20)
Pick = Callable[[StrideState, tuple[Lane, ...]], Lane]


def bound(lane: Lane) -> int:
    weight = SETTINGS.weights[lane]
    return math.ceil((63 - weight) / weight) + 5


def ours(state: StrideState, lanes: tuple[Lane, ...]) -> Lane:
    chosen = pick(state, lanes, (0,) * 6, 1, SETTINGS)
    assert chosen is not None
    return chosen


def ties_by_lane_number(state: StrideState, lanes: tuple[Lane, ...]) -> Lane:
    return min(lanes, key=lambda lane: (max(state.passes[lane], state.virtual_time), lane))


def rejoins_with_saved_turns(state: StrideState, lanes: tuple[Lane, ...]) -> Lane:
    return min(lanes, key=lambda lane: (state.passes[lane], lane))


def strict_priority(_: StrideState, lanes: tuple[Lane, ...]) -> Lane:
    return min(lanes)


def charge_without_virtual_time(state: StrideState, lane: Lane) -> StrideState:
    passes = list(state.passes)
    passes[lane] += stride(lane, SETTINGS)
    return StrideState(tuple(passes), 0)


def charge_ours(state: StrideState, lane: Lane) -> StrideState:
    return charge(state, lane, SETTINGS)


@dataclass
class House:
    """Queues and slots without jobs; an adversary moves it, the scheduler dispatches."""

    slots: int
    choose: Pick = ours
    book: Callable[[StrideState, Lane], StrideState] = charge_ours
    state: StrideState = field(default_factory=StrideState)
    queued: list[int] = field(default_factory=lambda: [0] * 6)
    running: list[int] = field(default_factory=lambda: [0] * 6)
    passed_over: list[int] = field(default_factory=lambda: [0] * 6)
    worst: list[int] = field(default_factory=lambda: [0] * 6)

    def dispatch(self) -> Lane | None:
        waiting = tuple(lane for lane in Lane if self.queued[lane])
        lanes = eligible(waiting, self.running, self.slots, SETTINGS)
        if not lanes:
            return None
        chosen = self.choose(self.state, lanes)
        self.state = self.book(self.state, chosen)
        self.queued[chosen] -= 1
        self.running[chosen] += 1
        for lane in lanes:
            self.passed_over[lane] += 1
            self.worst[lane] = max(self.worst[lane], self.passed_over[lane] - (lane is chosen))
        self.passed_over[chosen] = 0
        return chosen

    def finish(self, lane: Lane) -> None:
        self.running[lane] = max(0, self.running[lane] - 1)

    def broken(self) -> list[Lane]:
        return [lane for lane in Lane if self.worst[lane] > bound(lane)]


def torment(house: House, rng: random.Random, steps: int) -> None:
    """Arrivals in bursts, lanes that flicker, background jobs that end rarely."""
    flood = [rng.choice((0.02, 0.3, 1.0)) for _ in Lane]
    ends = [rng.choice((0.05, 0.5, 1.0)) for _ in Lane]
    for _ in range(steps):
        for lane in Lane:
            if rng.random() < flood[lane]:
                house.queued[lane] += rng.randint(1, 3)
            elif rng.random() < 0.05:
                house.queued[lane] = 0
            if rng.random() < ends[lane]:
                house.finish(lane)
        while house.dispatch() is not None:
            if rng.random() < 0.3:
                break


@pytest.mark.parametrize("slots", SLOTS)
@given(seed=st.integers(0, 2**32))
def test_no_lane_is_passed_over_more_often_than_its_bound(slots, seed):
    house = House(slots)
    torment(house, random.Random(seed), 300)
    assert house.broken() == []


@pytest.mark.parametrize("slots", SLOTS)
@given(moves=st.lists(st.tuples(st.sampled_from("aaefd"), st.sampled_from(Lane)), max_size=250))
def test_the_bound_holds_for_every_order_of_arrivals_ends_and_withdrawals(slots, moves):
    house = House(slots)
    for move, lane in moves:
        match move:
            case "a":
                house.queued[lane] += 1
            case "e":
                house.queued[lane] = 0
            case "f":
                house.finish(lane)
            case "d":
                house.dispatch()
    assert house.broken() == []


@pytest.mark.parametrize("slots", SLOTS)
def test_p5_is_served_at_least_once_in_any_68_dispatches_when_every_lane_is_flooded(slots):
    house = House(slots, queued=[10_000] * 6)
    served = []
    while len(served) < 2000:
        chosen = house.dispatch()
        if chosen is None:
            house.running = [0] * 6
            continue
        served.append(chosen)
    gaps = [i for i, lane in enumerate(served) if lane is Lane.P5]
    assert gaps
    assert max(after - before for before, after in itertools.pairwise(gaps)) <= 68
    assert house.broken() == []


def background_slot_comes_back_one_at_a_time(house: House) -> None:
    """P0 runs a lot between two slots that the full background gets back."""
    house.queued = [0, 0, 0, 10_000, 10_000, 10_000]
    for _ in range(400):
        while house.dispatch() is not None:
            pass
        house.queued[Lane.P0] = 40
        for _ in range(40):
            house.dispatch()
            house.finish(Lane.P0)
        house.finish(next(lane for lane in list(Lane)[3:] if house.running[lane]))


def test_a_full_background_shares_the_slots_it_gets_back():
    house = House(10)
    background_slot_comes_back_one_at_a_time(house)
    assert house.broken() == []


def test_the_planted_tie_by_lane_number_starves_a_capped_lane_and_is_caught():
    house = House(10, choose=ties_by_lane_number)
    background_slot_comes_back_one_at_a_time(house)
    assert Lane.P5 in house.broken()


@pytest.mark.parametrize(
    ("choose", "book"),
    [
        pytest.param(strict_priority, charge_ours, id="strict priority"),
        pytest.param(
            rejoins_with_saved_turns, charge_without_virtual_time, id="turns are saved up"
        ),
    ],
)
def test_a_planted_fault_breaks_the_bound(choose, book):
    def caught(seed: int) -> bool:
        house = House(10, choose=choose, book=book)
        torment(house, random.Random(seed), 300)
        return bool(house.broken())

    assert any(caught(seed) for seed in range(30))


def test_service_is_shared_by_weight_when_every_lane_waits():
    state = StrideState()
    counts = [0] * 6
    for _ in range(63 * 20):
        lane = pick(state, tuple(Lane), (0,) * 6, 1, SETTINGS)
        assert lane is not None
        state = charge(state, lane, SETTINGS)
        counts[lane] += 1
    assert counts == pytest.approx([weight * 20 for weight in SETTINGS.weights], abs=3)


@pytest.mark.parametrize(
    ("slots", "background", "normal"),
    [(1, 1, 1), (2, 2, 2), (3, 2, 2), (4, 2, 3), (10, 7, 9), (20, 14, 19)],
)
def test_slots_are_capped_by_nesting_from_three_slots_on(slots, background, normal):
    house = House(slots, queued=[0, 0, 0, 99, 99, 99])
    while house.dispatch() is not None:
        pass
    assert sum(house.running) == background == background_slots(slots, SETTINGS)
    house.queued[Lane.P2] = 99
    while house.dispatch() is not None:
        pass
    assert sum(house.running) == normal
    house.queued[Lane.P0] = 99
    while house.dispatch() is not None:
        pass
    assert sum(house.running) == slots


def test_nothing_is_picked_without_a_free_slot_or_a_waiting_lane():
    assert pick(StrideState(), (), (0,) * 6, 5, SETTINGS) is None
    assert pick(StrideState(), tuple(Lane), (5, 0, 0, 0, 0, 0), 5, SETTINGS) is None
