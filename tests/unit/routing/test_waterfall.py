"""Who is asked: by name, by tier, by lane; in which order, and who never."""

from __future__ import annotations

import pytest

from engine.jobs import Lane
from routing.conversation import Dialect
from routing.models import Ability, Catalogue, Price, ProviderKind, Slot, Tier
from routing.requests import Purpose, RefusalKind
from tests.unit.routing.corekit import Core, catalogue, model_of, provider, provider_of, reasons
from tests.unit.routing.corekit import serves as at


def crew(**more):
    return catalogue(
        at("a", "opus", Tier.ULTRA),
        at("b", "gpt", Tier.ULTRA),
        at("b", "thinker", Tier.REASONING),
        at("a", "sonnet", Tier.MID),
        at("b", "mini", Tier.MID),
        at("a", "haiku", Tier.CHEAP),
        at("b", "nano", Tier.CHEAP),
        at("c", "vectors", Tier.EMBED),
        at("b", "points", Tier.EMBED),
        at("b", "scribe", Tier.AUDIO),
        **more,
    )


def walked(core, asked="", **more):
    """Give the models in the order in which they are asked when each fails."""
    seen, tried = [], frozenset()
    for attempt in range(1, 20):
        decided = core.ask(asked, tried=tried, attempt=attempt, **more)
        if not hasattr(decided, "candidate"):
            return seen
        seen.append(model_of(decided))
        core.bad(decided, "not_found", 404)
        tried |= {decided.candidate.slot}
    raise AssertionError("the walk did not end")


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ("sonnet", "sonnet"),
        ("a/sonnet-id", "sonnet"),
        ("sonnet-id", "sonnet"),
        ("fast", "haiku"),
        ("claude-sonnet-4-5-20250929", "sonnet"),
        ("claude-opus-9", "opus"),
        ("chain", "haiku"),
        ("best", "opus"),
        ("cheap", "haiku"),
        ("reasoning", "thinker"),
    ],
)
def test_a_name_is_a_model_a_deployment_an_alias_or_a_tier(asked, model):
    aliases = {
        "fast": "haiku",
        "claude-*": "mini",
        "claude-sonnet-*": "sonnet",
        "claude-opus*": "opus",
        "chain": "fast",
        "best": "ultra",
    }
    assert model_of(Core(crew(aliases=aliases)).granted(asked)) == model


@pytest.mark.parametrize(
    ("lane", "tier", "model"),
    [
        (Lane.P0, None, "opus"),
        (Lane.P1, None, "opus"),
        (Lane.P2, None, "sonnet"),
        (Lane.P5, None, "sonnet"),
        (Lane.P0, Tier.CHEAP, "haiku"),
        (Lane.P5, Tier.ULTRA, "opus"),
    ],
)
def test_without_a_name_lane_and_need_choose_the_tier(lane, tier, model):
    assert model_of(Core(crew()).granted("", lane, who={"tier": tier})) == model


def test_an_unknown_name_is_refused_with_those_that_are_near():
    refusal = Core(crew()).refused("sonet")
    assert refusal.kind is RefusalKind.UNKNOWN_MODEL
    assert "'sonet'" in refusal.message
    assert "sonnet" in refusal.remedy


def test_aliases_in_a_circle_are_unknown_names():
    refusal = Core(crew(aliases={"x": "y", "y": "x"})).refused("x")
    assert refusal.kind is RefusalKind.UNKNOWN_MODEL


def test_with_no_provider_the_refusal_says_what_to_set():
    refusal = Core(Catalogue()).refused("")
    assert refusal.kind is RefusalKind.NOTHING_CONFIGURED
    for word in ("helio model init", "models.toml", "helio secret set"):
        assert word in refusal.remedy


def test_the_order_is_the_model_its_tier_higher_tiers_then_lower_ones():
    expected = ["mini", "sonnet", "opus", "gpt", "thinker", "haiku", "nano"]
    assert walked(Core(crew()), "mini") == expected
    assert walked(Core(crew()), "thinker")[:3] == ["thinker", "opus", "gpt"]
    assert walked(Core(crew()), "")[:2] == ["sonnet", "mini"]


