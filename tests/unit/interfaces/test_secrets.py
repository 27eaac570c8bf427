"""`helio secret`: in by standard input, out never."""

from __future__ import annotations

import io
import sys

import pytest

from store.secrets import Secrets


@pytest.fixture
def typed(monkeypatch):
    def type_(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return type_


def test_a_value_comes_from_standard_input_and_is_shown_nowhere(helio, home, typed):
    typed("hunter22\n")
    ran = helio("secret", "set", "API_KEY")
    assert ran.code == 0
    assert "hunter22" not in ran.out + ran.err
    assert Secrets(home.secrets).read("API_KEY") == "hunter22"
    listed = helio("secret", "list")
    assert "API_KEY" in listed.out
    assert "hunter22" not in listed.out + listed.err + helio("secret", "list", "--json").out


def test_a_value_on_the_command_line_is_refused(helio, home, typed):
    typed("")
    assert helio("secret", "set", "API_KEY", "hunter22").code == 2
    assert Secrets(home.secrets).names() == []


def test_rotate_refuses_a_name_that_is_not_there(helio, typed):
    typed("new-value")
    ran = helio("secret", "rotate", "NO_SUCH")
    assert ran.code == 3
    assert "helio secret set NO_SUCH" in ran.err


def test_remove_never_asks_where_nobody_answers(helio, home, typed):
    typed("hunter22")
    helio("secret", "set", "API_KEY")
    refused = helio("secret", "remove", "API_KEY")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert helio("secret", "remove", "API_KEY", "--yes").code == 0
    assert Secrets(home.secrets).names() == []


def test_a_bad_name_is_told_with_an_example(helio, typed):
    typed("hunter22")
    ran = helio("secret", "set", "../token")
    assert ran.code == 2
    assert "DEPLOY_TOKEN" in ran.err
