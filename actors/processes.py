"""The session's end of a keeper: start it warm, give it a command, hear how the tree ended.

Plain file descriptors on the running loop: no child watcher and no signal handler, because a Ray
actor's loop is not the main thread's. What the process is for, this module does not know.
"""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from actors import keeper

KEEPER = Path(keeper.__file__).resolve()
_READ_BYTES = 65536


class Stream(StrEnum):
    """Where output came from."""

    OUT = "stdout"
    ERR = "stderr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run. `env` is the whole environment: nothing of the session's own is added."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    stdin: bytes = b""
    grace_s: float = 5.0
    orphan_grace_s: float = 1.0  # when the session died and its successor waits for the tree


@dataclass(frozen=True, slots=True)
class Exited:
    """The main process returned this code; `by_itself`: before anybody signalled it."""

    code: int
    by_itself: bool = True


@dataclass(frozen=True, slots=True)
class Killed:
    """The main process died of this signal."""

    signal: int
    by_itself: bool = True


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The system refused at this stage (prepare, cwd or exec) with this errno."""

    stage: str
    errno: int


@dataclass(frozen=True, slots=True)
class Unkept:
    """The keeper was killed, so nobody knows how the main process ended.

    `swept` is false when its guard died with it: then strays may be left.
    """

    swept: bool


Fate = Exited | Killed | NotStarted | Unkept


class Ear(Protocol):
    """Who hears what a process does while it runs."""

    def started(self, pid: int) -> None:
        """The main process runs."""

    def heard(self, stream: Stream, data: bytes) -> None:
        """It wrote something."""


class KeptProcess:
    """One keeper, from warm to gone. Make it on the loop that will use it."""

    def __init__(self, tag: str, held: Sequence[int] = ()) -> None:
        self._loop = asyncio.get_running_loop()
        control, told = os.pipe()
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        ends = (out_end, err_end, *held)
        self._process = subprocess.Popen(
            [*_interpreter(), str(KEEPER), tag, *map(str, ends)],
            stdin=subprocess.PIPE,
            stdout=told,
            pass_fds=ends,
            start_new_session=True,  # or it dies with its session's process group
            cwd="/",
            env=_keeper_env(),
            bufsize=0,
        )
        for fd in (told, out_end, err_end):
            os.close(fd)
        self._control = control
        self._streams = {out: Stream.OUT, err: Stream.ERR}
        self._ear: Ear | None = None
        self._fate: Fate | None = None
        self._over = False
        self._buried = False
        self._lines = b""
        self._gone: asyncio.Future[Fate] = self._loop.create_future()
        self._exit = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._exit, self._on_exit)
        self._feed = _Feed(self._loop, _stdin_of(self._process))

    @property
    def pid(self) -> int:
        """The guard's process id, which names the job's cgroup."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether a warm keeper is still there to be used."""
        return self._process.poll() is None

    def begin(self, command: Command, ear: Ear) -> None:
        """Start the main process; `ear` is called on this loop from now on."""
        self._ear = ear
        body = marshal.dumps(
            {
                "argv": list(command.argv),
                "cwd": command.cwd,
                "env": dict(command.env),
                "stdin": command.stdin,
                "grace_s": command.grace_s,
                "orphan_grace_s": command.orphan_grace_s,
            }
        )
        for fd, act in ((self._control, self._on_control), *self._readers()):
            os.set_blocking(fd, False)
            self._loop.add_reader(fd, act)
        self._feed.write(len(body).to_bytes(keeper.NUMBER_BYTES, "big") + body)

    def stop(self, grace_s: float) -> None:
        """Ask for the end of the tree: SIGTERM, after the grace SIGKILL. A shorter one may follow.

        Nothing happens when it is over already.
        """
        if not self._over:
            grace_ms = int(max(grace_s, 0) * 1000)
            self._feed.write(grace_ms.to_bytes(keeper.NUMBER_BYTES, "big"))

    async def fate(self) -> Fate:
        """Wait until nothing is left, the guard included; all output has been heard by then."""
        return await asyncio.shield(self._gone)

    def dismiss(self) -> None:
        """Close the pipe: a warm keeper goes, a busy one ends its tree first."""
        self._feed.close()
        if self._ear is None:
            self._finish(Unkept(swept=True))

    def _readers(self) -> list[tuple[int, Callable[[], object]]]:
        return [(fd, lambda fd=fd: self._on_output(fd)) for fd in self._streams]  # type: ignore[misc]

    def _on_output(self, fd: int) -> bool:
        """Pass on what is there; False at the end of what is there."""
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(fd)
            return False
        if self._ear is not None:
            self._ear.heard(self._streams[fd], data)
        return True

    def _on_control(self) -> None:
        try:
            data = os.read(self._control, _READ_BYTES)
        except BlockingIOError:
            return
        *lines, self._lines = (self._lines + data).split(b"\n")
        for line in lines:
            self._take(line.decode().split(" "))
        if not data:
            self._finish(Unkept(swept=False))

    def _take(self, words: list[str]) -> None:
        match words:
            case ["started", pid] if self._ear is not None:
                self._ear.started(int(pid))
            case ["failed", stage, number]:
                self._fate = NotStarted(stage, int(number))
            case ["exit", code, by_itself]:
                self._fate = Exited(int(code), by_itself == "1")
            case ["signal", number, by_itself]:
                self._fate = Killed(int(number), by_itself == "1")
            case ["gone"]:
                self._finish(Unkept(swept=True))
            case _:
                pass

    def _finish(self, otherwise: Fate) -> None:
        """Hear the rest, which is in the pipes by now, and let go of everything."""
        if self._over:
            return
        self._over = True
        for fd in self._streams:
            while self._on_output(fd):
                pass
        if self._fate is None or otherwise == Unkept(swept=False):
            self._fate = otherwise
        self._close()
        self._settle()

    def _close(self) -> None:
        for fd in (self._control, *self._streams):
            self._loop.remove_reader(fd)
            os.close(fd)
        self._feed.close()

    def _on_exit(self) -> None:
        """The guard is dead; the keeper may still be at work."""
        self._loop.remove_reader(self._exit)
        os.close(self._exit)
        self._process.wait()
        self._buried = True
        self._settle()

    def _settle(self) -> None:
        if self._over and self._buried:
            self._gone.set_result(self._fate or Unkept(swept=True))


class _Feed:
    """Writes to the keeper without ever waiting for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        self._loop = loop
        self._fd: int | None = fd
        self._rest = b""
        os.set_blocking(fd, False)

    def write(self, data: bytes) -> None:
        """Queue bytes; they are dropped when the other end is closed."""
        idle = not self._rest
        self._rest += data
        if idle:
            self._flush()

    def close(self) -> None:
        """Close our end, once."""
        if self._fd is not None:
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = None

    def _flush(self) -> None:
        if self._fd is None:
            return
        with contextlib.suppress(BlockingIOError):
            try:
                self._rest = self._rest[os.write(self._fd, self._rest) :]
            except BrokenPipeError:
                self._rest = b""
        if self._rest:
            self._loop.add_writer(self._fd, self._flush)
        else:
            self._loop.remove_writer(self._fd)


def _stdin_of(process: subprocess.Popen[bytes]) -> int:
    """Take the write end out of the Popen object, so that nobody else closes it."""
    assert process.stdin is not None
    fd = os.dup(process.stdin.fileno())
    process.stdin.close()
    process.stdin = None
    return fd


def _interpreter() -> list[str]:
    return [sys.executable, "-I", "-S", "-X", "utf8"]


def _keeper_env() -> dict[str, str]:
    """Give what the interpreter itself may need to load, and nothing else."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
