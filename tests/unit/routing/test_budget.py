"""Money: reserved before, settled after; five budgets, the step down, the emergency."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from engine.jobs import Lane
from engine.settings import BudgetSettings
from routing.budget import Budgets
from routing.days import day_at
from routing.models import Price, Tier
from routing.requests import Grant, RefusalKind, Spent, Who
from tests.unit.routing.corekit import (
    HOUR,
    NOON,
    Core,
    S,
    catalogue,
    model_of,
    provider_of,
    reasons,
    serves,
)

DOLLAR = Price(input=0, output=1_000_000)  # a dollar a token of answer: easy sums
MIDNIGHT = NOON + 12 * HOUR
EVERY = {"job": "j1", "session": "s1", "project": "p1"}


def paid(**more):
    """Three tiers at one provider, each a dollar a token."""
    return catalogue(
        serves("a", "ultra-m", Tier.ULTRA, price=DOLLAR),
        serves("a", "mid-m", Tier.MID, price=DOLLAR),
        serves("a", "cheap-m", Tier.CHEAP, price=DOLLAR),
        **more,
    )


def spend(core, tokens, asked="mid-m", **more):
    grant = core.granted(asked, max_tokens=tokens, **more)
    core.good(grant, output=tokens)
    return grant


def test_a_call_reserves_its_prompt_and_the_longest_answer_at_list_price():
    core = Core(catalogue(serves("a", "m", price=Price(input=3, output=15))))
    grant = core.granted("m", input_tokens=1_000_000, max_tokens=200_000)
    assert grant.reserved_usd == pytest.approx(3 + 3)


def test_where_no_most_is_named_the_models_own_counts():
    core = Core(catalogue(serves("a", "m", price=DOLLAR, max_output=7)))
    assert core.granted("m", max_tokens=None).reserved_usd == 7
    core = Core(catalogue(serves("a", "m", price=DOLLAR)))
    assert core.granted("m", max_tokens=None).reserved_usd == 4096


def test_a_workers_usual_answer_makes_the_reserve_smaller():
    core = Core(catalogue(serves("a", "m", price=DOLLAR)))
    for tokens in range(1, 21):
        core.good(core.granted("m", max_tokens=1000, who={"session": "s1"}), output=tokens)
    assert core.granted("m", max_tokens=1000, who={"session": "s1"}).reserved_usd == 20
    assert core.granted("m", max_tokens=15, who={"session": "s1"}).reserved_usd == 15
    assert core.granted("m", max_tokens=1000, who={"session": "s2"}).reserved_usd == 1000


def test_prompts_are_reserved_at_the_price_of_writing_the_cache_and_of_long_calls():
    long = Price(input=6, output=0)
    price = Price(input=3, output=0, cache_write=3.75, long=long, long_from=200_000)
    core = Core(catalogue(serves("a", "m", price=price)))
    assert core.granted("m", input_tokens=200_000).reserved_usd == pytest.approx(0.75)
    assert core.granted("m", input_tokens=300_000).reserved_usd == pytest.approx(1.8)


@pytest.mark.parametrize(
    ("budget", "who"),
    [
        ({"day_usd": 10}, {}),
        ({"project_day_usd": 10}, {"project": "p1"}),
        ({"worker_day_usd": 10}, {"session": "s1"}),
        ({"job_usd": 10}, {"job": "j1"}),
        ({"provider_day_usd": {"a": 10}}, {}),
        ({}, {"job": "j1", "budget_usd": 10.0}),
        ({"job_usd": 999}, {"job": "j1", "budget_usd": 10.0}),
    ],
)
def test_every_budget_counts_what_is_under_way_and_what_is_spent(budget, who):
    core = Core(paid(), budgets=budget | {"step_down": 1.0})
    under_way = core.granted("mid-m", max_tokens=4, who=who)
    spend(core, 5, who=who)
    refusal = core.refused("mid-m", max_tokens=2, who=who)
    assert refusal.kind is RefusalKind.BUDGET
    assert refusal.until == (0 if "job" in who else MIDNIGHT)
    core.good(under_way, output=1)
    assert core.granted("mid-m", max_tokens=4, who=who).reserved_usd == 4


@pytest.mark.parametrize(
    ("budget", "who", "other"),
    [
        ({"project_day_usd": 10}, {"project": "p1"}, {"project": "p2"}),
        ({"worker_day_usd": 10}, {"session": "s1"}, {"session": "s2"}),
        ({"job_usd": 10}, {"job": "j1"}, {"job": "j2"}),
    ],
)
def test_one_mans_budget_is_not_anothers(budget, who, other):
    core = Core(paid(), budgets=budget)
    spend(core, 10, who=who)
    assert core.refused("mid-m", who=who).kind is RefusalKind.BUDGET
    assert isinstance(core.ask("mid-m", max_tokens=5, who=other), Grant)


def test_a_providers_own_budget_sends_calls_to_the_next():
    known = catalogue(serves("a", "m", price=DOLLAR), serves("b", "m", price=DOLLAR))
    core = Core(known, budgets={"provider_day_usd": {"a": 10}})
    spend(core, 10, "m")
    for lane in (Lane.P2, Lane.P5):
        grant = core.granted("m", lane, max_tokens=1)
        assert (provider_of(grant), grant.spill) == ("b", False)
        assert reasons(grant) == {"a/main/m-id": "over_budget"}


def test_a_new_day_of_the_owner_renews_the_budget():
    core = Core(paid(), budgets={"day_usd": 10})
    spend(core, 10)
    assert core.refused("mid-m").until == MIDNIGHT
    core.now = MIDNIGHT - 1
    assert core.refused("mid-m").kind is RefusalKind.BUDGET
    core.now = MIDNIGHT
    assert isinstance(core.ask("mid-m", max_tokens=5), Grant)


def test_what_was_reserved_yesterday_is_spent_yesterday():
    core = Core(paid(), budgets={"day_usd": 10})
    grant = core.granted("mid-m", max_tokens=8)
    core.now = MIDNIGHT + S
    core.good(grant, output=8)
    assert core.granted("mid-m", max_tokens=7).reserved_usd == 7
    assert core.ledger.spent["day:2026-09-22"] == 8


@pytest.mark.parametrize(
    ("asked", "answers"), [("ultra", "mid-m"), ("mid", "cheap-m"), ("cheap", "cheap-m")]
)
def test_from_eighty_percent_on_one_tier_lower_answers(asked, answers):
    core = Core(paid(), budgets={"day_usd": 100})
    spend(core, 79, "cheap-m")
    assert model_of(core.granted(asked, max_tokens=1)) == f"{asked}-m"
    grant = core.granted(asked, max_tokens=1)
    assert model_of(grant) == answers
    assert grant.substituted is (asked != "cheap")


def test_the_step_down_never_undercuts_the_floor_nor_leaves_a_pinned_model():
    core = Core(paid(), budgets={"day_usd": 100})
    spend(core, 80, "cheap-m")
    assert model_of(core.granted("mid", max_tokens=1, who={"floor": Tier.MID})) == "mid-m"
    assert model_of(core.granted("ultra", max_tokens=1, who={"floor": Tier.MID})) == "mid-m"
    assert model_of(core.granted("ultra-m", max_tokens=1, who={"pinned": True})) == "ultra-m"


def test_p0_keeps_its_tier_and_goes_on_in_its_emergency_budget():
    core = Core(paid(), budgets={"day_usd": 10, "emergency_day_usd": 5})
    spend(core, 10, "cheap-m")
    for lane in (Lane.P1, Lane.P2, Lane.P5):
        assert core.refused("", lane).kind is RefusalKind.BUDGET
    grant = core.granted("", Lane.P0, max_tokens=3)
    assert (model_of(grant), grant.reserved_usd) == ("ultra-m", 3)
    assert core.refused("", Lane.P0, max_tokens=3).kind is RefusalKind.BUDGET
    core.good(grant, output=3)
    assert core.granted("", Lane.P0, max_tokens=2).reserved_usd == 2
    assert core.refused("", Lane.P0, max_tokens=1).until == MIDNIGHT


def test_the_emergency_budget_survives_a_restart():
    core = Core(paid(), budgets={"day_usd": 10, "emergency_day_usd": 5})
    spend(core, 10, "cheap-m")
    spend(core, 3, "mid-m", lane=Lane.P0)
    core.reborn()
    assert core.refused("mid-m", Lane.P0, max_tokens=3).kind is RefusalKind.BUDGET
    core.granted("mid-m", Lane.P0, max_tokens=2)
    core.reborn()
    assert core.refused("mid-m", Lane.P0, max_tokens=1).kind is RefusalKind.BUDGET


def test_an_unknown_price_fails_closed_unless_it_is_allowed():
    known = catalogue(serves("a", "m", price=None))
    refusal = Core(known).refused("m")
    assert refusal.kind is RefusalKind.UNFIT
    assert "price" in refusal.remedy
    core = Core(known, allow_unpriced=True, budgets={"day_usd": 10})
    call = core.good(core.granted("m"))
    assert (call["usd"], call["usd_known"]) == (0.0, False)


def test_what_costs_nothing_goes_on_when_all_money_is_spent():
    free = Price(input=0, output=0)
    known = catalogue(serves("a", "m", price=DOLLAR), serves("b", "local", price=free))
    core = Core(known, budgets={"day_usd": 10})
    spend(core, 10, "m")
    assert model_of(core.granted("m", Lane.P5)) == "local"


@pytest.mark.parametrize(
    ("spent", "usd", "known"),
    [
        (Spent(ok=True, usage_known=True, input=9, output=3), 3, True),
        (Spent(ok=True), 8, False),
        (Spent(ok=False, fault="rate_limit", status=429), 0, True),
        (Spent(ok=False, fault="connect"), 0, True),
        (Spent(ok=False, fault="timeout"), 8, False),
        (Spent(ok=False, fault="cut", usage_known=True, output=2), 2, True),
        (Spent(ok=False, fault="cancelled"), 8, False),
    ],
)
def test_a_call_costs_what_was_used_and_its_reserve_where_nobody_says(spent, usd, known):
    core = Core(paid())
    call = core.settle(core.granted("mid-m", max_tokens=8), spent)
    assert (call["usd"], call["usd_known"]) == (usd, known)


def test_a_call_is_settled_once():
    core = Core(paid(), budgets={"day_usd": 10})
    grant = core.granted("mid-m", max_tokens=5)
    first = core.good(grant, output=5)
    assert core.good(grant, output=5)["usd"] == first["usd"]
    assert len(core.ledger.calls) == 1
    assert core.core.budgets.spent["day:2026-09-22"] == 5


def test_the_house_is_told_once_when_a_budget_steps_down_ends_and_has_room_again():
    core = Core(paid(), budgets={"day_usd": 10})
    for _ in range(8):
        spend(core, 1, "cheap-m")
    large = core.granted("cheap-m", max_tokens=2)
    core.bad(large, "rate_limit", 429)
    assert [notice["stands"] for notice in core.notices("budget")] == [
        "stepped",
        "used_up",
        "stepped",
    ]
    assert core.notices("budget")[0]["budget"] == "day:2026-09-22"


def test_days_are_the_owners_also_when_clocks_change():
    zone = ZoneInfo("Europe/Berlin")
    day = day_at(1_774_746_000 * S, zone)  # 2026-03-29, when clocks go forward
    assert (day.name, (day.ends - day.begins) // HOUR) == ("2026-03-29", 23)
    assert day_at(day.ends, zone).name == "2026-03-30"
    assert day_at(day.begins - 1, zone).name == "2026-03-28"


def test_sums_of_old_days_are_forgotten_and_those_of_jobs_kept():
    spent = {"day:2026-09-01": 1.0, "day:2026-09-22": 2.0, "job:old": 3.0}
    budgets = Budgets(BudgetSettings(), ZoneInfo("UTC"), spent, NOON)
    budgets.turn(MIDNIGHT)
    assert budgets.spent == {"day:2026-09-22": 2.0, "job:old": 3.0}
    assert budgets.purse(Who(), MIDNIGHT).pays(1e9)


def test_a_projects_own_budget_stands_in_place_of_the_settings():
    said = BudgetSettings(project_day_usd=1)
    budgets = Budgets(said, ZoneInfo("UTC"), {}, 0)
    own = Who(project="site", project_usd=5)
    assert [limit.usd for limit in budgets.limits(own, "d")] == [5]
    assert [limit.usd for limit in budgets.limits(Who(project="site"), "d")] == [1]
    assert budgets.limits(Who(project="site", project_usd=0), "d") == ()
