"""The home on disk: private, made once, and locked by one supervisor."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.errors import HouseFault
from serve.supervisor import homestead
from store.home import Home


def test_settling_in_makes_private_directories_and_tokens_of_256_bits(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    homestead.settle_in(home)
    for directory in (home.root, home.secrets, home.logs, home.sessions, home.empty):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for token in (home.token, home.ray_token):
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert len(bytes.fromhex(token.read_text())) == 32
    assert home.token.read_text() != home.ray_token.read_text()


def test_settling_in_again_keeps_the_tokens_and_closes_what_was_opened(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    homestead.settle_in(home)
    before = home.token.read_text()
    home.token.chmod(0o644)
    home.logs.chmod(0o755)
    homestead.settle_in(home)
    assert home.token.read_text() == before
    assert stat.S_IMODE(home.token.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.logs.stat().st_mode) == 0o700


def test_a_home_that_cannot_be_made_is_a_fault_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HouseFault, match="cannot be used") as caught:
        homestead.settle_in(Home.at(tmp_path / "file" / "home"))
    assert "HELIOGRAPH_HOME" in caught.value.remedy


def test_the_lock_has_one_holder(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert homestead.lock(home) is not None
    assert homestead.lock(home) is None


def test_only_run_directories_of_ours_are_removed(tmp_path: Path) -> None:
    stranger = tmp_path / "helio-not-where-ours-are"
    stranger.mkdir()
    homestead.clear_run_dir(stranger)
    assert stranger.exists()
    ours = homestead.make_run_dir()
    (ours / "deep").mkdir()
    homestead.clear_run_dir(ours)
    assert not ours.exists()


def test_a_run_directory_is_short_whatever_the_temporary_directory_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 60)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    made = homestead.make_run_dir()
    assert len(str(made)) <= 36
    homestead.clear_run_dir(made)
    assert not made.exists()
