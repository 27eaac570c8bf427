"""The keeper: a small program of its own, the parent of one job's process tree. Linux only.

It is started by absolute path as ``python -I -S keeper.py TAG OUT ERR [FD ...]``, knows only the
standard library, and nothing of jobs: it is told an argv and sees to it that nothing of what
grows from it outlives the job, the session, or itself.

    session ──pipe──> guard ──fork──> keeper ──fork──> main process ──> whatever it starts

Both guard and keeper are subreapers, so every orphan of the tree becomes a child of one of them;
"no child left" is therefore the kernel's word that the tree is gone. Whoever is killed:
- the session: its pipe closes; the keeper ends the tree;
- the keeper: the main process gets SIGKILL from the kernel, the rest falls to the guard;
- the guard: the keeper holds a pidfd of it and ends the tree;
- guard and keeper at one instant: the main process gets SIGKILL, and the session looks for strays
  (`actors.strays`): by cgroup where version 2 is writable, else by a marker in the environment.

The pair is started before it is needed and waits for its command: a length (4 bytes) and a
marshalled dict (decoding JSON would cost 10 ms of imports, a third of the start). Later bytes on
the same pipe are stops, four bytes each: the grace in milliseconds.

It answers in lines: ``started PID``, ``failed STAGE ERRNO``, ``exit CODE BY_ITSELF``,
``signal NUMBER BY_ITSELF``, and last ``gone``.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIGKILL, SIGPIPE, SIGTERM, SIGCONT, SIGSTOP, SIGXFSZ = 9, 13, 15, 18, 19, 25
OOM_SCORE_ADJ = "500"  # when memory ends, the job goes before the house
REAP_ORPHANS_MS = 5000  # how often dead orphans are buried while the job runs
FREEZE_ROUNDS = 8
POLL_MS = (1, 2, 4, 8, 16, 32, 50)
NUMBER_BYTES = 4
LIBC = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """Guard a keeper: what it leaves behind, whatever became of it, is ended here."""
    tag, out, err, *held = arguments
    for fd in (0, 1, int(out), int(err), *map(int, held)):
        os.set_inheritable(fd, False)
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    guard = os.getpid()
    group = Group(f"helio-{tag}-{guard}")
    keeper = os.fork()
    if keeper == 0:
        Keeper(guard, group).run(int(out), int(err))
        os._exit(0)
    for fd in (0, int(out), int(err)):
        os.close(fd)
    _, status = os.waitpid(keeper, 0)
    end_children(group)
    group.remove()
    if status != 0:
        say("gone")
    os._exit(0)


def say(text: str) -> None:
    """Tell the session one line; it may be gone, which changes nothing."""
    try:
        os.write(1, text.encode() + b"\n")
    except OSError:
        pass


def read_command() -> dict[str, Any] | None:
    """Read the command; None when the session closed the pipe without giving one."""
    head = _read_exactly(NUMBER_BYTES)
    body = _read_exactly(int.from_bytes(head, "big")) if head else b""
    return dict(marshal.loads(body)) if body else None  # noqa: S302  # it comes from our parent


def _read_exactly(count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = os.read(0, count - len(got))
        if not more:
            return b""
        got += more
    return got


class Group:
    """The job's own cgroup, where version 2 is mounted and writable; else nothing at all.

    To move a process costs the kernel some 10 ms, so the keeper joins while it is warm and its
    children are born inside. Before it kills the group it leaves.
    """

    def __init__(self, name: str) -> None:
        self._parent = own_cgroup()
        self.path = f"{self._parent}/{name}" if self._parent else ""
        try:
            if self.path:
                os.mkdir(self.path)
        except OSError:
            self.path = ""

    def join(self) -> None:
        """Move this process in; what it starts is born inside."""
        if self.path:
            write_file(f"{self.path}/cgroup.procs", "0")

    def kill(self) -> None:
        """Kill everything inside but ourselves at once, faster than it can fork."""
        if self.path:
            write_file(f"{self._parent}/cgroup.procs", "0")
            write_file(f"{self.path}/cgroup.kill", "1")

    def remove(self) -> None:
        """Remove the group, out of which everything has gone but ourselves."""
        if self.path:
            write_file(f"{self._parent}/cgroup.procs", "0")
            remove_directory(self.path)


def own_cgroup() -> str:
    """Find this process's directory in the version 2 hierarchy, empty where there is none."""
    for line in read_file("/proc/self/mounts").splitlines():
        _, mount, kind, *_ = line.split(" ")
        if kind == "cgroup2":
            own = read_file("/proc/self/cgroup").split("0::", 1)[-1].split("\n", 1)[0]
            path = f"{mount}/{own.strip('/')}".rstrip("/")
            return path if os.access(path, os.W_OK) else ""
    return ""


