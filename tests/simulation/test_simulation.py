"""Two thousand stormy days, and every seed that once found something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.many import run_many
from tests.simulation.run import CRASHES, GROUPS, JOBS, STEPS, run

SEEDS = 2000
# Seeds that failed once, each with what it had found.
FOUND: dict[int, str] = {
    5: "a halt that was still under way when the drain began",
    69: "an owner's word that was pruned from the log",
    310: "a log whose beginning was pruned in part",
    2028: "a copy of an order that arrived after the first one was refused",
    2970: "a copy of an order that reached the session's next incarnation",
}
_ROOT = Path(__file__).parents[2]
_DIGEST = "from tests.simulation.run import Simulation; print(Simulation(3).digest())"


@pytest.mark.parametrize("seed", FOUND)
def test_a_seed_that_once_failed_holds(seed):
    verdict = run(seed)
    assert not verdict.violations, str(verdict)


def test_two_thousand_seeds_hold():
    thin = []
    for verdict in run_many(0, SEEDS, os.cpu_count() or 1):
        assert not verdict.violations, str(verdict)
        has = (verdict.jobs, verdict.groups, verdict.crashes, verdict.steps)
        if any(got < least for got, least in zip(has, (JOBS, GROUPS, CRASHES, STEPS), strict=True)):
            thin.append((verdict.seed, has))
    assert not thin, f"these seeds were too easy: {thin}"


def test_a_seed_tells_the_same_story_each_time_it_is_told():
    """In other processes, with other hashes of the same texts."""
    told = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env=os.environ | {"PYTHONHASHSEED": chosen},
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for chosen in ("0", "1", "2")
    }
    assert len(told) == 1
