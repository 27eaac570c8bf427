"""`helio job submit --signal` and `--ask`: jobs that run nothing and wait."""

from __future__ import annotations

import pytest

from .test_jobs import MADE, request_of


@pytest.fixture
def submitted(house):
    house.on("job.submit", MADE)
    return house


def test_a_wait_for_a_signal_is_a_job_without_a_command(helio, submitted):
    ran = helio("job", "submit", "--signal", "deployed", "--deadline", "1h30m", "--name", "gate")
    assert ran.code == 0, ran.err
    assert request_of(submitted) == {
        "wait": {"signal": "deployed", "deadline_s": 5400.0},
        "name": "gate",
        "lane": "P2",
        "source": "cli",
    }
    assert "helio job signal 4kq8w2mz deployed" in ran.err


def test_a_question_has_options_a_default_and_a_deadline(helio, submitted):
    ran = helio(
        *("job", "submit", "--ask", "Publish?", "--option", "yes", "--option", "no"),
        *("--default", "no", "--deadline", "2h"),
    )
    assert ran.code == 0, ran.err
    wait = {"ask": "Publish?", "options": ["yes", "no"], "default": "no", "deadline_s": 7200.0}
    assert request_of(submitted)["wait"] == wait
    assert "helio decision list" in ran.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--signal", "a", "--ask", "b"), "not both"),
        (("--signal", "a", "--", "echo"), "one of these"),
        (("--ask", "a", "--sh", "echo"), "one of these"),
        (("--option", "a", "--", "echo"), "belong to --ask"),
        (("--signal", "a", "--default", "b"), "belong to --ask"),
        (("--deadline", "2h", "--", "echo"), "belongs to"),
        (("--ask", "a", "--deadline", "soon"), "'soon' is no duration"),
    ],
)
def test_what_does_not_belong_together_is_refused_here(helio, submitted, argv, words):
    ran = helio("job", "submit", *argv)
    assert ran.code == 2
    assert words in ran.err
    assert "remedy: " in ran.err
    assert submitted.asked == []
