"""Starting and stopping the house: the supervisor is spawned and watched, never imported.

It knows the supervisor's command line, its control socket and its log.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psutil

from engine.errors import HouseFault, Unavailable, from_problem
from interfaces import control
from interfaces.cli.patience import Deadline, rest
from store.home import Home

_POLL_S = 0.05
_SOCKET_S = 60.0  # from the spawn to the first answer; a cold disk reads slowly
_SILENCE_S = 300.0  # longest time between two phases: ray.start_timeout_s and a margin
_TAIL_LINES = 15
_PRIVATE_DIR = 0o700

TITLES: Mapping[str, str] = {
    "waking": "Waking up",
    "head": "Starting Ray",
    "crew": "Building the actors",
    "doors": "Opening the doors",
    "ready": "Ready",
    "degraded": "Bringing back what died",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "failed": "It could not start",
}

Phase = Mapping[str, Any]


def running(home: Home) -> dict[str, Any] | None:
    """Give the supervisor's status, or None when none answers."""
    try:
        return control.ask(home, {"do": "status"})
    except Unavailable:
        return None


def start(home: Home, tell: Callable[[Phase], None]) -> None:
    """Start a supervisor and follow it until the house is ready.

    Raises:
        HouseFault: it ended or fell silent; the error holds the last lines of its log.
        HelioError: its own typed reason not to start.
    """
    process = _spawn(home)
    try:
        for phase in _phases(home, process):
            if phase["phase"] == "failed":
                raise from_problem(phase["problem"]) if "problem" in phase else _died(home)
            tell(phase)
    except Unavailable:
        raise _died(home) from None
    finally:
        _let_go(process)


def _spawn(home: Home) -> subprocess.Popen[bytes]:
    for directory in (home.root, home.logs, home.empty):
        directory.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
    with log_of(home).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "serve", "--home", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.empty,
            start_new_session=True,
        )


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Part with a process that outlives this command on purpose: nobody waits for it here."""
    if process.poll() is None:
        process.returncode = 0


def _phases(home: Home, process: subprocess.Popen[bytes]) -> Iterator[Phase]:
    """Follow the phases as soon as the control socket listens."""
    patience = Deadline(_SOCKET_S)
    while running(home) is None:
        if process.poll() is not None or not patience.left_s:
            raise _died(home)
        rest(_POLL_S)
    yield from control.phases(home, _SILENCE_S)


def _died(home: Home) -> HouseFault:
    lines = tail(home)
    said = "\n".join(f"    {line}" for line in lines)
    return HouseFault(
        f"Heliograph did not start. The last lines of {log_of(home)}:\n{said}"
        if lines
        else f"Heliograph did not start, and {log_of(home)} is empty.",
        remedy="Look at the machine: helio doctor. Then try again: helio up",
    )


def tail(home: Home) -> list[str]:
    """Give the last lines of the supervisor's log."""
    try:
        text = log_of(home).read_text(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-_TAIL_LINES:]


def log_of(home: Home) -> Any:
    """Give the path of the supervisor's log."""
    return home.logs / "supervisor.log"


def stop(home: Home, timeout_s: float) -> bool:
    """Ask the house to stop and wait until every process is gone; False when none ran.

    Raises:
        HouseFault: it was still there when the time was over.
    """
    try:
        pid = int(control.ask(home, {"do": "down"})["pid"])
    except Unavailable:
        return False
    deadline = Deadline(timeout_s)
    while _lives(pid):
        if not deadline.left_s:
            raise HouseFault(
                f"The supervisor (pid {pid}) still runs after {timeout_s:g} s.",
                remedy=f"Wait again: helio down. It says why in {log_of(home)}",
            )
        rest(_POLL_S)
    return True


def _lives(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
