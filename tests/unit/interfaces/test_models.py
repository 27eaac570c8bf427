"""`helio model`, `helio cost`, and what check, doctor and status say of models.toml."""

from __future__ import annotations

import pytest

from engine.errors import NotFound
from routing.catalogue import judge
from routing.presets import presets
from store.secrets import Secrets

NOW = 1_795_000_000_000_000
OPEN = {
    "slot": "anthropic/work/claude-opus-5-5", "model": "claude-opus-5-5", "provider": "anthropic",
    "key": "work", "id": "claude-opus-5-5", "family": "claude", "tier": "ultra", "kind": "api_key",
    "transport": "relay", "context": 1_000_000, "max_output": 128_000, "abilities": ["tools"],
    "price": {"input": 4.0, "output": 20.0, "long": {"input": 8.0, "output": 30.0},
              "long_from": 272_000},
    "state": "open", "until": 0, "why": "", "detail": "", "in_flight": 2,
    "p95_first_byte_us": 812_000,
    "limits": {"requests": {"left": 41, "reset": NOW + 60_000_000, "a_minute": 50, "used": 9}},
}  # fmt: skip
CLOSED = OPEN | {
    "slot": "anthropic/home/claude-opus-5-5", "key": "home", "state": "closed", "why": "rate_limit",
    "until": NOW + 3_600_000_000, "detail": "429 from the provider",
}  # fmt: skip
DISABLED = OPEN | {
    "slot": "gemini//g", "model": "g", "provider": "gemini", "key": "", "state": "disabled",
    "why": "It has no key. Give it one.", "price": None,
}  # fmt: skip
LISTED = {"items": [OPEN, CLOSED, DISABLED], "next_cursor": None, "problem": None, "halted": False}
SUM = {"calls": 7, "failed": 1, "usd": 0.0312, "turns": 0, "input": 12_300, "output": 950,
       "cache_read": 0}  # fmt: skip


@pytest.fixture(autouse=True)
def _the_clock_stands(monkeypatch):
    monkeypatch.setattr("interfaces.cli.voice.now_us", lambda: NOW)


def row(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if start in line)


def test_the_list_tells_tier_price_state_and_today_s_cost_once_a_model(helio, house):
    house.on("model.list", LISTED)
    house.on("cost.sum", {"items": [SUM | {"key": "claude-opus-5-5"}], "total": SUM})
    ran = helio("model", "list")
    assert ran.code == 0
    first, second = row(ran.out, "work"), row(ran.out, "home")
    assert "$4 / $20" in first
    assert "7 $0.03" in first
    assert "$0.03" not in second
    assert first.endswith("open")
    assert second.endswith("closed until 12:06: rate limit")
    assert row(ran.out, "gemini").endswith("disabled: It has no key")
    assert house.bodies("cost.sum") == [{"by": "model", "since": "2026-11-18"}]


def test_a_closure_without_end_names_no_time(helio, house):
    endless = CLOSED | {"until": 2**62, "why": "auth"}
    house.on("model.list", LISTED | {"items": [endless]})
    assert row(helio("model", "list").out, "home").endswith("closed: its key was refused")


def test_the_list_is_there_though_the_costs_are_not_and_warns_of_what_is_not_in_force(helio, house):
    problem = {"detail": "models.toml is not valid TOML."}
    house.on("model.list", LISTED | {"problem": problem, "halted": True})
    ran = helio("model", "list")
    assert ran.code == 0
    assert "not valid TOML. The last good one stays in force." in ran.err
    assert "helio resume" in ran.err
    assert helio("model", "list", "--json").json["problem"] == problem


def test_no_model_at_all_says_how_to_begin(helio, house):
    house.on("model.list", LISTED | {"items": []})
    assert "helio model init anthropic" in helio("model", "list").err