def test_the_tiers_of_the_catalogue_come_before_the_order_of_deployments():
    known = crew(tiers={Tier.MID: ("mini", "sonnet")})
    assert walked(Core(known), "mid")[:2] == ["mini", "sonnet"]


def test_who_may_stand_in_is_the_catalogues_word_and_then_nobody_elses():
    known = crew(falls_to={"sonnet": ("haiku", "gpt"), "opus": ()})
    assert walked(Core(known), "sonnet") == ["sonnet", "haiku", "gpt"]
    assert walked(Core(known), "opus") == ["opus"]


def test_a_model_is_asked_at_all_its_deployments_and_keys_first():
    known = catalogue(
        at("a", "sonnet"),
        at("b", "sonnet"),
        at("b", "mini"),
        providers=[provider("a", ("one", "two"))],
    )
    core = Core(known)
    slots, tried = [], frozenset()
    for attempt in range(1, 5):
        grant = core.granted("sonnet", tried=tried, attempt=attempt)
        slots.append(str(grant.candidate.slot))
        tried |= {grant.candidate.slot}
    assert slots == ["a/one/sonnet-id", "a/two/sonnet-id", "b/main/sonnet-id", "b/main/mini-id"]


def test_a_pinned_call_leaves_its_model_never():
    core = Core(crew())
    assert walked(core, "sonnet", who={"pinned": True}) == ["sonnet"]
    refusal = core.refused("sonnet", who={"pinned": True})
    assert "the provider knows no such model" in refusal.message
    assert reasons(refusal)["b/-/mini-id"] == "pinned"


def test_an_embedding_never_leaves_its_space():
    core = Core(crew())
    assert walked(core, "vectors", purpose=Purpose.EMBED) == ["vectors"]
    assert walked(Core(crew()), "", purpose=Purpose.EMBED) == ["vectors"]
    refusal = core.refused("embed", purpose=Purpose.EMBED)
    assert reasons(refusal)["b/-/points-id"] == "other_space"


def test_a_conversation_is_no_matter_for_models_that_do_not_converse():
    refusal = Core(crew()).refused("vectors")
    assert refusal.kind is RefusalKind.UNFIT
    assert walked(Core(crew()), "", purpose=Purpose.TRANSCRIBE) == ["scribe"]


def test_the_floor_is_never_undercut():
    assert walked(Core(crew()), "", who={"floor": Tier.MID}) == [
        "sonnet",
        "mini",
        "opus",
        "gpt",
        "thinker",
    ]
    refusal = Core(crew()).refused("haiku", who={"floor": Tier.MID, "pinned": True})
    assert refusal.kind is RefusalKind.UNFIT
    assert "below_floor" in refusal.message


def test_reasoning_models_stand_in_for_ultra():
    assert walked(Core(crew()), "opus", who={"floor": Tier.ULTRA}) == ["opus", "gpt", "thinker"]


def test_families_to_be_avoided_are_passed_over_with_the_reason():
    grant = Core(crew()).granted("", who={"avoid": ("sonnet", "gpt")})
    assert model_of(grant) == "mini"
    assert reasons(grant)["a/-/sonnet-id"] == "same_family"
    assert grant.substituted is False  # a tier was asked for


def test_what_a_model_cannot_do_passes_it_over():
    known = catalogue(
        at("a", "sonnet"), at("b", "mini", abilities=frozenset({Ability.TOOLS, Ability.VISION}))
    )
    grant = Core(known).granted("sonnet", abilities=frozenset({Ability.VISION}))
    assert (model_of(grant), grant.substituted) == ("mini", True)
    assert reasons(grant)["a/-/sonnet-id"] == "no_ability"
    refusal = Core(known).refused("", abilities=frozenset({Ability.JSON}))
    assert refusal.kind is RefusalKind.UNFIT
    assert "lacks json" in refusal.message


