"""Settings: what wins, and how what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.settings import Settings
from store.config import BadSettings, find_home, flat, load_settings, read_settings
from store.config_page import markdown
from store.config_sentences import known_names
from store.home import Home


@pytest.fixture
def home(tmp_path):
    return Home.at(tmp_path)


def write(home: Home, text: str) -> None:
    home.config.write_text(text)
    home.config.chmod(0o600)


def sentences(home: Home, environ: dict[str, str] | None = None) -> list[str]:
    return [problem.sentence for problem in read_settings(home, environ or {}).problems]


def test_an_empty_home_has_the_defaults(home):
    assert load_settings(home, {}) == Settings()


def test_the_file_beats_the_default_and_the_environment_beats_the_file(home):
    write(home, "[house]\nslots = 5\ndrain_s = 3\n")
    settings = load_settings(home, {"HELIOGRAPH_HOUSE__SLOTS": "7"})
    assert (settings.house.slots, settings.house.drain_s) == (7, 3)


def test_sources_name_the_line_and_the_variable(home):
    write(home, "# mine\n[house]\nslots = 5\n\n[store]\nsynchronous = 'FULL'\n")
    sources = read_settings(home, {"HELIOGRAPH_SERVE__PORT": "9000"}).sources
    assert sources["house.slots"] == "config.toml line 3"
    assert sources["store.synchronous"] == "config.toml line 6"
    assert sources["serve.port"] == "HELIOGRAPH_SERVE__PORT"
    assert sources["house.drain_s"] == "default"


def test_lists_and_pools_can_come_from_the_environment(home):
    environ = {"HELIOGRAPH_LANES__WEIGHTS": "[6,5,4,3,2,1]", "HELIOGRAPH_POOLS__LLM": "4"}
    settings = load_settings(home, environ)
    assert settings.lanes.weights == (6, 5, 4, 3, 2, 1)
    assert settings.pools == {"llm": 4}


def test_variables_that_are_no_settings_are_left_alone(home):
    assert sentences(home, {"HELIOGRAPH_HOME": "/x", "HELIOGRAPH_JOB": "abc", "PATH": "/bin"}) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[store]\n\nsynchronous = 'MAYBE'",
            "store.synchronous is 'MAYBE'; it must be FULL or NORMAL (config.toml line 3).",
        ),
        ("[house]\nslots = 0", "house.slots is 0; it must be at least 1 (config.toml line 2)."),
        (
            "[house]\nslots = 'many'",
            "house.slots is 'many'; it must be a whole number (config.toml line 2).",
        ),
        (
            "[serve]\nport = 70000",
            "serve.port is 70000; it must be at most 65535 (config.toml line 2).",
        ),
        (
            "[lanes]\nweights = [1, 2]",
            "lanes.weights.2 is missing: the list is too short (config.toml line 2).",
        ),
        (
            "[store]\nsynchronus = 'FULL'",
            (
                "store.synchronus is not a setting; the nearest is store.synchronous"
                " (config.toml line 2)."
            ),
        ),
        (
            "[server]\nport = 1",
            "server is not a setting; the nearest is serve (config.toml line 1).",
        ),
        (
            "[house]\nkill_grace_s = 1",
            (
                "house.kill_grace_s is not a setting; the nearest is clocks.kill_grace_s"
                " (config.toml line 2)."
            ),
        ),
        (
            "house = 3",
            "house is 3; it must be a section of settings (config.toml line 1).",
        ),
        ("[pools]\nllm = 0", "pools.llm is 0; it must be at least 1 (config.toml line 2)."),
    ],
)
def test_a_wrong_value_is_said_in_one_sentence_with_its_place(home, text, sentence):
    write(home, text)
    assert sentence in sentences(home)


def test_everything_wrong_is_said_at_once(home):
    write(home, "[house]\nslots = 0\n[serve]\nprt = 1\n")
    with pytest.raises(BadSettings) as caught:
        load_settings(home, {"HELIOGRAPH_STORE__SYNCHRONOUS": "OFF"})
    assert len(caught.value.facts["problems"]) == 3
    assert "(HELIOGRAPH_STORE__SYNCHRONOUS)" in caught.value.detail


def test_a_file_that_is_no_toml_is_named(home):
    write(home, "slots : 5")
    assert str(home.config) in sentences(home)[0]
    assert "not valid TOML" in sentences(home)[0]


@pytest.mark.parametrize(
    ("environ", "words", "fatal"),
    [
        ({"HELIOGRAPH_SERVE__HOST": "0.0.0.0"}, "whoever reaches this machine", False),
        ({"HELIOGRAPH_RAY__PORT": "8420"}, "ray.port is 8420, and so is serve.port", True),
        ({"HELIOGRAPH_HOUSE__TIME_ZONE": "Mars/Crater"}, "IANA name", True),
        ({"HELIOGRAPH_STORE__SYNCHRONOUS": "NORMAL"}, "power cut", False),
        ({"HELIOGRAPH_LANES__WEIGHTS": "[1,2,3,4,5,6]"}, "Weights usually fall", False),
        ({"HELIOGRAPH_LIMITS__PAYLOAD_BYTES": "99999999"}, "more than serve.request_bytes", True),
    ],
)
def test_settings_that_contradict_each_other_are_named(home, environ, words, fatal):
    loaded = read_settings(home, environ)
    assert any(words in problem.sentence and problem.fatal is fatal for problem in loaded.problems)
    assert (loaded.settings is None) is fatal


def test_a_configuration_that_others_can_read_is_a_warning(home):
    home.config.write_text("[house]\nslots = 3\n")
    home.config.chmod(0o644)
    loaded = read_settings(home, {})
    assert loaded.settings is not None
    assert "mode 0644" in loaded.problems[0].sentence


def test_the_home_is_the_variable_or_the_dot_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home({}).root == tmp_path.resolve() / ".heliograph"
    assert find_home({"HELIOGRAPH_HOME": str(tmp_path / "x")}).root == tmp_path.resolve() / "x"


def test_every_setting_that_is_shown_is_a_known_name():
    assert {name for name, _ in flat(Settings())} <= set(known_names())


def test_the_configuration_page_is_fresh_and_names_every_setting():
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
    assert page == markdown(), "Draw it again: make docs"
    assert [name for name, _ in flat(Settings()) if f"`{name}`" not in page] == []
