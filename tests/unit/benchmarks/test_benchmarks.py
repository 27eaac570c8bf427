"""Every measure runs at a tiny size and gives figures, so that none can rot."""

from __future__ import annotations

import pytest

from benchmarks.contest import FULL_SIZES, OURS, Contestant, run
from benchmarks.engine import MEASURES
from benchmarks.figures import Run, paired, percentile, spread
from benchmarks.machine import Machine
from benchmarks.report import TARGETS, render

TINY = 20


@pytest.mark.parametrize("measure", MEASURES)
async def test_each_measure_gives_figures_at_a_tiny_size(measure, tmp_path):
    figures = await MEASURES[measure](tmp_path, TINY)
    promised = {t.figure for t in TARGETS if (t.contestant, t.measure) == (OURS, measure)}
    assert promised <= figures.keys()
    assert all(value >= 0 for value in figures.values())


def test_every_measure_has_a_full_size():
    assert FULL_SIZES.keys() == MEASURES.keys()


def test_a_percentile_is_a_value_that_was_measured():
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([1.0] * 98 + [9.0, 9.0], 0.99) == 9.0


def test_ratios_are_paired_by_round():
    runs = [
        Run("a", "drain", 1, {"per_s": 10.0}),
        Run("b", "drain", 1, {"per_s": 5.0}),
        Run("a", "drain", 2, {"per_s": 30.0}),
        Run("b", "drain", 2, {"per_s": 10.0}),
        Run("a", "drain", 3, {"per_s": 99.0}),
    ]
    ratio = paired(runs, "a", "b", "drain", "per_s")
    assert (ratio.low, ratio.high) == (2.0, 3.0)
    assert spread(runs, "a", "drain", "per_s").median == 30.0


def test_a_contestant_that_cannot_run_is_reported_and_never_faked(tmp_path):
    absent = Contestant("Peer", "synced", ("none",), trouble="could not be installed: no network")
    told = run(absent, "drain", TINY, 1, tmp_path)
    assert (told.figures, told.trouble) == ({}, "could not be installed: no network")
    page = render(Machine(2, 4.0, "3.11", "3.40", "6", 0.2, "abc"), [absent], [told], [])
    assert "| Peer | could not be installed: no network |" in page


def test_the_page_says_which_promises_were_kept():
    runs = [
        Run(OURS, "drain", 1, {"per_s": 2500.0}),
        Run(OURS, "submit", 1, {"p50_ms": 1.5}),
    ]
    page = render(Machine(2, 4.0, "3.11", "3.40", "6", 0.2, "abc"), [], runs, [])
    assert "| drain of 10,000 (jobs/s) | ≥ 2000 | 2,500 | 2,500 | 2,500 | yes |" in page
    assert "| submit, p50 (ms) | ≤ 1 | 1.5 | 1.5 | 1.5 | **no** |" in page
    assert "| start, p50 (ms) | ≤ 5 | not measured" in page
