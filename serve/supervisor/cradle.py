"""The cradle: a small program of its own between the supervisor and the Ray head. Linux only.

It is started by path as ``python -I -S cradle.py LIFELINE COMMAND...`` and knows only the standard
library. LIFELINE is the reading end of a pipe that nobody ever writes to: the kernel closes it
when the supervisor dies, of whatever cause, and the cradle then kills everything below itself.
Without it, some of Ray's processes outlive a killed head by a minute.

It is a subreaper, so that nothing escapes it by forking twice. SIGTERM is passed on to the
command; when the command ends, the rest is killed and the cradle ends with its code.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ROUND_S = 0.05
_SIGNAL_BASE = 128


def main() -> int:
    """Run the command; gives its exit code."""
    lifeline = int(sys.argv[1])
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # Blocked and read from a pipe: no signal falls between a look and a sleep.
    news, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(told)
    for sign in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(sign, lambda *_: None)
    child = _spawn(sys.argv[2:], prctl)
    code = _wait(child, lifeline, news)
    _end_all()
    return code


def _spawn(command: list[str], prctl: ctypes._NamedFuncPointer) -> int:
    child = os.fork()
    if child == 0:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            os.execv(command[0], command)  # noqa: S606  a shell is what we do not want
        finally:
            os._exit(_SIGNAL_BASE - 1)
    return child


def _wait(child: int, lifeline: int, news: int) -> int:
    """Wait for the end of the command or of the supervisor."""
    while True:
        readable, _, _ = select.select([lifeline, news], [], [])
        if lifeline in readable:
            return _SIGNAL_BASE + signal.SIGKILL
        if signal.SIGTERM in os.read(news, 64):
            os.kill(child, signal.SIGTERM)
        for pid, status in _reaped():
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else _SIGNAL_BASE - code


def _reaped() -> Iterator[tuple[int, int]]:
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended
    except ChildProcessError:
        return


def _end_all() -> None:
    """Kill what is below, round after round, until the kernel says that there is no child."""
    while True:
        for pid in _descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        select.select([], [], [], _ROUND_S)


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208  pathlib costs 10 ms of import
        if entry.isdigit():
            children.setdefault(_parent(entry), []).append(int(entry))
    found = list(children.get(os.getpid(), []))
    for pid in found:  # grows while it is walked
        found.extend(children.get(pid, []))
    return found


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123  pathlib costs 10 ms
            # The name in parentheses may hold anything, also parentheses.
            return int(stat.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