def test_show_tells_limits_speed_and_the_price_of_long_calls(helio, house):
    house.on("model.show", {"name": "anthropic", "candidates": [OPEN, CLOSED]})
    ran = helio("model", "show", "anthropic")
    assert "41 requests left until 11:07:40, 9 of 50 requests a minute" in ran.out
    assert "95 % within 812 ms" in ran.out
    assert "$8 / $30 above 272k tokens" in ran.out
    assert "429 from the provider" in ran.out
    assert helio("model", "show", "anthropic", "--json").json["candidates"] == [OPEN, CLOSED]


def test_a_name_with_slashes_reaches_the_router_whole(helio, house):
    house.on("model.show", {"name": "x", "candidates": [OPEN]})
    helio("model", "show", OPEN["slot"])
    assert house.bodies("model.show") == [{"name": OPEN["slot"]}]


def test_a_name_nobody_knows_ends_with_3(helio, house):
    house.on("model.show", NotFound("No provider, key or model is called 'x'."))
    assert helio("model", "show", "x").code == 3


def test_a_test_tells_latency_cost_and_the_served_model(helio, house):
    tried = {"slot": OPEN["slot"], "ok": True, "message": "claude-opus-5-5 answered.",
             "usd": 0.00012, "took_us": 640_000}  # fmt: skip
    house.on("model.test", {"name": "x", "tries": [tried]})
    ran = helio("model", "test", "claude-opus-5-5")
    assert ran.code == 0
    assert row(ran.out, "anthropic").endswith("ok   640 ms  $0.00012  claude-opus-5-5 answered.")


def test_a_test_that_fails_tells_the_remedy_and_ends_with_1(helio, house):
    tried = {"slot": OPEN["slot"], "ok": False, "fault": "auth", "message": "invalid x-api-key"}
    house.on("model.test", {"name": "x", "tries": [tried]})
    ran = helio("model", "test", "anthropic")
    assert ran.code == 1
    assert "auth  invalid x-api-key" in ran.out
    assert "helio secret rotate work" in ran.err


def test_a_test_without_keys_tells_each_remedy_once(helio, house):
    missing = [{"slot": f"a/K/{model}", "ok": False, "message": "secret:A_KEY is not there"}
               for model in ("one", "two")]  # fmt: skip
    house.on("model.test", {"name": "a", "tries": missing})
    ran = helio("model", "test", "a")
    assert ran.out.count("not asked") == 2
    assert ran.err == "remedy: Set it: helio secret set A_KEY\n"


def test_trip_takes_a_length_of_time_and_reset_opens(helio, house):
    house.on("model.trip", {"name": "a", "matched": ["provider:a"], "until": NOW + 600_000_000})
    house.on("model.reset", {"name": "a", "matched": ["provider:a"]})
    assert "Closed until 11:16: a. Open" in helio("model", "trip", "a", "--for", "10m").err
    assert house.bodies("model.trip") == [{"name": "a", "for_s": 600}]
    assert "Open: a. What waited" in helio("model", "reset", "a").err
    assert helio("model", "trip", "a", "--for", "soon").code == 2


def test_reload_refuses_a_file_that_cannot_be_used_before_it_asks(helio, house, home):
    house.on("model.reload", {"changed": True, "version": "v", "problem": None})
    assert "in force now" in helio("model", "reload").err
    home.models.write_text("[providers.x]\n")
    ran = helio("model", "reload", "--json")
    assert ran.code == 2
    assert ran.problem["type"].endswith("bad-catalogue")
    assert len(house.bodies("model.reload")) == 1


@pytest.mark.parametrize("chosen", [[], ["anthropic"], list(presets())])
def test_init_writes_a_file_that_can_be_used_and_is_not_replaced(helio, home, chosen):
    ran = helio("model", "init", *chosen)
    assert ran.code == 0
    found = judge(home.models.read_text())
    assert not [flaw for flaw in found.flaws if flaw.fatal]
    assert found.catalogue is not None
    assert set(found.catalogue.providers) == set(chosen)
    if "anthropic" in chosen:
        assert "Next: helio secret set ANTHROPIC_API_KEY" in ran.err
    assert home.models.stat().st_mode & 0o077 == 0
    again = helio("model", "init", "openai")
    assert (again.code, "--force" in again.err) == (6, True)
    assert helio("model", "init", "openai", "--force").code == 0
    assert "[providers.openai]" in home.models.read_text()


