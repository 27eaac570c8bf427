"""The rate-limit cascade does not happen; without any one of its guards, it does."""

from __future__ import annotations

import pytest

from tests.simulation.cascade import Report, Setting, simulate
from tests.simulation.planted_routing import (
    KILLS,
    MOST_CALLS,
    PLANTED,
    URGENT,
    broken_rules,
)

SEEDS = range(4)
DIALECTS = (
    ("late", "openai", "silent"),
    ("silent", "silent", "silent"),
    ("anthropic", "openai", "anthropic"),
)


def kept(report: Report) -> bool:
    return report.to_closed == report.crowded == report.twins == report.spilled == 0


@pytest.mark.parametrize("dialects", DIALECTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_ours_needs_hardly_more_than_one_call_a_success_and_fails_no_urgent_work(seed, dialects):
    report = simulate(Setting(seed=seed, dialects=dialects))
    assert report.successes == len(report.requests) > 2000
    assert report.calls_per_success <= MOST_CALLS
    assert report.failed() == 0
    assert report.p95_s(*URGENT) <= 6
    assert kept(report)


@pytest.mark.parametrize("rejected_cost", [True, False])
def test_the_same_holds_where_rejections_are_free(rejected_cost):
    report = simulate(Setting(rejected_cost=rejected_cost))
    assert report.calls_per_success <= MOST_CALLS
    assert report.failed() == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_core_that_is_killed_every_47_seconds_calls_no_closed_slot(seed):
    report = simulate(Setting(seed=seed, minutes=30, kill_every=KILLS))
    assert report.kills >= 35
    assert report.failed(*URGENT) == 0
    assert kept(report)


def test_naive_and_cached_policies_fall_into_the_cascade():
    ours = simulate(Setting(seed=1))
    cached = simulate(Setting(seed=1, policy="cached"))
    naive = simulate(Setting(seed=1, policy="naive", minutes=15))
    assert naive.calls_per_success > 5
    assert naive.failed() > len(naive.requests) / 2
    assert cached.calls_per_success > 1.1
    assert cached.failed(*URGENT) > 0
    assert cached.rejections > 10 * ours.rejections


def test_a_seed_tells_the_same_story():
    one, other = (simulate(Setting(seed=3, minutes=25, kill_every=KILLS)) for _ in range(2))
    assert one.timeline == other.timeline


@pytest.mark.parametrize("name", PLANTED)
def test_the_simulation_catches(name):
    plant, rule, killed = PLANTED[name]
    seen: set[str] = set()
    with plant():
        for seed in range(3):
            seen |= broken_rules(seed, killed=killed)
            if rule in seen:
                return
    pytest.fail(f"{name} stayed green; all that was seen: {sorted(seen)}")


def test_without_a_planted_fault_the_same_seeds_hold():
    assert broken_rules(0) == broken_rules(1) == broken_rules(0, killed=True) == set()