def test_a_prompt_that_does_not_fit_goes_to_a_larger_window():
    known = catalogue(at("a", "sonnet", context=1000), at("b", "mini", context=2000))
    core = Core(known)
    assert model_of(core.granted("sonnet", input_tokens=900, max_tokens=100)) == "sonnet"
    grant = core.granted("sonnet", input_tokens=901, max_tokens=100)
    assert (model_of(grant), grant.spill) == ("mini", False)
    assert model_of(core.granted("sonnet", min_context=1500)) == "mini"
    assert core.refused("sonnet", min_context=2001).kind is RefusalKind.UNFIT


def test_a_subscription_is_relayed_in_its_own_dialect_with_the_clients_login():
    plan = provider(
        "a",
        ("login",),
        kind=ProviderKind.SUBSCRIPTION,
        dialect=Dialect.ANTHROPIC,
        transport="relay",
    )
    core = Core(catalogue(at("a", "sonnet", price=None), at("b", "sonnet"), providers=[plan]))
    grant = core.granted("sonnet", dialect=Dialect.ANTHROPIC, login=True)
    assert (provider_of(grant), grant.reserved_usd) == ("a", 0.0)
    assert core.good(grant)["turns"] == 1
    other = core.granted("sonnet", dialect=Dialect.CHAT, login=True)
    assert (provider_of(other), reasons(other)["a/-/sonnet-id"]) == ("b", "dialect")
    assert provider_of(core.granted("sonnet", dialect=Dialect.ANTHROPIC)) == "b"


def test_disabled_and_keyless_providers_are_passed_over_and_named():
    off = provider("a", enabled=False, why_disabled="switched off in the file")
    known = catalogue(at("a", "sonnet"), at("b", "mini"), providers=[off, provider("b", ())])
    refusal = Core(known).refused("")
    assert refusal.kind is RefusalKind.NOTHING_CONFIGURED
    assert reasons(refusal) == {"a/-/sonnet-id": "disabled", "b/-/mini-id": "no_key"}
    assert "helio secret set" in refusal.remedy


def test_keys_of_one_provider_share_the_load():
    known = catalogue(at("a", "sonnet"), providers=[provider("a", ("one", "two", "three"))])
    core = Core(known)
    used = [core.granted("sonnet").candidate.key.label for _ in range(6)]
    assert sorted(used[:3]) == sorted(used[3:]) == ["one", "three", "two"]


def test_a_session_stays_with_the_key_that_has_its_prompt_in_the_cache():
    known = catalogue(at("a", "sonnet"), providers=[provider("a", ("one", "two"))])
    core = Core(known)
    who = {"session": "s1"}
    first = core.granted("sonnet", who=who)
    core.good(first)
    core.wait(5)
    others = [core.granted("sonnet") for _ in range(3)]
    again = core.granted("sonnet", who=who)
    assert again.candidate.slot == first.candidate.slot
    assert {one.candidate.key.label for one in others} == {"one", "two"}


def test_a_dearer_deployment_keeps_no_session():
    dear = at("b", "sonnet", price=Price(input=9, output=9))
    core = Core(catalogue(at("a", "sonnet"), dear))
    who = {"session": "s1"}
    core.limited(core.granted("sonnet"), {"retry-after": "10"})
    moved = core.granted("sonnet", who=who)
    assert provider_of(moved) == "b"
    core.good(moved)
    core.wait(11_000_000)
    core.good(core.granted("sonnet"))
    assert provider_of(core.granted("sonnet", who=who)) == "a"


def test_only_tests_one_slot_even_if_it_is_closed():
    core = Core()
    core.close("a")
    only = Slot("a", "main", "worker-id")
    grant = core.granted("", only=only)
    assert provider_of(grant) == "a"
    core.good(grant)
    assert core.state("a/main/worker-id")["state"] == "open"
    assert core.refused("", only=Slot("a", "main", "none")).kind is RefusalKind.UNKNOWN_MODEL
