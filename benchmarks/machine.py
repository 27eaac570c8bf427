"""What the figures were measured on: facts about the machine, without a single path."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_SYNCS = 200
_BLOCK = b"x" * 4096
_PRESSURE = Path("/proc/pressure/cpu")


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts, as they stand in the results."""

    cores: int
    memory_gib: float
    python: str
    sqlite: str
    kernel: str
    sync_ms: float
    commit: str


def look_at(directory: Path) -> Machine:
    """Gather the facts; the disk is the one that holds this directory."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(pages / 2**30, 1),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        kernel=platform.release(),
        sync_ms=round(_sync_s(directory) * 1000, 3),
        commit=_commit(),
    )


def _sync_s(directory: Path) -> float:
    """Median of appending a page and syncing it, as a commit does."""
    took = []
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        for _ in range(_SYNCS):
            before = time.perf_counter()
            os.write(file.fileno(), _BLOCK)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - before)
    return statistics.median(took)


def _commit() -> str:
    here = Path(__file__).parent
    said = [
        subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False)
        for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "-uno"])
    ]
    if any(answer.returncode for answer in said):
        return "unknown"
    return said[0].stdout.strip() + (" with changes" if said[1].stdout.strip() else "")


class Pressure:
    """How much of a span of time some task had to wait for a CPU (0 where nobody counts it)."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._stalled_us = _stalled_us()

    def share(self) -> float:
        """Give the share since this was made."""
        span = time.monotonic() - self._began
        return round((_stalled_us() - self._stalled_us) / 1e6 / span, 3) if span > 0 else 0.0


def _stalled_us() -> int:
    if not _PRESSURE.exists():
        return 0
    return int(_PRESSURE.read_text().split("\n", 1)[0].rsplit("total=", 1)[1])


def resident_mib() -> float:
    """Give this process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
