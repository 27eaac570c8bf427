"""Each guard of the product, taken out: the simulation must go red, and name the invariant."""

import pytest

from tests.simulation.planted import PLANTED
from tests.simulation.run import run

WITHIN = 60  # seeds


@pytest.mark.parametrize("name", PLANTED)
def test_the_simulation_catches(name):
    planted = PLANTED[name]
    seen: set[str] = set()
    with planted.plant():
        for seed in range(WITHIN):
            seen |= {violation.invariant for violation in run(seed).violations}
            if seen & planted.caught_by:
                return
    pytest.fail(f"{name} stayed green for {WITHIN} seeds; all that was seen: {sorted(seen)}")


def test_without_a_planted_fault_the_same_seeds_hold():
    for seed in range(30):
        verdict = run(seed)
        assert not verdict.violations, str(verdict)
