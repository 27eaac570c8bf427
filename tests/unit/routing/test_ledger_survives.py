"""The ledger under kill -9: a real process appends and dies, and nothing it told is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from engine.errors import Unavailable
from routing.ledger import Ledger
from routing.ports import Entry, EntryKind

ROOT = Path(__file__).parents[3]
WORKERS = 8
CHILD = f"""
import asyncio, sys
from pathlib import Path
from actors.clock import SystemClock
from routing.ledger import Ledger
from routing.ports import Entry, EntryKind

async def work(ledger, worker):
    n = 0
    while True:
        n += 1
        name = f"{{worker}}-{{n}}"
        fact = {{"id": name, "at": ledger._clock.now(), "usd": 0.25, "job": worker}}
        await ledger.append([
            Entry(EntryKind.STATE, f"state-{{name}}", {{"until": n}}),
            Entry(EntryKind.CALL, name, fact),
        ])
        sys.stdout.write(name + "\\n")

async def main():
    ledger = Ledger(Path(sys.argv[1]), SystemClock(), lambda call: ["job:" + call["job"]])
    workers = [work(ledger, f"w{{n}}") for n in range({WORKERS})]
    await asyncio.gather(*workers)

asyncio.run(main())
"""


class StoppedClock:
    def now(self):
        return 0

    def monotonic(self):
        return 0.0


def start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-c", CHILD, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_after(child: subprocess.Popen[str], lines: int) -> list[str]:
    """Kill it once it has told so much; give the names that it told were durable."""
    assert child.stdout is not None
    told = [child.stdout.readline() for _ in range(lines)]
    child.send_signal(signal.SIGKILL)
    told += child.stdout.readlines()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return [line.strip() for line in told if line.endswith("\n")]


@pytest.mark.parametrize("round_", range(3))
async def test_all_that_was_acknowledged_is_there_after_kill_9(tmp_path, round_):
    path = tmp_path / "router.db"
    told = killed_after(start(path), Random(round_).randrange(20, 400))
    ledger = Ledger(path, StoppedClock(), lambda call: [])
    found = ledger.restore()
    shipped = [fact["id"] for _, fact in await ledger.unshipped(100_000)]
    ledger.close()
    missing = [name for name in told if f"state-{name}" not in found.states]
    assert missing == []
    assert set(told) <= set(shipped)
    assert len(told) >= 20
    # Whole or not at all: what was written without being told has all its parts.
    assert {f"state-{name}" for name in shipped} == set(found.states)
    assert len(set(shipped)) == len(shipped)
    counted = {f"job:w{n}": sum(s.startswith(f"w{n}-") for s in shipped) for n in range(WORKERS)}
    assert found.spent == {job: 0.25 * calls for job, calls in counted.items() if calls}


async def test_a_second_process_is_kept_out_until_the_first_is_dead(tmp_path):
    path = tmp_path / "router.db"
    child = start(path)
    assert child.stdout is not None
    child.stdout.readline()
    with pytest.raises(Unavailable, match="one writer"):
        Ledger(path, StoppedClock(), lambda call: [])
    killed_after(child, 1)
    ledger = Ledger(path, StoppedClock(), lambda call: [])
    await ledger.append([Entry(EntryKind.STATE, "a", {"until": 1})])
    ledger.close()
