"""A core built from its entries goes on as if nothing had happened."""

from __future__ import annotations

import pytest

from engine.jobs import Lane
from routing.models import Price
from routing.ports import EntryKind
from routing.requests import Grant, Refusal
from tests.unit.routing.corekit import (
    MINUTE,
    NOON,
    Core,
    Limits,
    S,
    catalogue,
    provider,
    provider_of,
    serves,
)

# What `routing.ports` promises of a call's record.
_FIELDS = """
    id request attempt at job epoch session project lane backend asked model served provider key
    family tier ok fault status skips probe spill hedge substituted usd usd_known turns input
    output cache_read cache_write reasoning first_byte_us took_us purpose dialect
"""
CALL_FIELDS = set(_FIELDS.split())


def slots(core):
    return {
        one["slot"]: (one["state"], one["until"], one["reason"])
        for one in core.core.view(core.now)["candidates"]
    }


def test_a_call_has_every_promised_field_and_nothing_else():
    core = Core()
    call = core.good(core.granted("worker", who={"job": "j", "session": "s", "epoch": 3}))
    assert set(call) == CALL_FIELDS
    assert (call["job"], call["epoch"], call["session"], call["tier"]) == ("j", 3, "s", "mid")


def test_every_closure_survives():
    core = Core()
    core.close("a", 60)
    core.bad(core.granted("b/worker-id"), "quota", 402, headers={"retry-after": "600"})
    for _ in range(5):
        core.bad(core.granted("c/worker-id", tried=frozenset()))
    before = slots(core)
    assert {state for state, _, _ in before.values()} == {"closed"}
    core.reborn()
    assert slots(core) == before


def test_it_makes_no_call_to_a_closed_provider_however_often_it_is_killed():
    core = Core(catalogue(serves("a", "worker")))
    core.limited(core.granted("worker"), {"retry-after": "60"})
    for _ in range(59):
        core.wait(S)
        core.reborn()
        assert isinstance(core.ask("worker", Lane.P0), Refusal)
    core.wait(S)
    assert core.granted("worker", Lane.P0).probe


def test_half_open_stays_half_open_and_the_dead_ones_probe_is_over():
    core = Core(catalogue(serves("a", "worker")))
    core.limited(core.granted("worker"), {"retry-after": "60"})
    core.wait(MINUTE)
    assert core.granted("worker").probe
    core.reborn()
    assert core.granted("worker").probe
    assert isinstance(core.ask("worker"), Refusal)


def test_a_breaker_remembers_its_successes_and_how_often_it_opened():
    core = Core(catalogue(serves("a", "worker")))
    for _ in range(5):
        core.bad(core.granted("worker"))
    core.wait(MINUTE)
    core.bad(core.granted("worker"))  # opened twice now: a minute and more
    core.wait(2 * MINUTE)
    core.good(core.granted("worker"))
    core.reborn()
    core.good(core.granted("worker"))
    assert slots(core)["a/main/worker-id"][0] == "open"


def test_faults_of_the_last_minute_still_count():
    core = Core(catalogue(serves("a", "worker")))
    for _ in range(4):
        core.bad(core.granted("worker"))
    core.reborn()
    core.bad(core.granted("worker"))
    assert slots(core)["a/main/worker-id"][2] == "breaker_open"


def test_growing_waits_go_on_growing():
    core = Core(catalogue(serves("a", "worker")))
    for _ in range(3):
        core.limited(core.granted("worker"))
        core.now = slots(core)["a/main/worker-id"][1]
        core.reborn()
    core.limited(core.granted("worker"))
    assert slots(core)["a/main/worker-id"][1] - core.now >= 40 * S


def test_the_limit_of_the_last_minute_holds_across_a_kill():
    limits = Limits(requests_per_minute=10)
    core = Core(catalogue(serves("a", "worker"), providers=[provider("a", limits=limits)]))
    for number in range(6):
        grant = core.granted("worker")
        if number % 2:
            core.good(grant)  # the others are under way when it dies
    core.reborn()
    assert sum(isinstance(core.ask("worker"), Grant) for _ in range(10)) == 3