def test_what_init_covers_can_be_uncovered(helio, home):
    helio("model", "init")
    lines = home.models.read_text().splitlines()
    opened = "\n".join(line.removeprefix("# ") if _is_code(line) else line for line in lines)
    found = judge(opened)
    assert found.catalogue is not None, found.flaws
    assert set(found.catalogue.providers) == set(presets())


def _is_code(line: str) -> bool:
    inside = line.removeprefix("# ")
    named = inside.partition(" = ")[0].strip('"*').replace("-", "").replace("_", "")
    return (
        line.startswith("# ") and (inside.startswith("[") or named.isalnum()) and "--" not in line
    )


def test_a_preset_nobody_knows_is_refused_with_those_there_are(helio, home):
    ran = helio("model", "init", "gpt")
    assert (ran.code, "openrouter" in ran.err) == (2, True)
    assert not home.models.exists()


def test_costs_are_a_table_with_a_sum(helio, house):
    house.on("cost.sum", {"by": "model", "items": [SUM | {"key": "m"}], "total": SUM})
    ran = helio("cost", "--by", "model", "--since", "2d", "--until", "2026-11-19", "--project", "p")
    assert "12.3k" in ran.out
    assert "Together: $0.03 in 7 calls" in ran.err
    assert house.bodies("cost.sum") == [
        {"by": "model", "since": "2026-11-17", "until": "2026-11-19", "project": "p"}
    ]
    assert helio("cost", "--json").json["total"] == SUM


@pytest.mark.parametrize("wrong", [("--by", "mood"), ("--since", "yesterday")])
def test_costs_refuse_what_they_cannot_add_up(helio, house, wrong):
    assert helio("cost", *wrong).code == 2
    assert house.asked == []


def test_a_day_is_one_of_the_owner_s_time_zone(helio, house, home):
    home.config.write_text('[house]\ntime_zone = "Pacific/Kiritimati"\n')
    home.config.chmod(0o600)
    house.on("cost.sum", {"by": "day", "items": [], "total": SUM})
    helio("cost", "--since", "1d")
    assert house.bodies("cost.sum") == [{"by": "day", "since": "2026-11-19"}]


def test_check_judges_models_and_their_keys(helio, home):
    home.models.write_text(
        '[providers.anthropic]\nkeys = ["secret:A_KEY", "env:NO_SUCH_VARIABLE"]\n'
    )
    ran = helio("check")
    assert ran.code == 0
    assert "secret:A_KEY, which is not set. Remedy: helio secret set A_KEY" in ran.err
    assert "env:NO_SUCH_VARIABLE" in ran.err
    Secrets(home.secrets).set("A_KEY", "sk-1234567890")
    assert "A_KEY" not in helio("check").err
    home.models.write_text("[providers.x]\n")
    told = helio("check", "--json")
    assert (told.code, told.json["ok"]) == (2, False)
    assert "litellm_prefix" in told.json["problems"][0]["detail"]


def test_doctor_says_in_one_line_how_the_models_stand(helio, home):
    line = row(helio("doctor").out, "models")
    assert "no provider is configured" in line
    assert "helio model init anthropic" in line
    home.models.write_text("[providers.gemini]\n")
    assert "every provider is disabled: gemini" in row(helio("doctor").out, "models")
    home.models.write_text('[providers.gemini]\nkeys = ["secret:G"]\n')
    assert "not set: secret:G" in row(helio("doctor").out, "models")
    Secrets(home.secrets).set("G", "sk-1234567890")
    assert row(helio("doctor").out, "models").startswith("ok")
    home.models.write_text("[")
    assert row(helio("doctor").out, "models").startswith("FAIL".lower())
