"""Processes that belong to the house: how they are tied to the supervisor, found and ended.

A child dies with the supervisor (parent-death signal). A grandchild that lost its parent becomes
a child of the supervisor (subreaper), so that walking the tree finds everything that was ever
started below it. A process is named by pid and start tick together: a pid alone is reused, and
ticks, counted since boot, do not move when somebody sets the clock. It knows processes; it does
not know what they are for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

Kin = tuple[int, int]  # pid, start in clock ticks since boot

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.05
_STATE, _START = 0, 19  # fields of /proc/PID/stat, counted behind the name


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def adopt_orphans() -> None:
    """Make this process the one to which orphaned descendants are handed."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def dies_with_me() -> Callable[[], None]:
    """Make the function that a child runs before exec, so that it ends when this process does.

    Spawn from the main thread: the kernel watches the thread that forked, not the process.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def identity(pid: int) -> Kin | None:
    """Name a living process; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()  # the name before it may hold anything
    return None if fields[_STATE] in {b"Z", b"X"} else (pid, int(fields[_START]))


def boot() -> str:
    """Name this boot of the machine: ticks mean nothing in another."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def descendants(pid: int) -> list[Kin]:
    """Name every living process below this one."""
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    named = (identity(one.pid) for one in below)
    return [one for one in named if one is not None]


def living(kin: Iterable[Kin]) -> list[Kin]:
    """Keep those that still live."""
    return [one for one in kin if identity(one[0]) == one]


def send(kin: Iterable[Kin], what: signal.Signals) -> None:
    """Signal processes; those that are gone are no error."""
    for one in living(kin):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one[0], what)


async def sweep(pid: int, deadline_s: float = 10.0) -> int:
    """Kill everything below a process until nothing is left; gives how many were killed.

    It walks again after every round, since a process may fork while it is being killed and its
    orphans arrive below the subreaper only after it died.
    """
    killed: set[Kin] = set()
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline_s
    while loop.time() < until:
        reap(zombies())
        left = descendants(pid)
        if not left:
            return len(killed)
        send(left, signal.SIGKILL)
        killed.update(left)
        await asyncio.sleep(_POLL_S)
    return len(killed)


def zombies() -> set[int]:
    """Find children of this process whose exit nobody has collected."""
    children = psutil.Process().children()
    return {child.pid for child in children if identity(child.pid) is None}


def reap(pids: Iterable[int]) -> None:
    """Collect the exit of adopted children."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def command_of(one: Kin) -> list[str]:
    """Give a process's command line; empty when it is gone."""
    try:
        return psutil.Process(one[0]).cmdline() if identity(one[0]) == one else []
    except psutil.Error:
        return []


def memory_bytes(kin: Iterable[Kin]) -> int:
    """Add up the memory of processes, counting shared pages once (PSS)."""
    total = 0
    for pid, _ in living(kin):
        with contextlib.suppress(psutil.Error):
            total += psutil.Process(pid).memory_full_info().pss
    return total
