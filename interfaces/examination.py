"""What `helio doctor` looks at: the machine and the home, one small examination each.

Every examination gives findings and changes nothing. They know the operating system; how a
finding is shown, they do not.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import psutil

from interfaces.model_files import judged, missing_keys, unready
from interfaces.views import duration, size
from store.home import Home

OK, NOTE, WARN, FAIL = "ok", "note", "warn", "fail"
_PYTHON = (3, 11)
_SQLITE = (3, 35, 0)  # RETURNING
_LOW_DISK_BYTES = 2**30
_FULL_DISK_BYTES = 100 * 2**20
_LEAP_S = 120
_PORTS_SHOWN = 3
_AGENTS = ("claude", "codex", "gemini", "opencode")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it stands and what to do about it."""

    what: str
    standing: str
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: the home, the supervisor's status (None: it does not run), the time."""

    home: Home
    status: Mapping[str, Any] | None
    now_s: float


def examine(patient: Patient) -> Iterator[Finding]:
    """Make every examination, in the order in which a person would fix things."""
    for look in EXAMINATIONS:
        yield from look(patient)


def _python(_: Patient) -> Iterator[Finding]:
    said = f"{platform.python_version()} at {sys.executable}"
    good = sys.version_info >= _PYTHON
    yield Finding("python", OK if good else FAIL, said, "" if good else "Install Python 3.11.")


def _ray(_: Patient) -> Iterator[Finding]:
    try:
        found = version("ray")
    except PackageNotFoundError:
        yield Finding("ray", FAIL, "not installed", "Install from the lock: make up")
        return
    wanted = next((need for need in requires("heliograph") or [] if need.startswith("ray")), "")
    pinned = wanted.partition("==")[2].partition(";")[0].strip()
    if pinned and pinned != found:
        yield Finding("ray", WARN, f"{found}, tested with {pinned}", "Reinstall: make up")
    else:
        yield Finding("ray", OK, found)


def _sqlite(_: Patient) -> Iterator[Finding]:
    good = sqlite3.sqlite_version_info >= _SQLITE
    remedy = "" if good else "Use a Python that is built with SQLite 3.35 or newer."
    yield Finding("sqlite", OK if good else FAIL, sqlite3.sqlite_version, remedy)


def _home(patient: Patient) -> Iterator[Finding]:
    root = patient.home.root
    if not root.is_dir():
        yield Finding("home", NOTE, f"{root} is not there yet", "helio up makes it.")
        return
    yield _private("home", root, 0o700)
    if root.stat().st_uid != os.getuid():
        remedy = f"chown -R {os.getuid()} {root}, or run helio as its owner."
        yield Finding("home", FAIL, f"{root} belongs to another user", remedy)


def _tokens(patient: Patient) -> Iterator[Finding]:
    home = patient.home
    for name, path in (("token", home.token), ("ray token", home.ray_token)):
        if path.exists():
            yield _private(name, path, 0o600)
    if home.secrets.is_dir():
        for path in sorted(home.secrets.iterdir()):
            found = _private(f"secret {path.name}", path, 0o600)
            if found.standing != OK:
                yield found


def _private(what: str, path: Path, wanted: int) -> Finding:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding(
            what, FAIL, f"{path} has mode {mode:04o}: others can read it",
            f"chmod {wanted:o} {path}",
        )  # fmt: skip
    return Finding(what, OK, f"{path} ({mode:04o})")


def _disk(patient: Patient) -> Iterator[Finding]:
    place = patient.home.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    said = f"{size(free)} free at {place}"
    if free < _FULL_DISK_BYTES:
        yield Finding("disk", FAIL, said, "Free some space: the store refuses writes when full.")
    elif free < _LOW_DISK_BYTES:
        yield Finding("disk", WARN, said, "Free some space, or lower store.done_days.")
    else:
        yield Finding("disk", OK, said)


def _clock(patient: Patient) -> Iterator[Finding]:
    """A file of the house that was written in the future shows a clock that went back."""
    home = patient.home
    written = [path.stat().st_mtime for path in (home.store, home.ports) if path.exists()]
    ahead = max(written, default=0.0) - patient.now_s
    if ahead > _LEAP_S:
        said = f"the newest file of the house is {duration(ahead)} ahead of the clock"
        yield Finding("clock", WARN, said, "Set the clock; schedules follow it.")
    else:
        yield Finding("clock", OK, "agrees with the files of the house")


