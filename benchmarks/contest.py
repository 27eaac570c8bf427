"""Who is measured, and how turns are taken: each run in a process of its own, interleaved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Run
from benchmarks.machine import Pressure

HERE = Path(__file__).parent
OURS = "Heliograph"
SHARED = ("submit", "bulk", "drain", "start", "kill")
FULL_SIZES = {
    "submit": 1000,
    "bulk": 10_000,
    "drain": 10_000,
    "start": 300,
    "kill": 20,
    "start_urgent": 100_000,
    "drain_deep": 100_000,
    "drain_busy": 100_000,
    "drain_mixed": 100_000,
    "fan_in": 10_000,
    "chain": 1000,
    "idle": 100_000,
}
_WITHIN_S = 1200.0
_TROUBLE_CHARS = 300


@dataclass(frozen=True, slots=True)
class Contestant:
    """Somebody who is measured: the words that start it, before and behind measure and size."""

    name: str
    durability: str
    before: tuple[str, ...]
    behind: tuple[str, ...] = ()
    trouble: str = ""  # why it cannot run


def ourselves() -> Contestant:
    """Give Heliograph's engine, run by this interpreter."""
    words = (sys.executable, "-P", "-m", "benchmarks.engine")
    return Contestant(OURS, "synced at each commit", words)


def peers(directory: Path) -> Iterator[Contestant]:
    """Install the peers into an environment in this directory and give them, able to run or not."""
    trouble = _install(directory)
    python = str(directory / "bin" / "python")
    for name, file, variant, durability in (
        ("Huey, default", "huey_peer", "default", "never synced"),
        ("Huey, tuned", "huey_peer", "tuned", "synced at each commit"),
        ("DBOS, default", "dbos_peer", "default", "synced at each commit"),
        ("DBOS, tuned", "dbos_peer", "tuned", "synced at each commit"),
    ):
        script = str(HERE / "peers" / f"{file}.py")
        yield Contestant(name, durability, (python, script), (variant,), trouble)


def _install(directory: Path) -> str:
    try:
        venv.create(directory, with_pip=True)
        subprocess.run(
            [directory / "bin" / "pip", "install", "-q", "-r", HERE / "peers.txt"],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        return f"could not be installed: {said[-1] if said else error}"[:_TROUBLE_CHARS]
    return ""


def take_turns(
    contestants: Sequence[Contestant], sizes: dict[str, int], rounds: int, scratch: Path
) -> Iterator[Run]:
    """Run all shared measures in rounds, one contestant after another within each measure."""
    for number in range(1, rounds + 1):
        for measure in (name for name in SHARED if name in sizes):
            for contestant in contestants:
                yield run(contestant, measure, sizes[measure], number, scratch)


def run(contestant: Contestant, measure: str, size: int, number: int, scratch: Path) -> Run:
    """Run one measure of one contestant on a fresh directory."""
    if contestant.trouble:
        return Run(contestant.name, measure, number, trouble=contestant.trouble)
    pressure = Pressure()
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        words = [*contestant.before, measure, str(size), directory, *contestant.behind]
        try:
            done = subprocess.run(
                words,
                capture_output=True,
                text=True,
                check=True,
                timeout=_WITHIN_S,
                cwd=scratch,
                env=os.environ | {"PYTHONPATH": str(HERE.parent)},
            )
        except subprocess.CalledProcessError as error:
            last = (error.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return Run(contestant.name, measure, number, trouble=last[:_TROUBLE_CHARS])
        except subprocess.TimeoutExpired:
            return Run(contestant.name, measure, number, trouble=f"not done in {_WITHIN_S:.0f} s")
    figures = json.loads(done.stdout.splitlines()[-1])
    return Run(contestant.name, measure, number, figures, cpu_pressure=pressure.share())