def read_file(path: str) -> str:
    """Read a file of /proc or /sys, empty when it is not there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        text = b""
        while more := os.read(fd, 65536):
            text += more
    except OSError:  # the process went away while it was read
        return ""
    finally:
        os.close(fd)
    return text.decode(errors="replace")


def write_file(path: str, text: str) -> None:
    """Write a file of /proc or /sys; a refusal leaves things as they are."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(fd, text.encode())
    except OSError:
        pass
    finally:
        os.close(fd)


def remove_directory(path: str) -> bool:
    """Remove an empty directory; False when it is not empty yet."""
    try:
        os.rmdir(path)
    except OSError:
        return not os.path.exists(path)
    return True


class Keeper:
    """Starts the main process, waits for an end, and ends the tree."""

    def __init__(self, guard: int, group: Group) -> None:
        self._guard = guard
        self._group = group
        self._command: dict[str, Any] = {}
        self._main = 0
        self._status: int | None = None
        self._pressed = False  # somebody has asked the main process to end
        self._session_lives = True

    def run(self, out: int, err: int) -> None:
        """Wait for the command and carry it out; when this returns, the tree is gone."""
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        guard_fd = os.pidfd_open(self._guard)
        self._group.join()
        self._command = read_command() or {}
        if self._command:
            self._carry_out(out, err, guard_fd)
            say("gone")
        if self._orphaned():  # nobody else is left to do it
            self._group.remove()

    def _orphaned(self) -> bool:
        return os.getppid() != self._guard

    def _carry_out(self, out: int, err: int, guard_fd: int) -> None:
        if self._orphaned() or not self._begin(out, err):
            return
        os.close(out)
        os.close(err)
        grace_s = self._watch(guard_fd)
        bury(self._note)
        self._pressed = self._status is None
        self._end(grace_s)

    def _begin(self, out: int, err: int) -> bool:
        """Start the main process; False, and said, when it could not be."""
        told, tell = os.pipe()  # closed by a successful exec
        keeper = os.getpid()
        self._main = os.fork()
        if self._main == 0:
            become(self._command, (out, err), keeper, tell)
        os.close(tell)
        problem = os.read(told, 64).decode()
        os.close(told)
        if problem:
            os.waitpid(self._main, 0)
            say(f"failed {problem}")
            return False
        say(f"started {self._main}")
        return True

    def _watch(self, guard_fd: int) -> float:
        """Wait until the job ends or must end; give the grace for what is left of it."""
        main_fd = os.pidfd_open(self._main)
        poll = select.poll()
        for fd in (0, main_fd, guard_fd):
            poll.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll(REAP_ORPHANS_MS)}
            if main_fd in ready:
                return float(self._command["grace_s"])
            if 0 in ready:
                return self._read_stop()
            if guard_fd in ready:
                return float(self._command["orphan_grace_s"])
            bury(self._note)

    def _read_stop(self) -> float:
        """Read how long the tree has; a closed pipe means that the session died."""
        asked = _read_exactly(NUMBER_BYTES)
        self._session_lives = bool(asked)
        if not asked:
            return float(self._command["orphan_grace_s"])
        return int.from_bytes(asked, "big") / 1000

    def _end(self, grace_s: float) -> None:
        """Ask everything to end, and after the grace make it."""
        deadline = time.monotonic() + grace_s
        if grace_s > 0:
            for pid in descendants():
                send(pid, SIGTERM)
                send(pid, SIGCONT)
        waits = pauses()
        while bury(self._note) and (left_s := deadline - time.monotonic()) > 0:
            deadline = min(deadline, self._pause(min(next(waits), left_s * 1000)))
        end_children(self._group, self._note)

    def _pause(self, wait_ms: float) -> float:
        """Wait a little; give the new deadline if a shorter grace came in meanwhile."""
        poll = select.poll()
        if self._session_lives:
            poll.register(0, select.POLLIN)
        if poll.poll(max(wait_ms, 1)):
            return time.monotonic() + self._read_stop()
        return float("inf")

    def _note(self, pid: int, status: int) -> None:
        """Say how the main process ended, as soon as that is known."""
        if pid != self._main or self._status is not None:
            return
        self._status = status
        code = os.waitstatus_to_exitcode(status)
        word, number = ("signal", -code) if code < 0 else ("exit", code)
        say(f"{word} {number} {int(not self._pressed)}")


