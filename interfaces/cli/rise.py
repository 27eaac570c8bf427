"""Starting and stopping the house: the supervisor is spawned and watched, never imported.

It knows the supervisor's command line, its control socket and its log.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from engine.errors import HouseFault, Unavailable, from_problem
from interfaces import control
from interfaces.cli.patience import Deadline, rest
from store.home import Home

_POLL_S = 0.05
_SOCKET_S = 60.0  # from the spawn to the first answer; a cold disk reads slowly
_SILENCE_S = 300.0  # longest time between two phases: ray.start_timeout_s and a margin
_STOPPING_S = 120.0
STANDING = frozenset({"ready", "degraded"})
_LEAVING = frozenset({"stopping", "stopped"})
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


def ensure(home: Home, tell: Callable[[Phase], None]) -> None:
    """See to it that the house is ready: follow one that starts, outwait one that stops.

    Raises:
        HouseFault: it ended, fell silent or did not stop; the error says where to read why.
        HelioError: its own typed reason not to start.
    """
    told = running(home)
    if told and told.get("phase") in _LEAVING:
        tell({"phase": "stopping", "detail": "Waiting for the house that stops"})
        _outwait(home, int(told["pid"]), Deadline(_STOPPING_S))
        told = running(home)
    if told is None:
        start(home, tell)
    elif told.get("phase") not in STANDING:
        _follow(home, tell)


def start(home: Home, tell: Callable[[Phase], None]) -> None:
    """Start a supervisor and follow it until the house is ready.

    Where another start was quicker, that one is followed.

    Raises:
        HouseFault: it ended or fell silent; the error holds the last lines of its log.
        HelioError: its own typed reason not to start.
    """
    patience = Deadline(_SOCKET_S)
    process = _spawn(home)
    try:
        while running(home) is None:
            if process.poll() == 0:  # another holds the home: it is starting, or about to be gone
                rest(_POLL_S * 10)
                process = process if running(home) else _spawn(home)
            elif process.poll() is not None or not patience.left_s:
                raise _died(home)
            rest(_POLL_S)
        _follow(home, tell)
    finally:
        _let_go(process)


def _follow(home: Home, tell: Callable[[Phase], None]) -> None:
    """Tell the phases of a start, up to its end."""
    try:
        for phase in control.phases(home, _SILENCE_S):
            if phase["phase"] == "failed":
                raise from_problem(phase["problem"]) if "problem" in phase else _died(home)
            tell(phase)
            if phase["phase"] == "stopped":
                raise HouseFault(
                    "Heliograph was told to stop while it started.", remedy="Start it: helio up"
                )
    except Unavailable:
        raise _died(home) from None


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


def stop(home: Home, timeout_s: float, tell: Callable[[Phase], None]) -> bool:
    """Ask the house to stop and wait until every process is gone; False when none ran.

    Raises:
        HouseFault: it was still there when the time was over.
    """
    try:
        pid = int(control.ask(home, {"do": "down"})["pid"])
    except Unavailable:
        return False
    deadline = Deadline(timeout_s)
    with contextlib.suppress(Unavailable):  # it may be gone already, or as silent as it likes
        for phase in control.phases(home, timeout_s):
            if phase["phase"] in _LEAVING:
                tell(phase)
    _outwait(home, pid, deadline)
    return True


def _outwait(home: Home, pid: int, deadline: Deadline) -> None:
    while _lives(pid):
        if not deadline.left_s:
            raise HouseFault(
                f"The supervisor (pid {pid}) still runs.",
                remedy=f"Wait again: helio down. It says why in {log_of(home)}",
            )
        rest(_POLL_S)


def _lives(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
