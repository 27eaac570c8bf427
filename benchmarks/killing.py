"""kill -9 of a process that runs a dispatcher, and how long until its jobs run again.

The victim holds 10 jobs, with 10 more queued, and is killed in mid-run. A second process opens
the same store; its crew finds none of the old sessions and runs every order at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from benchmarks.stage import SLOTS, stage

JOBS = 20
_WITHIN_S = 60.0


async def measure(directory: Path, size: int = JOBS) -> dict[str, float]:
    """Give seconds from the kill to the last re-run, and how many jobs were lost."""
    victim = await _spawn("hold", directory, size)
    assert victim.stdout is not None
    ids = json.loads(await victim.stdout.readline())
    killed = time.perf_counter()
    victim.kill()
    await victim.wait()
    heir = await _spawn("rerun", directory, size)
    async with asyncio.timeout(_WITHIN_S):
        said, _ = await heir.communicate()
    handed = json.loads(said)
    return {
        "seconds": max(handed.values(), default=killed) - killed,
        "rerun": len(handed.keys() & set(ids)),
        "lost": len(set(ids) - handed.keys()),
    }


async def _spawn(part: str, directory: Path, size: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "benchmarks.killing", part, str(directory), str(size)),
        stdout=asyncio.subprocess.PIPE,
    )


async def _hold(directory: Path, size: int) -> None:
    async with stage(directory) as place:
        place.crew.holds = lambda _: True
        ids = await place.submit([{"run": ["true"], "lane": "P1"}] * size)
        await place.crew.until(lambda: len(place.crew.handed) >= min(SLOTS, size))
        print(json.dumps(ids), flush=True)
        await asyncio.Event().wait()


async def _rerun(directory: Path, size: int) -> None:
    async with stage(directory) as place:
        await place.crew.until(lambda: len(place.crew.ended) >= size, within_s=_WITHIN_S / 2)
        print(json.dumps(place.crew.handed))


def main() -> None:
    """Play one of the two parts."""
    part, directory, size = sys.argv[1:]
    play = {"hold": _hold, "rerun": _rerun}[part]
    asyncio.run(play(Path(directory), int(size)))


if __name__ == "__main__":
    main()
