"""Real processes: what is below us is found, and nothing of it survives the sweep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from serve.supervisor import cradle, kin, leftovers
from store.home import Home

SLEEP = "import time; time.sleep(600)"
# A child that leaves its session and its parent, as a daemon does.
DAEMON = f"""
import os, subprocess, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", {SLEEP!r}])
    os._exit(0)
os.wait()
print("forked", flush=True)
import time; time.sleep(600)
"""


def spawn(code: str, *args: str) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-c", code, *args]
    return subprocess.Popen(line, stdout=subprocess.PIPE, start_new_session=True)


# Runs in a process of its own: who adopts orphans does so for the rest of his life.
SWEEPER = f"""
import asyncio, os, subprocess, sys
from serve.supervisor import kin
kin.adopt_orphans()
daemon = subprocess.Popen([sys.executable, "-c", {DAEMON!r}], stdout=subprocess.PIPE)
daemon.stdout.readline()
below = [pid for pid, _ in kin.descendants(os.getpid())]
print(len(below), asyncio.run(kin.sweep(os.getpid())), len(kin.descendants(os.getpid())))
print(*below)
"""


def test_a_sweep_ends_a_process_and_the_daemon_that_ran_away_from_it() -> None:
    line = [sys.executable, "-c", SWEEPER]
    said = subprocess.run(line, capture_output=True, timeout=30, check=True).stdout.decode()
    counts, pids = said.splitlines()
    assert counts.split() == ["2", "2", "0"]
    assert not [pid for pid in pids.split() if psutil.pid_exists(int(pid))]


def test_a_pid_that_was_given_to_somebody_else_is_not_kin() -> None:
    me = kin.identity(os.getpid())
    assert me is not None
    assert kin.living([me]) == [me]
    assert kin.living([(me[0], me[1] - 1)]) == []


async def test_leftovers_of_a_killed_supervisor_are_ended_and_nobody_else(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    left, stranger = spawn(SLEEP), spawn(SLEEP)
    try:
        ours, theirs = kin.identity(left.pid), kin.identity(stranger.pid)
        assert ours is not None
        assert theirs is not None
        reused = (theirs[0], theirs[1] - 5)
        leftovers.remember(home, str(tmp_path / "not-a-run-dir"), [ours, reused])
        assert await leftovers.end(home) == 1
        assert left.wait(5) == -signal.SIGKILL
        assert stranger.poll() is None
        assert not home.kin.exists()
        assert tmp_path.exists()
    finally:
        for one in (left, stranger):
            one.kill()
            one.wait()
            one.stdout.close()


async def test_a_note_from_before_the_reboot_names_strangers(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    stranger = spawn(SLEEP)
    try:
        leftovers.remember(home, "", [kin.identity(stranger.pid)])
        told = json.loads(home.kin.read_text()) | {"boot": "another"}
        home.kin.write_text(json.dumps(told))
        assert await leftovers.end(home) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        stranger.stdout.close()


@pytest.mark.parametrize("told", ["", "{", "[]", '{"kin": [[1]]}', '{"kin": 3, "run_dir": ""}'])
async def test_a_broken_note_of_leftovers_stops_no_start(tmp_path: Path, told: str) -> None:
    home = Home.at(tmp_path)
    home.kin.write_text(told)
    assert await leftovers.end(home) == 0


def start_cradle(code: str) -> tuple[subprocess.Popen[bytes], int]:
    reading, writing = os.pipe()
    line = [sys.executable, "-I", "-S", cradle.__file__, str(reading), sys.executable, "-c", code]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, pass_fds=(reading,), start_new_session=True
    )
    os.close(reading)
    return process, writing


def test_the_cradle_ends_everything_when_its_lifeline_closes() -> None:
    process, lifeline = start_cradle(DAEMON)
    assert process.stdout is not None
    assert process.stdout.readline() == b"forked\n"
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) == 2
    os.close(lifeline)
    assert process.wait(10) == 128 + signal.SIGKILL
    process.stdout.close()
    gone, alive = psutil.wait_procs(below, timeout=5)
    assert not alive
    assert len(gone) == 2


def test_the_cradle_passes_sigterm_on_and_ends_with_the_commands_code() -> None:
    code = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
    process, lifeline = start_cradle(code + "print('up', flush=True)\ntime.sleep(600)")
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 7
    process.stdout.close()
    os.close(lifeline)