def _processes(patient: Patient) -> Iterator[Finding]:
    status = patient.status
    if status is None:
        yield Finding("house", NOTE, "does not run", "Start it: helio up")
        return
    restarts = {name: count for name, count in (status.get("restarts") or {}).items() if count}
    said = f"{status.get('phase')}, pid {status.get('pid')}, {status.get('processes')} processes"
    if problem := status.get("house_problem"):
        yield Finding("house", FAIL, str(problem.get("detail")), str(problem.get("remedy", "")))
    elif restarts:
        died = ", ".join(f"{name} {count}x" for name, count in restarts.items())
        remedy = f"It repaired itself; the causes are in {patient.home.logs}"
        yield Finding("house", WARN, f"{said}; restarted: {died}", remedy)
    else:
        yield Finding("house", OK, said)


def _listeners(patient: Patient) -> Iterator[Finding]:
    if patient.status is None or not patient.status.get("pid"):
        return
    doors = sorted(open_doors(int(patient.status["pid"])))
    if not doors:
        yield Finding("listeners", OK, "all on loopback")
        return
    said = f"{len(doors)} are open to other machines: {_by_process(doors)}"
    remedy = "Ray asks for a token there; close them to the network: docs/firewall.md"
    yield Finding("listeners", WARN, said, remedy)


def _by_process(doors: list[tuple[str, int, str]]) -> str:
    """List ports by process, so that twenty workers are one word."""
    ports: dict[str, list[int]] = {}
    for _, port, name in doors:
        ports.setdefault(name.partition(":pages")[0].partition(":api")[0], []).append(port)
    return "; ".join(
        f"{name} {', '.join(map(str, found[:_PORTS_SHOWN]))}"
        + (f" and {len(found) - _PORTS_SHOWN} more" if len(found) > _PORTS_SHOWN else "")
        for name, found in sorted(ports.items())
    )


def open_doors(pid: int) -> set[tuple[str, int, str]]:
    """Find listeners of a process and all below it that other machines can reach."""
    found: set[tuple[str, int, str]] = set()
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return found
    for process in family:
        try:
            for one in process.net_connections(kind="inet"):
                listens = one.status == psutil.CONN_LISTEN or one.type == socket.SOCK_DGRAM
                if listens and one.laddr and not _loopback(one.laddr.ip):
                    found.add((one.laddr.ip, one.laddr.port, process.name()))
        except psutil.Error:
            continue
    return found


def _loopback(address: str) -> bool:
    return address == "::1" or address.startswith(("127.", "::ffff:127."))


def _models(patient: Patient) -> Iterator[Finding]:
    found = judged(patient.home)
    if problem := (patient.status or {}).get("models_problem"):
        yield Finding("models", FAIL, str(problem["detail"]), str(problem.get("remedy", "")))
    elif found.catalogue is None:
        count = len(found.flaws)
        errors = "an error" if count == 1 else f"{count} errors"
        yield Finding("models", FAIL, f"{errors} in models.toml", "See them: helio check")
    elif said := unready(found.catalogue):
        yield Finding("models", NOTE, *said)
    elif missing := list(missing_keys(patient.home, found.catalogue)):
        yield Finding("models", WARN, f"not set: {', '.join(missing)}", "helio check tells more.")
    else:
        ready = [one.name for one in found.catalogue.providers.values() if one.enabled]
        yield Finding("models", OK, ", ".join(ready))


def _agents(_: Patient) -> Iterator[Finding]:
    found = [name for name in _AGENTS if shutil.which(name)]
    missing = [name for name in _AGENTS if name not in found]
    yield Finding("agents", NOTE, ", ".join(found) or "none is installed", _install(missing))
    confined = shutil.which("bwrap") is not None
    remedy = "" if confined else "Install bubblewrap: agents are confined with it."
    yield Finding("bubblewrap", OK if confined else NOTE, "yes" if confined else "no", remedy)


def _install(missing: list[str]) -> str:
    return f"Not found on PATH: {', '.join(missing)}." if missing else ""


EXAMINATIONS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    _python, _ray, _sqlite, _home, _tokens, _disk, _clock, _processes, _listeners, _models,
    _agents,
)  # fmt: skip
