"""200 kills of trees that do all they can to outlive their job; 0 processes are left.

A tree has a plain child, a setsid child, and a double-forked setsid child with an empty
environment that has children of its own and ignores SIGTERM. The marker is a number of seconds,
since that stays in the arguments whatever happens to the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from actors import keeper, processes
from actors.keepers import Keepers
from actors.processes import Command, KeptProcess, Killed, Stream, Unkept
from tests.unit.actors.sessions.kit import marked, until

pytestmark = pytest.mark.fault
TREES_AT_ONCE = 10
RNG = Random(20)


def tree(mark: str) -> str:
    """Write the shell text of a tree of at least seven processes, one of which grows again."""
    return f"""
        sleep {mark} & setsid sleep {mark} &
        (env -i setsid sh -c 'trap "" TERM; sleep {mark} & sleep {mark} & wait' &)
        (setsid sh -c '(env -i setsid sleep {mark} &)')
        (env -i setsid sh -c 'trap "" TERM; while :; do sleep {mark}; done' &)
        echo ready; sleep {mark}
    """


def new_mark() -> str:
    return f"9{RNG.randrange(10**8, 10**9)}.25"


class Ear:
    def __init__(self) -> None:
        self.text = b""

    def started(self, pid: int) -> None:
        self.pid = pid

    def heard(self, stream: Stream, data: bytes) -> None:
        self.text += data


async def grown(mark: str, ear: Ear, trees: int = 1) -> None:
    await until(lambda: b"ready" in ear.text, "the tree")
    await until(lambda: len(marked(mark)) >= 7 * trees, "all of the tree")


async def plant(kept: KeptProcess, mark: str) -> Ear:
    ear = Ear()
    env = {"PATH": os.environ["PATH"], "HELIO_SESSION": f"tag{mark}"}
    argv = ["sh", "-c", tree(mark)]
    kept.begin(Command(argv=argv, cwd="/", env=env, grace_s=0.05), ear)
    await grown(mark, ear)
    return ear


async def stopped(kept: KeptProcess) -> None:
    kept.stop(0.05)
    assert await kept.fate() == Killed(signal.SIGTERM, by_itself=False)


async def main_process_killed(kept: KeptProcess) -> None:
    main = keeper.children_of(inner(kept))[0]
    os.kill(main, signal.SIGKILL)
    assert await kept.fate() == Killed(signal.SIGKILL, by_itself=True)


async def keeper_killed(kept: KeptProcess) -> None:
    os.kill(inner(kept), signal.SIGKILL)
    assert await kept.fate() == Unkept(swept=True)


async def guard_killed(kept: KeptProcess) -> None:
    os.kill(kept.pid, signal.SIGKILL)
    assert await kept.fate() == Killed(signal.SIGTERM, by_itself=False)


async def both_killed(kept: KeptProcess) -> None:
    pids = (inner(kept), kept.pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):  # frozen first, so that neither sees it coming
        for pid in pids:
            os.kill(pid, number)
    assert await kept.fate() == Unkept(swept=False)


def inner(kept: KeptProcess) -> int:
    return keeper.children_of(kept.pid)[0]


Kill = Callable[[KeptProcess], Awaitable[None]]


@pytest.fixture
def without_cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run keepers that find no cgroup version 2."""
    blind = tmp_path / "keeper.py"
    text = processes.KEEPER.read_text()
    assert text.count('"cgroup2"') == 1
    blind.write_text(text.replace('"cgroup2"', '"none"'))
    monkeypatch.setattr(processes, "KEEPER", blind)


@pytest.mark.parametrize(
    ("kill", "times"), [(stopped, 30), (main_process_killed, 20), (keeper_killed, 30)]
)
@pytest.mark.usefixtures("without_cgroups")
async def test_a_killed_tree_leaves_nothing_where_there_are_no_cgroups(
    kill: Kill, times: int
) -> None:
    await kill_often(kill, times)


@pytest.mark.parametrize(
    ("kill", "times"), [(stopped, 20), (keeper_killed, 20), (guard_killed, 20), (both_killed, 20)]
)
async def test_a_killed_tree_leaves_nothing(kill: Kill, times: int) -> None:
    if kill is both_killed and not keeper.own_cgroup():
        pytest.skip("without a writable cgroup version 2 an empty environment cannot be found")
    await kill_often(kill, times)


async def kill_often(kill: Kill, times: int) -> None:
    async def once(mark: str) -> None:
        keepers = Keepers(f"t{mark}", -1)
        kept = keepers.take()
        await plant(kept, mark)
        await kill(kept)
        await keepers.settle([kept], [f"HELIO_SESSION=tag{mark}"])
        await until(lambda: not marked(mark), f"the end of {mark} after {kill.__name__}")
        await until(lambda: not groups_of(mark), "the end of its cgroup")

    for _ in range(times // TREES_AT_ONCE):
        await asyncio.gather(*(once(new_mark()) for _ in range(TREES_AT_ONCE)))


SESSION = """
import asyncio, sys
from actors.processes import Command, KeptProcess
from tests.fault.test_no_orphan import Ear, grown, tree

async def main(mark, count):
    ears = [Ear() for _ in range(count)]
    for ear in ears:
        kept = KeptProcess("t" + mark)
        env = {"PATH": "/usr/bin:/bin"}
        kept.begin(Command(argv=["sh", "-c", tree(mark)], cwd="/", env=env), ear)
    for ear in ears:
        await grown(mark, ear, count)
    spare = KeptProcess("t" + mark)
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@contextlib.asynccontextmanager
async def session_process(mark: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-c", SESSION, mark, str(TREES_AT_ONCE)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220
        try:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("round_", range(4))
async def test_a_killed_session_leaves_nothing(round_: int) -> None:
    mark = new_mark()
    async with session_process(mark) as process:
        assert len(marked(mark)) >= 7 * TREES_AT_ONCE
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        await until(lambda: not marked(mark), "the end of the session's trees")
        await until(lambda: not groups_of(mark), "the end of their cgroups")


def groups_of(mark: str) -> Sequence[str]:
    own = keeper.own_cgroup()
    return [path.name for path in Path(own).glob(f"helio-t{mark}-*")] if own else []


async def test_killing_the_process_group_alone_leaves_some() -> None:
    """The control: without a keeper these trees do survive, so the tests above can fail."""
    mark = new_mark()
    argv = ["sh", "-c", tree(mark)]
    with subprocess.Popen(argv, start_new_session=True) as process:  # noqa: ASYNC220
        await until(lambda: len(marked(mark)) >= 7, "all of the tree")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    left = marked(mark)
    try:
        assert len(left) >= 2
    finally:
        while left := marked(mark):
            for pid in left:
                keeper.send(pid, signal.SIGKILL)
