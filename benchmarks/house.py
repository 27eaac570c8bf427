"""The whole system on Ray, asked through `/v1`: accepting, and starting on a warm session.

A house of its own in an empty home: started by `python -m serve`, ended by SIGTERM, and if it
will not stand, the run says so. `start` has two clocks: `claim` is when the dispatcher gave the
job to its session, `process` is when the job's own process read the clock.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Run, latencies_ms
from benchmarks.machine import Pressure
from benchmarks.report import HOUSE
from engine.errors import HelioError
from interfaces import control
from interfaces.client import Client
from store.home import Home

_READY_S = 180.0
_GONE_S = 60.0
_JOB_S = 30.0
_AT_REST = ("succeeded", "failed", "cancelled", "skipped")
_pause = threading.Event()


def measure(directory: Path, size: int) -> Iterator[Run]:
    """Give the runs of a house in this directory."""
    pressure = Pressure()
    try:
        with _house(directory) as client:
            accepted = _accept(client, size)
            yield Run(HOUSE, "accept", 1, accepted, cpu_pressure=pressure.share())
            pressure = Pressure()
            started = _warm_starts(client, str(directory), max(10, size // 3))
            yield Run(HOUSE, "warm_start", 1, started, cpu_pressure=pressure.share())
    except (HelioError, TimeoutError, OSError, RuntimeError) as error:
        said = str(error).replace(str(directory), "HOME")[:300]
        yield Run(HOUSE, "house", 1, trouble=said or type(error).__name__)


@contextlib.contextmanager
def _house(directory: Path) -> Iterator[Client]:
    home = Home.at(directory)
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    with (home.root / "up.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-P", "-m", "serve", "--home", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.root,
            env=kept | {"HELIOGRAPH_SERVE__PORT": "0"},
            start_new_session=True,
        )
    try:
        _await_ready(home, supervisor)
        with contextlib.closing(Client.of(home)) as client:
            yield client
    finally:
        supervisor.send_signal(signal.SIGTERM)
        try:
            supervisor.wait(_GONE_S)
        except subprocess.TimeoutExpired:
            supervisor.kill()  # its cradle ends the head with it


def _await_ready(home: Home, supervisor: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        if supervisor.poll() is not None:
            raise RuntimeError(f"the supervisor ended with {supervisor.returncode}")
        with contextlib.suppress(HelioError):
            if control.ask(home, {"do": "status"}, 10.0)["phase"] == "ready":
                return
        _pause.wait(0.1)
    raise TimeoutError(f"the house was not ready within {_READY_S:g} s")


def _accept(client: Client, size: int) -> dict[str, float]:
    """One submit after another, each acknowledged; the house is paused, so that nothing runs."""
    client.ask("house.pause", {})
    took = []
    ids = []
    for _ in range(size):
        before = time.perf_counter()
        answer = client.ask("job.submit", {"jobs": [{"run": ["true"]}]})
        took.append(time.perf_counter() - before)
        ids += answer["ids"]
    for job in ids:
        client.ask("job.cancel", {"id": job})
    client.ask("house.resume", {})
    return latencies_ms(took)


def _warm_starts(client: Client, directory: str, size: int) -> dict[str, float]:
    """Submit to one directory, again and again, each when the last one is at rest."""
    body = {"jobs": [{"run": ["date", "+%s%N"], "cwd": directory}]}
    claims, processes = [], []
    for number in range(size + 3):
        before = time.time_ns()
        job = client.ask("job.submit", body)["ids"][0]
        view = _at_rest(client, job)
        if number >= 3:  # the first ones make the session and warm it
            claims.append(view["started_at"] / 1e6 - before / 1e9)
            processes.append((int(view["result"]["text"]) - before) / 1e9)
    return latencies_ms(processes) | latencies_ms(claims, "claim_")


def _at_rest(client: Client, job: str) -> dict[str, Any]:
    until = time.monotonic() + _JOB_S
    while time.monotonic() < until:
        view = client.ask("job.show", {"id": job})
        if view["state"] in _AT_REST:
            return view
        _pause.wait(0.02)
    raise TimeoutError(f"a job was not at rest within {_JOB_S:g} s")
