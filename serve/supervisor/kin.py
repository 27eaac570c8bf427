"""Processes that belong to the house: how they are tied to the supervisor, found and ended.

A child dies with the supervisor (parent-death signal). A grandchild that lost its parent becomes
a child of the supervisor (subreaper), so that walking the tree finds everything that was ever
started below it. A process is named by pid and start time together: a pid alone is reused.
It knows processes; it does not know what they are for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Iterable

import psutil

Kin = tuple[int, float]  # pid, start time in seconds

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.05


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
    """Name a process by pid and start time; None when it is gone."""
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def descendants(pid: int) -> list[Kin]:
    """Name every living process below this one; zombies are not living."""
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return [(one.pid, one.create_time()) for one in below if _lives(one)]


def living(kin: Iterable[Kin]) -> list[Kin]:
    """Keep those that still live."""
    return [one for one in kin if _find(one) is not None]


def send(kin: Iterable[Kin], what: signal.Signals) -> None:
    """Signal processes; those that are gone are no error."""
    for one in kin:
        found = _find(one)
        if found is not None:
            with contextlib.suppress(psutil.Error):
                found.send_signal(what)


async def sweep(pid: int, spare: Iterable[int] = (), deadline_s: float = 10.0) -> int:
    """Kill everything below a process until nothing is left; gives how many were killed.

    It walks again after every round, since a process may fork while it is being killed and its
    orphans arrive below the subreaper only after it died.
    """
    spared = frozenset(spare)
    killed: set[Kin] = set()
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline_s
    while loop.time() < until:
        reap(spared)
        left = [one for one in descendants(pid) if one[0] not in spared]
        if not left:
            return len(killed)
        send(left, signal.SIGKILL)
        killed.update(left)
        await asyncio.sleep(_POLL_S)
    return len(killed)


def reap(spare: Iterable[int]) -> None:
    """Collect adopted zombies; `spare` are children whose exit somebody else awaits."""
    spared = frozenset(spare)
    for child in psutil.Process().children():
        if child.pid not in spared and not _lives(child):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)


def command_of(one: Kin) -> list[str]:
    """Give a process's command line; empty when it is gone."""
    found = _find(one)
    try:
        return found.cmdline() if found else []
    except psutil.Error:
        return []


def memory_bytes(kin: Iterable[Kin]) -> int:
    """Add up the memory of processes, counting shared pages once (PSS)."""
    total = 0
    for one in kin:
        found = _find(one)
        if found is not None:
            with contextlib.suppress(psutil.Error):
                total += found.memory_full_info().pss
    return total


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _find(kin: Kin) -> psutil.Process | None:
    pid, started = kin
    try:
        found = psutil.Process(pid)
        return found if found.create_time() == started and _lives(found) else None
    except psutil.Error:
        return None