def test_learned_limits_survive():
    core = Core(catalogue(serves("a", "worker")))
    headers = {
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "30s",
    }
    core.good(core.granted("worker"), headers=headers)
    core.reborn()
    assert isinstance(core.ask("worker"), Grant)
    assert core.refused("worker", Lane.P0).until == NOON + 30 * S


def test_money_spent_and_money_under_way_are_both_spent_after_a_kill():
    known = catalogue(serves("a", "m", price=Price(input=0, output=1_000_000)))
    core = Core(known, budgets={"day_usd": 10})
    core.good(core.granted("m", max_tokens=4), output=4)
    core.granted("m", max_tokens=5, who={"job": "j1"})
    core.reborn()
    assert core.core.budgets.spent["day:2026-09-22"] == 9
    lost = core.ledger.calls["r1:1"]
    assert (lost["usd"], lost["usd_known"], lost["ok"], lost["fault"]) == (5, False, False, "lost")
    assert set(lost) == CALL_FIELDS
    assert isinstance(core.ask("m", max_tokens=2), Refusal)
    core.reborn()
    assert core.core.budgets.spent["day:2026-09-22"] == 9


def test_habits_survive_the_usual_answer_and_who_served_a_session():
    known = catalogue(
        serves("a", "m", price=Price(input=0, output=1_000_000)),
        providers=[provider("a", ("one", "two", "three"))],
    )
    core = Core(known)
    who = {"session": "s1"}
    for _ in range(20):
        last = core.granted("m", who=who)
        core.good(last, output=7)
    core.reborn()
    grant = core.granted("m", max_tokens=1000, who=who)
    assert (grant.reserved_usd, grant.candidate.slot) == (7, last.candidate.slot)


def test_an_edited_catalogue_keeps_what_is_known_of_slots_that_still_exist():
    core = Core()
    core.close("a", 60)
    edited = catalogue(serves("a", "worker"), serves("d", "worker"), version="2")
    core.core.use(edited)
    assert provider_of(core.granted("worker")) == "d"
    assert slots(core)["a/main/worker-id"][0] == "closed"
    core.reborn(edited)
    assert slots(core)["a/main/worker-id"][0] == "closed"


def test_a_call_under_way_across_an_edit_is_settled_all_the_same():
    core = Core()
    grant = core.granted("worker")
    core.core.use(catalogue(serves("z", "worker"), version="2"))
    assert core.good(grant)["provider"] == "a"
    assert core.core.budgets.reserved == {}


def test_a_call_that_nobody_settles_is_counted_as_lost_in_the_end():
    core = Core(catalogue(serves("a", "worker")), whole_s=600)
    grant = core.granted("worker")
    core.wait(61 * MINUTE)
    core.ask("worker")
    assert core.ledger.calls[grant.id]["fault"] == "lost"
    assert core.core.board.provider("a").in_flight == 1
    core.good(grant)
    assert core.core.board.provider("a").in_flight == 1


def test_what_was_learned_of_a_slot_is_written_once_a_second_at_most():
    core = Core(catalogue(serves("a", "worker")))
    headers = {"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "400"}
    written = []
    for _ in range(30):
        grant = core.core.decide(core.wanted("worker"), core.now)
        core.core.head(grant, headers, core.now)
        written += [e for e in core.core.take_entries() if e.kind is EntryKind.STATE]
        core.wait(S // 10)
    assert len(written) == 3


@pytest.mark.parametrize("name", ["provider:a", "key:a/main", "a/main/org/model:free", "nonsense"])
def test_names_in_the_ledger_are_read_whatever_they_hold(name):
    known = catalogue(serves("a", "worker", id="org/model:free"))
    core = Core(known)
    core.ledger._tables["states"][name] = {"failures": 2}
    core.reborn()
    assert isinstance(core.ask("worker"), Grant)
