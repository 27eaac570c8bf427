"""However a house ends, by a signal, under a halt, or by a kill of everything, its work goes on."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import psutil
import pytest

from engine.jobs import JobState, Reason
from store.config import load_settings
from tests.checks import check_all, evidence_of_home
from tests.checks.house import read_jobs
from tests.fault.effects import EffectLog, living_runs
from tests.fault.house import House, eventually, short_dir
from tests.fault.load import Load, Wish, connect

pytestmark = pytest.mark.fault
SETTINGS = "[house]\nslots = 5\ndrain_s = 1\n[clocks]\nkill_grace_s = 1\n"


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with short_dir() as directory:
        yield directory


@pytest.fixture(scope="module")
def house(directory: Path) -> Iterator[House]:
    with House(directory / "home", settings=SETTINGS) as house:
        yield house


@pytest.fixture(scope="module")
def effects(directory: Path) -> EffectLog:
    return EffectLog(directory / "effects.log")


@pytest.fixture(scope="module")
def load(house: House, effects: EffectLog, directory: Path) -> Load:
    shared = directory / "shared"
    shared.mkdir(exist_ok=True)
    return Load(house.home, effects, [str(shared)], Random(9), 2)


def submit(load: Load, *jobs: dict) -> list[str]:
    client = connect(load.home)
    told = load.submit(client, *jobs)
    client.close()
    assert told.how == "ok", told
    return list(told.answer["ids"])


def rows(house: House, ids: list[str]) -> list:
    jobs = read_jobs(house.home.store)
    return [jobs[one] for one in ids]


def all_run(house: House, ids: list[str]) -> bool:
    living = living_runs()
    return all((job.id, job.epoch) in living for job in rows(house, ids))


def faults(house: House, load: Load, effects: EffectLog, *, rested: bool = False) -> list:
    settings = load_settings(house.home)
    seen = evidence_of_home(house.home.root, load.ops, rested=rested, settings=settings)
    runs, trouble = effects.executions(), effects.trouble()
    return check_all(replace(seen, executions=runs, trouble=trouble))


def cancel(house: House, load: Load, ids: list[str]) -> None:
    client = connect(house.home)
    for one in ids:
        load.send(client, Wish("cancel", "job.cancel", {"id": one}))
    client.close()
    eventually(lambda: all(job.state.terminal for job in rows(house, ids)), 20, "cancelled")


def test_sigterm_sends_running_jobs_back_unharmed_and_they_run_again_after_the_next_start(
    house: House, load: Load, effects: EffectLog
) -> None:
    ids = submit(load, *(effects.job(600, straggler=True) for _ in range(2)))
    once = submit(load, effects.job(600, effects="once"))
    eventually(lambda: all_run(house, ids + once), 60, "all three run")
    assert house.down(signal.SIGTERM) == 0
    house.assert_nothing_left(deadline_s=1)
    assert not {job for job, _ in living_runs()} & {*ids, *once}
    for job in rows(house, ids):
        assert (job.state, job.failures, job.reclaims) == (JobState.READY, 0, 0)
        assert not job.holding
    (asked,) = rows(house, once)
    assert (asked.state, asked.reason) == (JobState.WAITING, Reason.DECISION)
    assert faults(house, load, effects) == []
    house.start()
    house.await_ready()
    eventually(lambda: all_run(house, ids), 60, "both run again")
    assert [job.epoch for job in rows(house, ids)] == [2, 2]
    assert not {job for job, _ in living_runs()} & {*once}
    cancel(house, load, ids + once)


def test_a_halt_survives_a_restart_and_what_was_halted_runs_after_the_resume(
    house: House, load: Load, effects: EffectLog
) -> None:
    ids = submit(load, effects.job(600))
    eventually(lambda: all_run(house, ids), 60, "it runs")
    house.ask({"do": "halt", "by": "test"})
    eventually(lambda: not living_runs().keys() & {(ids[0], 1)}, 10, "it is stopped")
    ids += submit(load, effects.job(0.1))
    house.down(signal.SIGTERM)
    house.start()
    house.await_ready()
    status = house.ask({"do": "status"})
    assert status["halted"]
    assert status["house"]["halted_at"]
    assert [(job.state, job.failures) for job in rows(house, ids)] == [(JobState.READY, 0)] * 2
    assert len(effects.executions()) == len({run.token for run in effects.executions()})
    house.ask({"do": "resume", "by": "test"})
    eventually(lambda: rows(house, ids)[1].state is JobState.SUCCEEDED, 30, "the second is done")
    eventually(lambda: all_run(house, ids[:1]), 30, "the first runs again")
    cancel(house, load, ids[:1])


def test_a_kill_of_everything_at_one_instant_loses_nothing(
    house: House, load: Load, effects: EffectLog
) -> None:
    with load:
        eventually(lambda: len(load.acked) > 25 and living_runs(), 60, "much is under way")
        kill_everything(house)
    house.start()
    house.await_ready()
    left = load.settle(90)
    assert left < 90
    assert faults(house, load, effects, rested=True) == []
    assert {job.state for job in rows(house, list(load.acked))} <= {
        JobState.SUCCEEDED, JobState.CANCELLED, JobState.SKIPPED,
    }  # fmt: skip


def kill_everything(house: House) -> None:
    """Freeze all processes of the house but the jobs' own, so that none can mourn; then kill."""
    jobs = {one.pid for runs in living_runs().values() for one in runs}
    assert house.process is not None
    doomed = [psutil.Process(house.process.pid), *house.look()]
    for act in (psutil.Process.suspend, psutil.Process.kill):
        for one in doomed:
            if one.pid not in jobs:
                with contextlib.suppress(psutil.NoSuchProcess):
                    act(one)
    house.process.wait(10)
