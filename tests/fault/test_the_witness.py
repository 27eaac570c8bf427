"""The effect log as witness: it tells what ran twice, what shared a directory, what still lives."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.fault.effects import EffectLog
from tests.fault.house import eventually


@pytest.fixture
def effects(tmp_path: Path) -> EffectLog:
    return EffectLog(tmp_path / "effects.log")


def begin(effects: EffectLog, epoch: int, cwd: Path, seconds: float) -> subprocess.Popen[bytes]:
    """Run a job's text as a session would, without a keeper and without a fence."""
    request = effects.job(seconds)
    marks = {"HELIO_JOB": f"job-{os.getpid()}", "HELIO_EPOCH": str(epoch)}
    env = {"PATH": os.environ["PATH"]} | request["env"] | marks
    argv = ["sh", "-c", request["sh"]]
    return subprocess.Popen(
        argv, cwd=cwd, env=env, stdout=subprocess.DEVNULL, start_new_session=True
    )


def test_one_run_after_the_other_is_no_trouble(effects: EffectLog, tmp_path: Path) -> None:
    for epoch in (1, 2):
        assert begin(effects, epoch, tmp_path, 0).wait(20) == 0
    assert [run.epoch for run in effects.executions()] == [1, 2]
    assert not any(run.alive for run in effects.executions())
    assert effects.trouble() == []


def test_an_order_that_runs_twice_is_told(effects: EffectLog, tmp_path: Path) -> None:
    for _ in range(2):
        begin(effects, 1, tmp_path, 0).wait(20)
    ((invariant, told),) = effects.trouble()
    assert invariant == "3 once"
    assert "2 times at epoch 1" in told


def test_two_in_one_directory_and_a_run_that_lives_on_are_told(
    effects: EffectLog, tmp_path: Path
) -> None:
    first = begin(effects, 1, tmp_path, 600)
    try:
        eventually(effects.executions, 20, "the first has begun")
        begin(effects, 2, tmp_path, 0).wait(20)
        assert [invariant for invariant, _ in effects.trouble()] == ["9 one lease"]
        assert [run.alive for run in effects.executions()] == [True, False]
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait(20)
