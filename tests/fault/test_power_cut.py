"""Power cuts on SQLite: the store's own verbs on the shipped driver, every write and sync traced.

A child process lives a dispatcher's life under strace. From the trace the disk is rebuilt byte by
byte up to a moment, the power goes, and the store is opened again on what is left.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from engine.jobs import JobState
from engine.ports import JobFilter
from engine.projections import replay
from engine.settings import StoreSettings
from store.home import Home
from store.sqlite import SqliteStore
from tests.fault.power.disk import Disk, calls_of, digest_of_tables

ROOT = Path(__file__).parents[2]
WORKLOAD = ROOT / "tests/fault/power/workload.py"
TRANSACTIONS = 120
CUTS = int(os.environ.get("HELIO_POWER_CUTS", "250"))
CALLS = "openat,pwrite64,write,ftruncate,fdatasync,fsync,unlink,unlinkat"

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed"),
]


class StoppedClock:
    def now(self):
        return 1

    def monotonic(self):
        return 0.0


def trace(directory, synchronous, *inject):
    """Run the workload under strace; give its calls in order and how it ended."""
    home, log = directory / "home", directory / "trace"
    home.mkdir()
    ended = subprocess.run(
        [
            *("strace", "-f", "--seccomp-bpf", "-y", "-s", "100000", "-o", log),
            *("-e", f"trace={CALLS}", *inject),
            *(sys.executable, "-P", WORKLOAD, home, synchronous, str(TRANSACTIONS)),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    with log.open(encoding="ascii") as lines:
        return home, list(calls_of(lines)), ended


def whole_life(directory, synchronous):
    home, calls, ended = trace(directory, synchronous)
    assert ended.returncode == 0, ended.stderr
    return home, calls


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    return whole_life(tmp_path_factory.mktemp("full"), "FULL")


@pytest.fixture(scope="module")
def faster_life(tmp_path_factory):
    return whole_life(tmp_path_factory.mktemp("normal"), "NORMAL")


def said(calls):
    """What the workload said: {digest: number} of what it tried, and what was acknowledged last."""
    words = [call.data.decode().split() for call in calls if call.name == "say"]
    tried = {rest[0]: int(number) for word, number, *rest in words if word == "try"}
    return tried, max((int(number) for word, number, *_ in words if word == "ack"), default=0)


def moments(calls, rng, count):
    """Where to cut: half of them just after an acknowledgement, the rest anywhere."""
    acks = [place + 1 for place, call in enumerate(calls) if call.data.startswith(b"ack")]
    return sorted(
        [rng.choice(acks) for _ in range(count // 2)]
        + [rng.randrange(len(calls)) for _ in range(count - count // 2)]
    )


def after_cuts(home, calls, directory, count):
    """Cut the power `count` times; give for each cut (acked, tried, home as it is found)."""
    rng, disk, done = Random(5), Disk(home), 0
    at_first = {digest: number for digest, number in said(calls)[0].items() if number == 0}
    for number, moment in enumerate(moments(calls, rng, count)):
        for call in calls[done:moment]:
            disk.happen(call)
        done = moment
        found = directory / str(number)
        found.mkdir()
        for name, content in disk.after_cut(rng).items():
            (found / name).write_bytes(content)
        tried, acked = said(calls[:moment])
        yield acked, at_first | tried, found
        shutil.rmtree(found)


def recovered(found):
    """Open the store on what is left, check it from within, and give the digest of its tables."""
    settings = StoreSettings(synchronous="NORMAL")  # it is looked at and thrown away
    store = SqliteStore(Home.at(found), settings, StoppedClock())
    try:
        rows = store._writer.driver.rows
        assert rows("PRAGMA integrity_check") == [("ok",)]
        log = store.read(lambda tables: tables.events(0, 1_000_000))
        table = store.read(lambda tables: tables.list_jobs(JobFilter(), "", 1_000_000, False))
        assert replay(log) == {job.id: job for job in table}
        return digest_of_tables(rows)
    finally:
        store.close()


def test_the_trace_is_worth_cutting(life):
    home, calls = life
    ends = [call for call in calls if call.data.startswith(b"ack")]
    assert len(ends) == TRANSACTIONS
    checkpoints = [c for c in calls if c.name == "sync" and c.path == str(home / "store.db")]
    assert len(checkpoints) >= 20
    with sqlite3.connect(home / "store.db") as raw:
        states = {row[0] for row in raw.execute("SELECT DISTINCT state FROM job")}
        pruned = raw.execute("SELECT sum(jobs) FROM rollup").fetchone()
    raw.close()
    assert states >= {JobState.SUCCEEDED, JobState.FAILED, JobState.RUNNING, JobState.BLOCKED}
    assert pruned[0] >= 10


def test_after_a_power_cut_everything_acknowledged_is_there(life, tmp_path):
    for acked, tried, found in after_cuts(*life, tmp_path, CUTS):
        stands = tried.get(recovered(found))
        assert stands is not None, f"no transaction left this state (acknowledged: {acked})"
        assert stands >= acked


def test_the_faster_setting_loses_acknowledged_work_so_the_test_can_fail(faster_life, tmp_path):
    lost = 0
    for acked, tried, found in after_cuts(*faster_life, tmp_path, 40):
        lost += tried.get(recovered(found), -1) < acked
    assert lost >= 10


def test_one_failed_sync_ends_all_writing_and_loses_nothing(tmp_path):
    """Only one sync fails; the next would say yes about pages that the kernel has dropped."""
    home, calls, ended = trace(tmp_path, "FULL", "-e", "inject=fdatasync:error=EIO:when=60")
    assert ended.returncode == 0, ended.stderr
    words = [line.split() for line in ended.stdout.splitlines()]
    answers = [word for word, *_ in words if word != "try"]
    assert 20 < answers.index("refused") < TRANSACTIONS
    assert "ack" not in answers[answers.index("refused") :]
    tried, acked = said(calls)
    assert tried[recovered(home)] >= acked