def become(command: dict[str, Any], streams: tuple[int, int], parent: int, tell: int) -> None:
    """Turn the forked child into the main process; never returns."""
    stage = "prepare"
    try:
        os.setsid()
        LIBC.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(127)
        write_file("/proc/self/oom_score_adj", OOM_SCORE_ADJ)
        os.dup2(_input(command["stdin"]), 0)
        os.dup2(streams[0], 1)
        os.dup2(streams[1], 2)
        for number in (SIGPIPE, SIGXFSZ):  # which Python ignores; other programs rely on them
            LIBC.signal(number, 0)
        stage = "cwd"
        os.chdir(command["cwd"])
        stage = "exec"
        os.execvpe(command["argv"][0], command["argv"], command["env"])
    except OSError as refused:
        os.write(tell, f"{stage} {refused.errno}".encode())
    except ValueError:  # a NUL inside an argument
        os.write(tell, f"{stage} 22".encode())
    os._exit(127)


def _input(text: bytes) -> int:
    """Open what the main process reads: these bytes, then the end."""
    if not text:
        return os.open("/dev/null", os.O_RDONLY)
    fd = os.memfd_create("stdin")
    view = memoryview(text)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def end_children(group: Group, note: Any = None) -> None:
    """Kill until no descendant is left; first freeze, since what forks outruns a list.

    A process that we may not kill (another user's, by way of sudo) keeps us here until it ends:
    "gone" is said when it is true and not before.
    """
    waits = pauses()
    while bury(note):
        group.kill()
        frozen: set[int] = set()
        for _ in range(FREEZE_ROUNDS):
            fresh = set(descendants()) - frozen
            if not fresh:
                break
            for pid in fresh:
                send(pid, SIGSTOP)
            frozen |= fresh
        for pid in frozen:
            send(pid, SIGKILL)
        if bury(note):
            select.poll().poll(next(waits))  # waits; there is nothing to hear


def bury(note: Any = None) -> bool:
    """Collect every child that is dead; True while another lives."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        if note is not None:
            note(pid, status)


def pauses() -> Iterator[int]:
    """Give growing waits in milliseconds, the last one for ever."""
    yield from POLL_MS
    while True:
        yield POLL_MS[-1]


def send(pid: int, number: int) -> None:
    """Signal a process that may be gone."""
    try:
        os.kill(pid, number)
    except OSError:
        pass


def descendants() -> list[int]:
    """List every process below this one, parents first."""
    found: list[int] = []
    unseen = [os.getpid()]
    while unseen:
        pid = unseen.pop()
        children = children_of(pid)
        found += children
        unseen += children
    return found


def children_of(pid: int) -> list[int]:
    """List the children of a process, whichever of its threads made them."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    texts = [read_file(f"/proc/{pid}/task/{thread}/children") for thread in threads]
    return [int(child) for text in texts for child in text.split()]


if __name__ == "__main__":
    main(sys.argv[1:])
