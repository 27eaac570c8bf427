"""What a command's end means, as a table, and what counts as a JSON result."""

from __future__ import annotations

import errno

import pytest

from actors.backends.verdict import parsed, verdict
from actors.output import Tail
from actors.processes import Exited, Fate, Killed, NotStarted, Unkept
from engine.failures import Cause
from engine.outcomes import Done, Failed, Lost


def tail(text: str = "", limit: int = 1000) -> Tail:
    made = Tail(limit)
    made.add(text)
    return made


@pytest.mark.parametrize(
    ("fate", "cause", "sentence"),
    [
        (Exited(1), Cause.TOOL, "It exited with code 1: last words"),
        (Exited(126), Cause.PERMISSION, "It exited with code 126: last words"),
        (Exited(127), Cause.DEPENDENCY, "It exited with code 127: last words"),
        (Killed(9), Cause.TOOL, "It was ended by signal 9 (SIGKILL): last words"),
        (Killed(40), Cause.TOOL, "It was ended by signal 40 (a real-time signal): last words"),
    ],
)
def test_a_bad_end_has_a_cause_and_its_last_words(fate: Fate, cause: Cause, sentence: str) -> None:
    outcome = verdict(fate, "prog", "/there", tail("out"), tail("first\nlast words\n\n"))
    assert isinstance(outcome, Failed)
    assert (outcome.failure.cause, outcome.failure.message) == (cause, sentence)


@pytest.mark.parametrize(
    ("stage", "number", "cause", "sentence"),
    [
        ("cwd", errno.ENOENT, Cause.DEPENDENCY, "directory /there is not there."),
        ("cwd", errno.EACCES, Cause.PERMISSION, "/there cannot be entered: Permission denied."),
        ("exec", errno.ENOENT, Cause.DEPENDENCY, "There is no program prog, or the interpreter"),
        ("exec", errno.EACCES, Cause.PERMISSION, "prog may not be executed: Permission denied."),
        ("exec", errno.ENOEXEC, Cause.TOOL, "prog is no program: it has no #! line."),
        ("exec", errno.E2BIG, Cause.TOOL, "prog are too long; give it them as stdin."),
        ("prepare", errno.EAGAIN, Cause.OTHER, "prog could not be started: Resource"),
    ],
)
def test_a_refused_start_names_the_thing_and_the_reason(
    stage: str, number: int, cause: Cause, sentence: str
) -> None:
    outcome = verdict(NotStarted(stage, number), "prog", "/there", tail(), tail())
    assert isinstance(outcome, Failed)
    assert outcome.failure.cause is cause
    assert sentence in outcome.failure.message


def test_without_last_words_the_sentence_ends_there() -> None:
    outcome = verdict(Exited(2), "prog", "/", tail("out\n"), tail())
    assert isinstance(outcome, Failed)
    assert outcome.failure.message == "It exited with code 2."
    assert outcome.result is not None
    assert (outcome.result.text, outcome.result.exit_code) == ("out", 2)


def test_a_lost_keeper_is_a_lost_worker_that_counts() -> None:
    outcome = verdict(Unkept(swept=True), "prog", "/", tail(), tail())
    assert isinstance(outcome, Lost)
    assert outcome.counts


def test_a_long_output_keeps_its_end_and_says_so() -> None:
    outcome = verdict(Exited(0), "prog", "/", tail("[1,\n22222]", limit=6), tail())
    assert isinstance(outcome, Done)
    assert outcome.result.truncated
    assert outcome.result.text == "22222]"
    assert outcome.result.data is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("42", 42),
        ('"ä"', "ä"),
        ("", None),
        ("two words", None),
        ('{"a": 1} trailing', None),
        ("NaN", None),
        ("[1e999]", None),
        ('"\\ud800"', None),
        ("[" * 100_000, None),
        ("9" * 10_000, None),
    ],
)
def test_only_what_can_be_stored_everywhere_is_data(text: str, value: object) -> None:
    assert parsed(text) == value
