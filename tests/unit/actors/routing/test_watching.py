"""The catalogue in force follows its file and its keys; a bad file changes nothing but says so."""

from __future__ import annotations

import os

import pytest

from actors.routing.address import ports_to_try, record, socket_path
from actors.routing.secrets import KeyValues
from actors.routing.watching import CatalogueWatch
from engine.errors import HouseFault, NotFound
from engine.settings import ModelSettings
from store.home import Home
from store.secrets import Secrets

GOOD = """
[providers.local]
url = "http://127.0.0.1:9999"
dialect = "chat"
transport = "direct"
keys = [{label = "one", from = "secret:ONE_KEY"}, {label = "two", from = "env:TWO_KEY"}]
[[models]]
name = "tiny"
provider = "local"
id = "tiny-1"
family = "tiny"
tier = "cheap"
input_usd = 0.1
output_usd = 0.2
"""


@pytest.fixture
def home(tmp_path):
    return Home.at(tmp_path)


@pytest.fixture
def watch(home):
    return CatalogueWatch(home.models, lambda source: True)


def written(home, text, at_ns):
    home.models.write_text(text)
    os.utime(home.models, ns=(at_ns, at_ns))


def models(watch):
    return [one.model for one in watch.catalogue.deployments]


def test_no_file_is_an_empty_catalogue_and_no_problem(watch):
    watch.look()
    assert (models(watch), watch.problem) == ([], None)


def test_a_file_is_taken_over_when_it_comes_and_when_it_changes(home, watch):
    watch.look()
    written(home, GOOD, 10**18)
    assert watch.look()
    assert models(watch) == ["tiny"]
    assert not watch.look(), "nothing changed"
    written(home, GOOD.replace('"tiny"', '"small"'), 10**18 + 1)
    assert watch.look()
    assert models(watch) == ["small"]


def test_a_bad_file_leaves_the_last_good_one_in_force_and_is_a_problem(home, watch):
    written(home, GOOD, 10**18)
    watch.look()
    written(home, GOOD + "\nnonsense = ", 10**18 + 1)
    assert not watch.look()
    assert models(watch) == ["tiny"]
    assert watch.problem is not None
    assert "TOML" in watch.problem["detail"]
    written(home, GOOD, 10**18 + 2)
    watch.look()
    assert watch.problem is None


def test_a_file_of_bytes_that_are_no_text_is_a_problem(home, watch):
    home.models.write_bytes(b"\xff\xfe\x00")
    watch.look()
    assert watch.problem is not None


def test_a_key_counts_from_the_moment_on_in_which_its_secret_is_there(home):
    watch = CatalogueWatch(home.models, KeyValues(home).is_there)
    home.models.write_text(GOOD)
    watch.look()
    assert watch.catalogue.providers["local"].keys == ()
    Secrets(home.secrets).set("ONE_KEY", "sk-1234567890")
    assert watch.look()
    assert [key.label for key in watch.catalogue.providers["local"].keys] == ["one"]


def test_values_are_read_where_they_are_and_again_when_they_change(home, monkeypatch):
    values = KeyValues(home)
    Secrets(home.secrets).set("ONE_KEY", "sk-1234567890")
    monkeypatch.setenv("TWO_KEY", "sk-env")
    assert values.resolve("secret:ONE_KEY") == "sk-1234567890"
    assert values.resolve("env:TWO_KEY") == "sk-env"
    assert values.resolve("") == ""
    Secrets(home.secrets).set("ONE_KEY", "sk-another-one")
    assert values.resolve("secret:ONE_KEY") == "sk-another-one"
    (home.secrets / "ONE_KEY").unlink()
    with pytest.raises(NotFound, match="ONE_KEY"):
        values.resolve("secret:ONE_KEY")
    monkeypatch.delenv("TWO_KEY")
    with pytest.raises(NotFound, match="TWO_KEY"):
        values.resolve("env:TWO_KEY")


def test_a_secret_that_others_can_read_is_not_used(home):
    Secrets(home.secrets).set("ONE_KEY", "sk-1234567890")
    (home.secrets / "ONE_KEY").chmod(0o644)
    values = KeyValues(home)
    with pytest.raises(HouseFault, match="read by others"):
        values.resolve("secret:ONE_KEY")
    assert not values.is_there("secret:ONE_KEY")


def test_the_gateway_comes_back_where_it_was(home):
    settings = ModelSettings()
    assert ports_to_try(settings, home) == (8421, 0)
    record(home, "http://127.0.0.1:5555", None)
    assert ports_to_try(settings, home) == (5555, 8421, 0)
    assert ports_to_try(ModelSettings(port=9000), home) == (9000,)
    assert ports_to_try(ModelSettings(port=0), home) == (5555, 0)
    assert home.gateway.stat().st_mode & 0o777 == 0o600


def test_a_socket_too_deep_for_the_kernel_goes_beside_the_control_socket(tmp_path):
    home = Home.at(tmp_path / ("d" * 100))
    assert socket_path(home) is None
    home.root.mkdir()
    home.ports.write_text('{"control": "/run/x/control.sock"}')
    assert str(socket_path(home)) == "/run/x/gateway.sock"
    assert socket_path(Home.at("/h")) == Home.at("/h").gateway_socket
