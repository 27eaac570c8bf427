import pytest

from engine.errors import BadInput, HouseFault, NotFound
from store.secrets import Secrets


@pytest.fixture
def secrets(home):
    return Secrets(home.secrets)


def test_a_secret_is_read_back_as_it_was_set(secrets):
    secrets.set("DEPLOY_TOKEN", "s3cret é\nline")
    assert secrets.read("DEPLOY_TOKEN") == "s3cret é\nline"
    assert secrets.names() == ["DEPLOY_TOKEN"]


def test_files_are_for_the_owner_alone(secrets, home):
    secrets.set("TOKEN", "the value")
    assert home.secrets.stat().st_mode & 0o777 == 0o700
    assert (home.secrets / "TOKEN").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in home.secrets.iterdir()] == ["TOKEN"], "no temporary file stays"


def test_a_secret_that_others_can_read_is_refused(secrets, home):
    secrets.set("TOKEN", "the value")
    (home.secrets / "TOKEN").chmod(0o644)
    with pytest.raises(HouseFault) as refusal:
        secrets.read("TOKEN")
    assert "helio secret rotate TOKEN" in refusal.value.remedy
    secrets.rotate("TOKEN", "another one")
    assert secrets.read("TOKEN") == "another one"


def test_a_link_is_no_secret(secrets, home, tmp_path):
    secrets.set("TOKEN", "the value")
    (home.secrets / "LINK").symlink_to(home.secrets / "TOKEN")
    with pytest.raises(OSError, match="symbolic links"):
        secrets.read("LINK")


@pytest.mark.parametrize("name", ["", "token", "1A", "A-B", "A/B", "../A", "A\n", "A" * 65, "Ä"])
def test_a_name_that_cannot_be_an_environment_variable_is_refused(secrets, name):
    with pytest.raises(BadInput) as refusal:
        secrets.set(name, "the value")
    assert "DEPLOY_TOKEN" in refusal.value.remedy


@pytest.mark.parametrize("value", ["", "seven c", "nul\0byte", "x" * 65_537])
def test_a_value_that_cannot_be_handed_on_or_redacted_is_refused(secrets, value):
    with pytest.raises(BadInput) as refusal:
        secrets.set("TOKEN", value)
    assert value == "" or value not in refusal.value.detail + refusal.value.remedy
    assert secrets.names() == []


def test_rotation_needs_a_secret_that_is_there(secrets):
    with pytest.raises(NotFound) as refusal:
        secrets.rotate("MISSPELT", "the value")
    assert "helio secret set MISSPELT" in refusal.value.remedy
    assert secrets.names() == []


def test_what_is_not_there_is_not_found(secrets):
    for ask in (secrets.read, secrets.changed_at, secrets.remove):
        with pytest.raises(NotFound):
            ask("TOKEN")
    assert secrets.names() == []
    assert secrets.values() == {}


def test_all_values_are_given_to_redaction(secrets):
    secrets.set("B", "the value b")
    secrets.set("A", "the value a")
    assert secrets.values() == {"A": "the value a", "B": "the value b"}
    secrets.remove("A")
    assert secrets.names() == ["B"]


def test_the_time_of_the_last_change_is_known(secrets, home):
    secrets.set("TOKEN", "the value")
    stamp = (home.secrets / "TOKEN").stat().st_mtime_ns // 1000
    assert secrets.changed_at("TOKEN") == stamp
