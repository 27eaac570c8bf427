"""models.toml becomes a catalogue: presets filled in, the user's word above them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from routing.catalogue import judge, read_catalogue
from routing.conversation import Dialect, Usage
from routing.models import Ability, Catalogue, Deployment, Price, ProviderKind, Tier, Transport
from routing.presets import known_models, presets

ROOT = Path(__file__).parents[3]
ANTHROPIC = '[providers.anthropic]\nkeys = ["secret:ANTHROPIC_API_KEY"]\n'


def deployment(catalogue: Catalogue, model: str, provider: str) -> Deployment:
    return next(
        one for one in catalogue.deployments if (one.model, one.provider) == (model, provider)
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_no_text_is_an_empty_catalogue(text):
    found = judge(text)
    assert found.flaws == ()
    assert found.catalogue is not None
    assert (found.catalogue.providers, found.catalogue.deployments) == ({}, ())


def test_a_provider_named_like_a_preset_needs_only_its_key():
    catalogue = read_catalogue(ANTHROPIC)
    provider = catalogue.providers["anthropic"]
    assert (provider.dialect, provider.transport) == (Dialect.ANTHROPIC, Transport.RELAY)
    assert provider.url == "https://api.anthropic.com"
    assert [(key.label, key.source) for key in provider.keys] == [
        ("ANTHROPIC_API_KEY", "secret:ANTHROPIC_API_KEY")
    ]
    assert provider.enabled
    opus = deployment(catalogue, "claude-opus-5-5", "anthropic")
    assert (opus.tier, opus.family, opus.id) == (Tier.ULTRA, "claude", "claude-opus-5-5")
    assert opus.price == Price(input=4.0, output=20.0, cache_read=0.2, cache_write=5.0)
    assert Ability.VISION in opus.abilities


def test_several_keys_stand_in_their_order_with_their_labels():
    keys = 'keys = ["secret:FIRST", { from = "env:SECOND", label = "work" }]'
    catalogue = read_catalogue(f"[providers.openai]\n{keys}\n")
    found = [(key.label, key.source) for key in catalogue.providers["openai"].keys]
    assert found == [("FIRST", "secret:FIRST"), ("work", "env:SECOND")]


def test_a_provider_whose_preset_needs_a_key_is_disabled_without_one_and_says_why():
    provider = read_catalogue("[providers.gemini]\n").providers["gemini"]
    assert not provider.enabled
    assert "helio secret set GEMINI_API_KEY" in provider.why_disabled


def test_a_provider_can_be_switched_off():
    provider = read_catalogue(ANTHROPIC + "enabled = false\n").providers["anthropic"]
    assert not provider.enabled
    assert "enabled = false" in provider.why_disabled


def test_what_the_file_says_of_a_preset_s_model_goes_above_it():
    text = ANTHROPIC + '[[models]]\nname = "claude-opus-5-5"\ntier = "mid"\ncontext = 9\n'
    opus = deployment(read_catalogue(text), "claude-opus-5-5", "anthropic")
    assert (opus.tier, opus.context) == (Tier.MID, 9)
    assert opus.price is not None
    assert opus.price.output == 20.0  # what it does not say stays


def test_one_price_in_the_file_replaces_all_of_the_preset_s():
    said = 'name = "claude-haiku-5-5"\nprovider = "anthropic"\ninput_usd = 1.0\noutput_usd = 2.0\n'
    haiku = deployment(
        read_catalogue(f"{ANTHROPIC}[[models]]\n{said}"), "claude-haiku-5-5", "anthropic"
    )
    assert haiku.price == Price(input=1.0, output=2.0)


def test_a_known_model_elsewhere_brings_its_facts_but_not_its_price():
    text = (
        '[providers.openrouter]\nkeys = ["env:OR"]\n[[models]]\nprovider = "openrouter"\n'
        'name = "claude-opus-5-5"\nid = "anthropic/claude-opus-5.5"\n'
    )
    found = judge(text)
    assert found.catalogue is not None
    opus = deployment(found.catalogue, "claude-opus-5-5", "openrouter")
    assert (opus.family, opus.tier, opus.id) == (
        "claude", Tier.ULTRA, "anthropic/claude-opus-5.5",
    )  # fmt: skip
    assert opus.price is None
    assert "no price" in found.flaws[0].sentence
    assert not found.flaws[0].fatal
    listed = deployment(read_catalogue(text + "list_price = true\n"), opus.model, "openrouter")
    assert listed.price == known_price("claude-opus-5-5")


def known_price(name: str) -> Price:
    known = known_models()[name]
    assert known.input_usd is not None
    assert known.output_usd is not None
    return Price(
        input=known.input_usd, output=known.output_usd,
        cache_read=known.cache_read_usd, cache_write=known.cache_write_usd,
    )  # fmt: skip


def test_a_model_nobody_knows_gets_plain_facts_and_a_family_from_its_name():
    text = (
        '[providers.here]\npreset = "openai_compatible"\nurl = "http://127.0.0.1:8000/v1/"\n'
        '[[models]]\nprovider = "here"\nname = "Qwen/Qwen3-32B"\ninput_usd = 0\noutput_usd = 0\n'
    )
    found = judge(text)
    assert found.flaws == ()
    assert found.catalogue is not None
    (only,) = found.catalogue.deployments
    assert (only.family, only.tier, only.abilities) == ("qwen", Tier.MID, {Ability.TOOLS})
    assert found.catalogue.providers["here"].url == "http://127.0.0.1:8000/v1"
    assert [key.label for key in found.catalogue.providers["here"].keys] == ["keyless"]


def test_a_preset_s_models_can_be_chosen():
    catalogue = read_catalogue(ANTHROPIC + 'models = ["claude-haiku-5-5"]\n')
    assert [one.model for one in catalogue.deployments] == ["claude-haiku-5-5"]


def test_ollama_costs_nothing():
    text = '[providers.ollama]\n[[models]]\nprovider = "ollama"\nname = "llama3.1"\n'
    found = judge(text)
    assert found.flaws == ()
    assert found.catalogue is not None
    assert found.catalogue.deployments[0].price == Price(input=0, output=0)
    assert found.catalogue.providers["ollama"].enabled


def test_a_subscription_has_no_key_and_no_price():
    text = '[providers.plan]\npreset = "anthropic"\nkind = "subscription"\n'
    catalogue = read_catalogue(text)
    provider = catalogue.providers["plan"]
    assert (provider.kind, provider.enabled) == (ProviderKind.SUBSCRIPTION, True)
    assert [(key.label, key.source) for key in provider.keys] == [("login", "")]
    assert {one.price for one in catalogue.deployments} == {Price(input=0, output=0)}


def test_tiers_list_all_models_in_the_order_of_the_file_unless_the_file_lists_them():
    both = ANTHROPIC + '[providers.openai]\nkeys = ["env:O"]\n'
    assert read_catalogue(both).tiers[Tier.CHEAP] == (
        "claude-haiku-5-5", "claude-haiku-4-5", "gpt-6-luna",
    )  # fmt: skip
    own = both + '[tiers]\ncheap = ["gpt-6-luna"]\n'
    assert read_catalogue(own).tiers[Tier.CHEAP] == ("gpt-6-luna",)


def test_aliases_of_presets_hold_unless_the_file_says_otherwise():
    assert read_catalogue(ANTHROPIC).aliases["opus"] == "claude-opus-5-5"
    own = ANTHROPIC + '[aliases]\nopus = "cheap"\n"gpt-4*" = "claude-sonnet-5-5"\n'
    aliases = read_catalogue(own).aliases
    assert (aliases["opus"], aliases["gpt-4*"]) == ("cheap", "claude-sonnet-5-5")


def test_stand_ins_are_as_the_file_has_them():
    own = ANTHROPIC + "[falls_to]\nclaude-opus-5-5 = []\nopus-x = []\n".replace("opus-x = []\n", "")
    assert read_catalogue(own).falls_to == {"claude-opus-5-5": ()}


def test_litellm_is_told_what_only_it_understands():
    text = (
        '[providers.mistral]\npreset = "litellm"\nlitellm_prefix = "mistral"\nkeys = ["env:M"]\n'
        'options = { api_version = "2026-01-01" }\n'
    )
    provider = read_catalogue(text).providers["mistral"]
    assert (provider.transport, provider.litellm_prefix) == (Transport.LITELLM, "mistral/")
    assert (provider.url, provider.options) == ("", {"api_version": "2026-01-01"})


def test_a_long_call_costs_what_the_maker_says():
    price = deployment(read_catalogue(ANTHROPIC), "claude-haiku-5-5", "anthropic").price
    assert price is not None
    assert price.of(Usage(input=100_000, output=1_000_000)) == pytest.approx(0.01 + 0.5)
    assert price.of(Usage(input=200_000, output=1_000_000)) == pytest.approx(0.1 + 2.5)


def test_the_version_follows_the_text():
    assert read_catalogue(ANTHROPIC).version != read_catalogue(ANTHROPIC + "\n").version


def test_every_preset_with_a_price_list_serves_the_tiers_of_work():
    for name in ("anthropic", "openai", "gemini"):
        tiers = {model.tier for model in presets()[name].models}
        assert tiers >= {Tier.ULTRA, Tier.MID, Tier.CHEAP}, name


def test_the_prices_are_those_of_the_installed_map():
    script = runpy.run_path(str(ROOT / "docs" / "prices.py"))
    assert script["page"]() == script["PAGE"].read_text(), "python docs/prices.py"
