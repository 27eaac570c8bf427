"""The attempt loop with a real core: what is settled, when, and who wins a race."""

from __future__ import annotations

import asyncio

import pytest

from actors.gateway.attempts import Attempts
from actors.gateway.errands import Errands
from actors.gateway.errors import GaveUp
from actors.gateway.trial import Trial
from engine.errors import BadInput, StoreFull
from engine.jobs import Lane
from routing.conversation import Begun, Grew, Usage
from routing.faults import Fault, FaultKind
from routing.requests import RefusalKind, Wanted, Who
from tests.contract.gateway.house import House, Place

PLACES = (
    Place(door="one", url="http://one.test", context=1_000),
    Place(door="two", url="http://two.test"),
)
WANTED = Wanted(id="r", asked="the-model", who=Who(lane=Lane.P1), input_tokens=100, max_tokens=100)


class Won:
    """An outcome that remembers whether it was dropped."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.door = trial.grant.candidate.deployment.provider

    async def drop(self) -> None:
        self.trial.abandon()


def attempts(house: House, make, wanted: Wanted = WANTED) -> Attempts[Won]:
    return Attempts(house, Errands(), wanted, make)


def refusing(**faults: FaultKind):
    async def make(trial: Trial) -> Won:
        won = Won(trial)
        if won.door in faults:
            raise Fault(faults[won.door], "no", status=500)
        return won

    return make


@pytest.mark.parametrize("kind", sorted(set(FaultKind)))
async def test_every_fault_is_settled_and_most_move_on(kind):
    house = House(*PLACES)
    running = attempts(house, refusing(one=kind))
    if kind in (FaultKind.REFUSED, FaultKind.CONTENT, FaultKind.CANCELLED):
        with pytest.raises(GaveUp) as gave:
            await running.run()
        assert gave.value.fault.kind is kind
    else:
        assert (await running.run()).door == "two"
    assert house.calls[0]["fault"] == kind
    assert not house.calls[0]["ok"]


async def test_a_grant_is_durable_before_its_call_is_made():
    house = House(*PLACES)
    written = []

    async def make(trial: Trial) -> Won:
        written.append([entry.key for entry in house.entries])
        return Won(trial)

    await attempts(house, make).run()
    assert written == [["r:1"]]


async def test_what_cannot_be_written_down_is_not_done():
    house = House(*PLACES)

    async def full() -> None:
        raise StoreFull("The disk is full.")

    house.durable = full
    made = []
    with pytest.raises(StoreFull):
        await attempts(house, made.append).run()
    assert made == []
    assert [(call["fault"], call["usd"]) for call in house.calls] == [("cancelled", 0.0)]


async def test_a_bug_in_an_attempt_settles_it_too():
    house = House(*PLACES)

    async def broken(_: Trial) -> Won:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await attempts(house, broken).run()
    assert [call["fault"] for call in house.calls] == ["cancelled"]


async def test_what_cannot_even_be_worded_costs_nothing():
    house = House(*PLACES)

    async def unworded(_: Trial) -> Won:
        raise BadInput("No.")

    with pytest.raises(BadInput):
        await attempts(house, unworded).run()
    assert [(call["fault"], call["usd"]) for call in house.calls] == [("cancelled", 0.0)]


async def test_too_long_a_prompt_goes_only_where_there_is_more_room():
    smaller = Place(door="three", url="http://three.test", context=900)
    house = House(PLACES[0], smaller, PLACES[1])
    assert (await attempts(house, refusing(one=FaultKind.CONTEXT)).run()).door == "two"


async def test_when_nobody_is_left_the_office_hears_of_it():
    house = House(*PLACES)
    with pytest.raises(GaveUp) as gave:
        await attempts(house, refusing(one=FaultKind.SERVER, two=FaultKind.SERVER)).run()
    assert gave.value.refusal.kind is RefusalKind.FAILED
    assert gave.value.headers["x-helio-attempts"] == "2"
    assert len(house.refusals) == 1


# -- races ----------------------------------------------------------------------------------------
async def taught(house: House) -> None:
    """Let the first bytes of `one` be quick, so that a slow one is noticed."""
    for n in range(30):
        now = house.clock.now()
        grant = house.core.decide(Wanted(id=f"w{n}", asked="the-model", who=WANTED.who), now)
        house.core.head(grant, {}, now + 1_000)
        trial = Trial(house, grant)
        trial.hear([Begun(usage=Usage(1, 1))])
        trial.won()


HEDGEABLE = Wanted(id="r", asked="the-model", who=WANTED.who, input_tokens=100, hedgeable=True)


@pytest.mark.parametrize(("fast", "other"), [("two", "one"), ("one", "two")])
async def test_the_first_good_outcome_wins_and_the_other_is_ended_and_charged(fast, other):
    house = House(*PLACES, hedge_share=1)
    await taught(house)
    both, gone = asyncio.Event(), asyncio.Event()
    begun = set()

    async def make(trial: Trial) -> Won:
        won = Won(trial)
        begun.add(won.door)
        if len(begun) == 2:
            both.set()
        try:
            await both.wait()
            if won.door == other:
                await asyncio.Event().wait()
        finally:
            if won.door == other:
                gone.set()
        return won

    won = await attempts(house, make, HEDGEABLE).run()
    assert won.door == fast
    await asyncio.wait_for(gone.wait(), 1)
    (lost,) = [call for call in house.calls if call["request"] == "r"]
    assert (lost["provider"], lost["fault"]) == (other, "cancelled")
    assert lost["usd"] > 0


@pytest.mark.parametrize("failing", ["one", "two"])
async def test_in_a_race_one_may_fail(failing):
    house = House(*PLACES, hedge_share=1)
    await taught(house)
    both = asyncio.Event()
    begun = set()

    async def make(trial: Trial) -> Won:
        won = Won(trial)
        begun.add(won.door)
        if len(begun) == 2:
            both.set()
        await both.wait()
        if won.door == failing:
            raise Fault(FaultKind.SERVER, "no", status=500)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return won

    assert (await attempts(house, make, HEDGEABLE).run()).door != failing


async def test_a_client_that_leaves_a_race_ends_both():
    house = House(*PLACES, hedge_share=1)
    await taught(house)
    begun = asyncio.Semaphore(0)

    async def make(trial: Trial) -> Won:
        begun.release()
        await asyncio.Event().wait()
        return Won(trial)

    racing = asyncio.create_task(attempts(house, make, HEDGEABLE).run())
    await begun.acquire()
    await begun.acquire()
    racing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await racing
    async with asyncio.timeout(1):
        while len(ended := [c for c in house.calls if c["request"] == "r"]) < 2:
            await asyncio.sleep(0)
    assert {call["fault"] for call in ended} == {"cancelled"}


# -- one attempt ----------------------------------------------------------------------------------
def trial(house: House) -> Trial:
    return Trial(house, house.core.decide(WANTED, house.clock.now()))


def test_a_cut_answer_costs_what_came_of_it():
    house = House(*PLACES)
    cut = trial(house)
    cut.hear([Begun(usage=Usage(input=100, output=1)), Grew(0, "x" * 350)])
    record = cut.lost(Fault(FaultKind.CUT, "cut"))
    assert record["usd_known"]
    assert (record["input"], record["output"]) == (100, 100)


def test_a_cut_answer_of_unknown_size_costs_its_reserve():
    house = House(*PLACES)
    cut = trial(house)
    cut.hear([Begun(), Grew(0, "x" * 350)])
    record = cut.lost(Fault(FaultKind.CUT, "cut"))
    assert not record["usd_known"]
    assert record["usd"] == cut.grant.reserved_usd


def test_an_attempt_is_settled_once():
    house = House(*PLACES)
    settled = trial(house)
    settled.won()
    settled.lost(Fault(FaultKind.CUT, "cut"))
    settled.abandon()
    assert [call["ok"] for call in house.calls] == [True]
