"""Everything wrong with models.toml is found at once and said in sentences with their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.catalogue import BadCatalogue, judge, read_catalogue

HERE = '[providers.here]\npreset = "openai_compatible"\nurl = "http://127.0.0.1:8000"\n'
MODEL = '[[models]]\nprovider = "here"\nname = "m"\ninput_usd = 0\noutput_usd = 0\n'
EMBED = '[providers.openai]\nkeys = ["env:A"]\n'


def said(text: str) -> str:
    found = judge(text)
    assert found.catalogue is None
    return "\n".join(flaw.sentence for flaw in found.flaws)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[providers", "models.toml is not valid TOML"),
        ("[provider.x]\n", "provider is not a key of this file; the nearest is providers"),
        ('[providers.x]\ntransprot = "relay"\n', "the nearest is transport (models.toml line 2)."),
        ('[providers.x]\ntransport = "rely"\n',
         "providers.x.transport is 'rely'; it must be litellm, relay or direct"),
        ('[providers.x]\npreset = "gpt"\n', "providers.x.preset is 'gpt'; there are anthropic,"),
        ('[providers.x]\nurl = "localhost"\n', "it must be an address such as https://host/path"),
        ("[providers.x]\nconcurrency = -1\n", "it must be at least 0"),
        ('[providers."a/b"]\n', "it must begin with a letter or a digit"),
        ("[providers.x]\n", "has no preset, so LiteLLM speaks to it: it needs litellm_prefix"),
        ('[providers.x]\ntransport = "direct"\n', "providers.x needs a url"),
        ('[providers.x]\ntransport = "direct"\nurl = "http://127.0.0.1"\n', "needs a dialect"),
        ('[providers.openai]\nkeys = ["env:A", "secret:A"]\n', "two keys of one label"),
        ('[providers.openai]\nkeys = ["env:A"]\noptions = {a = 1}\n', "is for transport"),
        ('[providers.openai]\nkeys = ["env:A"]\nheaders = {x = "secret:A"}\n', "names a secret"),
        ('[providers.openai]\nkind = "subscription"\nkeys = ["env:A"]\n', "must be empty"),
        ('[providers.gemini]\nkind = "subscription"\ntransport = "direct"\n', 'must be "relay"'),
        ('[providers.openai]\nkeys = ["env:A"]\nmodels = ["o9"]\n', "names o9, which it does not"),
        ('[[models]]\nname = "m"\nprovider = "x"\n', "is 'x'; the providers are: none"),
        ('[[models]]\nname = "m"\n', "models.0 does not say which provider serves m"),
        ('[[models]]\nprovider = "x"\n', "models.0.name is missing"),
        (HERE + MODEL + MODEL, "models.1 repeats m"),
        (HERE + MODEL.replace("output_usd = 0\n", ""), "has a price, but no output_usd"),
        (HERE + MODEL.replace("= 0", "= -1"), "it must be at least 0"),
        (HERE + MODEL + "list_price = true\n", "no preset knows a model m"),
        (HERE + MODEL + 'abilities = ["flying"]\n', "abilities"),
        (HERE + MODEL + '[tiers]\nultra = ["m"]\n', 'which is mid; set its tier = "ultra"'),
        (HERE + MODEL + '[tiers]\nmid = ["n"]\n', "tiers.mid names n, which is no model here"),
        (HERE + MODEL + '[tiers]\nbest = ["m"]\n', "tiers.best"),
        (HERE + MODEL + '[aliases]\nx = "y"\n', "aliases.x leads to 'y'"),
        (HERE + MODEL + '[aliases]\nm = "mid"\n', "is the name of a model already"),
        (HERE + MODEL + '[aliases]\n"a*b" = "m"\n', "with a * at its end at most"),
        (HERE + MODEL + '[falls_to]\nm = ["n"]\n', "falls_to.m names n"),
        (EMBED + '[falls_to]\ntext-embedding-3-large = ["text-embedding-3-small"]\n', "compared"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_in_a_sentence(text, sentence):
    assert sentence in said(text)


def test_all_flaws_are_told_together_each_with_its_line():
    found = said(HERE + MODEL + '[aliases]\nx = "y"\n[tiers]\nmid = ["n"]\n')
    assert "(models.toml line 10)" in found
    assert "(models.toml line 12)" in found


def test_the_second_of_two_models_is_found_in_its_own_lines():
    found = said(HERE + MODEL + '[[models]]\nprovider = "here"\nname = "n"\ntier = "big"\n')
    assert "models.1.tier is 'big'" in found
    assert "(models.toml line 12)" in found


def test_a_key_pasted_into_the_file_is_refused_and_not_shown():
    pasted = "sk-proj-0123456789abcdef"
    found = said(f'[providers.openai]\nkeys = ["{pasted}"]\n')
    assert "never the key itself" in found
    assert pasted not in found


def test_plain_http_to_another_machine_is_a_warning_where_keys_go_there():
    found = judge(HERE.replace("127.0.0.1", "10.0.0.7") + 'keys = ["env:A"]\n' + MODEL)
    assert found.catalogue is not None
    assert "keys can be read there" in found.flaws[0].sentence
    assert judge(HERE + 'keys = ["env:A"]\n' + MODEL).flaws == ()


def test_reading_raises_all_that_is_fatal_and_the_remedy():
    with pytest.raises(BadCatalogue) as refused:
        read_catalogue('[aliases]\nx = "y"\n[tiers]\nmid = ["n"]\n')
    assert len(refused.value.facts["problems"]) == 2
    assert refused.value.remedy.endswith("helio check")
    assert refused.value.exit_code == 2


@given(st.text(alphabet='[]{}=".#\n abcmodelsprovidersname0123', max_size=200))
def test_no_text_makes_the_reader_stumble(text):
    judge(text)
