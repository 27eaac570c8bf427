"""What every peer's file plays: submit, bulk, drain, start and kill, over three verbs.

A peer gives `submit()` (one no-op job), `begin()` (start its workers in this process) and puts
`ran()` into its job. Peers run in this process as Heliograph's dispatcher does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from benchmarks.figures import latencies_ms, pace

_EVERY_S = 0.1
_KILLED_FOR_S = 15.0  # a peer that has not run its jobs again by then has lost them


class Peer(Protocol):
    """An engine under measure."""

    def submit(self) -> None:
        """Queue one job that does nothing."""

    def begin(self) -> None:
        """Start working; give back at once."""


class Runs:
    """When jobs ran, seen from inside them."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.hold = False
        self._ring = threading.Condition()

    def ran(self) -> None:
        """Note that a job runs; hang if it shall be killed."""
        with self._ring:
            self.times.append(time.perf_counter())
            self._ring.notify_all()
        if self.hold:
            threading.Event().wait()

    def await_count(self, count: int, within_s: float) -> bool:
        """Wait until so many have run."""
        with self._ring:
            return self._ring.wait_for(lambda: len(self.times) >= count, within_s)


def play(open_peer: Callable[[Path, str, Runs], Peer]) -> None:
    """Read the command line, run one measure, print its figures and end this process."""
    measure, size, directory, variant = sys.argv[1:]
    runs = Runs()
    home = Path(directory)
    if measure == "kill":
        figures = _kill(home, variant)
    else:
        runs.hold = measure == "hold"
        figures = _MEASURES[measure](open_peer(home, variant, runs), runs, int(size))
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    os._exit(0)  # their threads have no other end


def _submit(peer: Peer, _: Runs, size: int) -> dict[str, float]:
    took = []
    for _n in range(size):
        before = time.perf_counter()
        peer.submit()
        took.append(time.perf_counter() - before)
    return latencies_ms(took)


def _bulk(peer: Peer, _: Runs, size: int) -> dict[str, float]:
    before = time.perf_counter()
    for _n in range(size):
        peer.submit()
    return {"per_s": size / (time.perf_counter() - before)}


def _drain(peer: Peer, runs: Runs, size: int) -> dict[str, float]:
    for _n in range(size):
        peer.submit()
    before = time.perf_counter()
    peer.begin()
    runs.await_count(size, 600)
    done = len(runs.times)
    return {"per_s": done / (runs.times[-1] - before), "last_per_s": pace(runs.times, 0, done - 1)}


def _start(peer: Peer, runs: Runs, size: int) -> dict[str, float]:
    peer.begin()
    peer.submit()
    runs.await_count(1, 30)
    runs.times.clear()
    began = []
    opened = time.perf_counter()
    for n in range(size):
        threading.Event().wait(max(0.0, opened + n * _EVERY_S - time.perf_counter()))
        began.append(time.perf_counter())
        peer.submit()
    runs.await_count(size, 60)
    pairs = zip(began, sorted(runs.times), strict=False)  # jobs start in the order of their submit
    return latencies_ms([ran - before for before, ran in pairs])


def _hold(peer: Peer, runs: Runs, size: int) -> dict[str, float]:
    peer.begin()
    for _n in range(size):
        peer.submit()
    runs.await_count(min(10, size), 30)
    sys.stdout.write(json.dumps({"running": len(runs.times)}) + "\n")
    sys.stdout.flush()
    threading.Event().wait()
    return {}


def _rerun(peer: Peer, runs: Runs, size: int) -> dict[str, float]:
    peer.begin()
    runs.await_count(size, _KILLED_FOR_S)
    return {"reran": len(runs.times), "last": max(runs.times, default=0.0)}


def _kill(home: Path, variant: str) -> dict[str, float]:
    """Kill a process with ten jobs running and ten queued, then start another."""
    jobs = 20
    words = [sys.executable, sys.argv[0]]
    victim = subprocess.Popen(
        [*words, "hold", str(jobs), str(home), variant], stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    victim.stdout.readline()
    killed = time.perf_counter()
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    heir = subprocess.run(
        [*words, "rerun", str(jobs), str(home), variant],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(heir.stdout.splitlines()[-1])
    figures = {"rerun": said["reran"], "lost": max(0, jobs - said["reran"])}
    return figures | ({"seconds": said["last"] - killed} if said["reran"] >= jobs else {})


_MEASURES = {
    "submit": _submit,
    "bulk": _bulk,
    "drain": _drain,
    "start": _start,
    "hold": _hold,
    "rerun": _rerun,
}
