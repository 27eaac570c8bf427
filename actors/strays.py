"""Find and kill what a keeper could not: the last resort when keeper and guard died together.

Two marks tell whose a process is: its cgroup (``helio-TAG-...``), and ``HELIO_SESSION=TAG`` in
the environment it was started with. A session sweeps its own tag when it is born, before it has a
keeper, and one order's strays when that order's keepers were both killed. What cannot be found is
a process that cleared its environment, left its session, and whose keeper and guard were killed
in the same instant, on a machine without a writable cgroup version 2.
"""

from __future__ import annotations

import hashlib
import os
import select
import signal
from collections.abc import Iterable
from pathlib import Path

from actors import keeper

MARK = "HELIO_SESSION"
HOUSE = "HELIO_HOUSE"  # in the environment as well: by which the next start of a home finds all
_TAG_CHARS = 12
_ROUNDS = 50


def tag_of(home: str, session: str) -> str:
    """Give the mark of a session; two homes never share one."""
    return hashlib.sha256(f"{home}\0{session}".encode()).hexdigest()[:_TAG_CHARS]


def house_mark(home: str) -> str:
    """Give the variable and value that every process of a job of this home is started with."""
    return f"{HOUSE}={hashlib.sha256(home.encode()).hexdigest()[:_TAG_CHARS]}"


def sweep(marks: Iterable[str], groups: str = "") -> int:
    """Kill processes whose environment holds all `marks` and cgroups that match; give how many.

    `marks` are ``NAME=value`` texts, `groups` is a glob like ``helio-TAG-*``, or empty. It blocks
    for milliseconds: call it in a thread.
    """
    killed = sum(_kill_group(path) for path in _groups(groups))
    wanted = [mark.encode() for mark in marks]
    for _ in range(_ROUNDS):  # a stray may fork while we look, so look until none is left
        found = [pid for pid in _processes() if _has_marks(pid, wanted)]
        if not found:
            break
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                keeper.send(pid, number)
        killed += len(found)
    return killed


def _groups(pattern: str) -> list[Path]:
    own = keeper.own_cgroup() if pattern else None
    return list(Path(own).glob(pattern)) if own else []


def _kill_group(path: Path) -> int:
    inside = keeper.read_file(f"{path}/cgroup.procs").split()
    keeper.write_file(f"{path}/cgroup.kill", "1")
    for wait_ms, _ in zip(keeper.pauses(), range(_ROUNDS), strict=False):
        if keeper.remove_directory(str(path)):
            break
        select.poll().poll(wait_ms)  # they are still dying
    return len(inside)


def _processes() -> list[int]:
    mine = os.getpid()
    numbers = [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208
    return [pid for pid in numbers if pid != mine]


def _has_marks(pid: int, wanted: list[bytes]) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone meanwhile, or somebody else's
        return False
    return all(mark in environment for mark in wanted)
