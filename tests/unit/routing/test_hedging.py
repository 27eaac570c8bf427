"""A second candidate for a slow first byte: rarely, for P0 and P1, and elsewhere."""

from __future__ import annotations

import pytest

from engine.jobs import Lane
from tests.unit.routing.corekit import (
    Core,
    Limits,
    S,
    catalogue,
    model_of,
    provider,
    provider_of,
    serves,
)

SLOW = 2 * S


def warm(known=None, calls=100, **more):
    """A core that knows how fast the first provider answers, and has seen some traffic."""
    core = Core(known, concurrency=1000, **more)
    for _ in range(calls):
        grant = core.granted("worker", Lane.P1)
        core.good(grant, first_byte_us=S)
    return core


def hedgeable(core, lane=Lane.P1, **more):
    return core.granted("worker", lane, hedgeable=True, **more)


def hedged(core, grant, after=SLOW):
    core.wait(after)
    second = core.core.hedge(grant, core.now)
    core._keep()
    return second


def test_after_the_usual_time_a_second_provider_is_asked():
    core = warm()
    first = hedgeable(core)
    assert first.hedge_after_us == S
    assert core.core.hedge(first, core.now + S - 1) is None
    second = hedged(core, first)
    assert (provider_of(second), second.id) == ("b", f"{first.id}h")


def test_the_loser_is_charged_as_well():
    core = warm()
    first = hedgeable(core)
    second = hedged(core, first)
    won = core.good(second)
    lost = core.bad(first, "cancelled", 0)
    assert (won["hedge"], lost["hedge"]) == (True, False)
    assert lost["usd"] == first.reserved_usd > 0


@pytest.mark.parametrize("lane", [Lane.P2, Lane.P5])
def test_lanes_below_p1_are_not_hedged(lane):
    assert hedgeable(warm(), lane).hedge_after_us == 0


def test_what_may_not_be_repeated_is_not_hedged():
    core = warm()
    assert core.granted("worker", Lane.P0).hedge_after_us == 0


def test_nobody_knows_how_long_to_wait_before_there_were_some_answers():
    core = warm(calls=9)
    assert hedgeable(core).hedge_after_us == 0


def test_another_key_of_the_same_provider_is_no_second_opinion():
    known = catalogue(serves("a", "worker"), providers=[provider("a", ("one", "two"))])
    assert hedgeable(warm(known)).hedge_after_us == 0


def test_a_first_byte_ends_the_matter():
    core = warm()
    first = hedgeable(core)
    core.head(first)
    assert hedged(core, first) is None


def test_at_most_one_request_in_twenty_is_asked_twice():
    core = warm(calls=0)
    for _ in range(20):
        core.good(core.granted("worker", Lane.P1), first_byte_us=S)
    grants = [hedgeable(core) for _ in range(40)]
    core.wait(SLOW)
    seconds = [core.core.hedge(grant, core.now) for grant in grants]
    assert sum(second is not None for second in seconds) == 3  # of 60


def test_a_provider_that_takes_anothers_overflow_is_not_asked():
    core = warm()
    first = hedgeable(core)
    core.core.board.provider("b").spilled_at = core.now
    assert provider_of(hedged(core, first)) == "c"
    core.core.board.provider("c").spilled_at = core.now
    assert hedged(core, hedgeable(core)) is None


def test_a_hedge_takes_a_model_of_the_same_rank_only():
    known = catalogue(serves("a", "worker"), serves("b", "small", "cheap"), serves("c", "other"))
    core = warm(known)
    assert model_of(hedged(core, hedgeable(core))) == "other"


def test_a_closed_provider_is_not_asked_by_way_of_a_hedge():
    core = warm()
    core.trip("b")
    core.trip("c")
    assert hedged(core, hedgeable(core)) is None


def test_a_hedge_is_held_to_the_limits_of_its_provider():
    known = catalogue(
        serves("a", "worker"),
        serves("b", "worker"),
        providers=[provider("b", limits=Limits(concurrency=1))],
    )
    core = warm(known)
    assert hedged(core, hedgeable(core)) is not None
    core.core.board.provider("b").spilled_at = 0
    assert hedged(core, hedgeable(core)) is None


def test_a_share_of_zero_means_never():
    core = warm(hedge_share=0)
    assert hedged(core, hedgeable(core)) is None
