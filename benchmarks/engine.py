"""The engine's own measures: one dispatcher on SQLite, sessions that do nothing at once.

`python -P -m benchmarks.engine MEASURE SIZE DIRECTORY` prints one JSON object of figures. A
measure gets an empty directory and a size; the same code runs at full size for the results and
at a tiny one in the tests.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import killing
from benchmarks.figures import latencies_ms, pace
from benchmarks.machine import resident_mib
from benchmarks.stage import SLOTS, Stage, stage

Figures = dict[str, float]
Measure = Callable[[Path, int], Coroutine[Any, Any, Figures]]

_EVERY_S = 0.1  # open loop: a job is submitted this often, whatever became of the last one
_IDLE_S = 10.0


def noop(**more: Any) -> dict[str, Any]:
    """Give the smallest job there is."""
    return {"run": ["true"], **more}


async def submit(directory: Path, size: int) -> Figures:
    """Latency of one submit after another, nothing running."""
    async with stage(directory) as place:
        await place.command("house.pause")
        took = []
        for _ in range(size):
            before = time.perf_counter()
            await place.submit([noop()])
            took.append(time.perf_counter() - before)
    return latencies_ms(took)


async def bulk(directory: Path, size: int) -> Figures:
    """Jobs a second in batches of 10,000, nothing running."""
    async with stage(directory) as place:
        await place.command("house.pause")
        jobs = [noop()] * size
        before = time.perf_counter()
        await place.submit(jobs)
        took = time.perf_counter() - before
    return {"per_s": size / took}


async def drain(directory: Path, size: int) -> Figures:
    """Jobs a second from a full queue, 10 slots; and the last tenth against the first."""
    async with stage(directory) as place:
        return await _drained(place, [noop()] * size)


async def drain_deep(directory: Path, size: int) -> Figures:
    """The same at depth: what the first and the last 5,000 of them cost."""
    async with stage(directory) as place:
        return await _drained(place, [noop()] * size, part=min(5000, size // 2))


async def drain_busy(directory: Path, size: int) -> Figures:
    """All of them want one directory, so that they run one after another."""
    wanted = directory / "busy"
    wanted.mkdir()
    async with stage(directory) as place:
        jobs = [noop(cwd=str(wanted))] * size
        return await _drained(place, jobs, part=min(5000, size // 2))


async def drain_mixed(directory: Path, size: int) -> Figures:
    """Nine of ten want one directory that stays busy; the others must not notice."""
    wanted = directory / "busy"
    wanted.mkdir()
    async with stage(directory) as place:
        place.crew.holds = lambda order: bool(order.cwd)
        jobs = [noop() if n % 10 == 9 else noop(cwd=str(wanted)) for n in range(size)]
        await place.command("house.pause")
        free = [job for n, job in enumerate(await place.submit(jobs)) if n % 10 == 9]
        return await _timed_drain(place, free, part=max(2, len(free) // 10))


async def _drained(place: Stage, jobs: Sequence[Mapping[str, Any]], part: int = 0) -> Figures:
    await place.command("house.pause")
    ids = await place.submit(jobs)
    return await _timed_drain(place, ids, part or max(2, len(ids) // 10))


async def _timed_drain(place: Stage, ids: Sequence[str], part: int) -> Figures:
    wanted, ended = set(ids), place.crew.ended
    before = time.perf_counter()
    await place.command("house.resume")
    await place.crew.until(lambda: wanted <= ended.keys(), within_s=3600)
    marks = sorted(ended[job] for job in ids)
    first, last = pace(marks, 0, part - 1), pace(marks, len(marks) - part, len(marks) - 1)
    return {
        "per_s": len(ids) / (marks[-1] - before),
        "first_per_s": first,
        "last_per_s": last,
        "last_over_first": last / first,
    }


async def start(directory: Path, size: int) -> Figures:
    """From before the submit to the order in the session's hands, ten a second, nothing else."""
    async with stage(directory) as place:
        return latencies_ms(await _starts(place, size, noop()))


async def start_urgent(directory: Path, size: int) -> Figures:
    """The same for P0 behind a queue of P5: while the background holds its slots, and drains."""
    async with stage(directory) as place:
        place.crew.holds = lambda order: order.name == "background"
        await place.submit([noop(lane="P5", name="background")] * size)
        held = await _starts(place, min(100, size), noop(lane="P0"))
        place.crew.release()
        draining = await _starts(place, min(100, size), noop(lane="P0"))
    return latencies_ms(held) | latencies_ms(draining, "draining_")


async def _starts(place: Stage, count: int, job: Mapping[str, Any]) -> list[float]:
    began: dict[str, float] = {}

    async def one() -> None:
        before = time.perf_counter()
        began[(await place.submit([job]))[0]] = before

    opened = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for n in range(count):
            await asyncio.sleep(max(0.0, opened + n * _EVERY_S - time.perf_counter()))
            group.create_task(one())
    await place.crew.until(lambda: began.keys() <= place.crew.handed.keys())
    return [place.crew.handed[job_id] - before for job_id, before in began.items()]


async def fan_in(directory: Path, size: int) -> Figures:
    """One group over so many members: from before the submit to the group's end."""
    async with stage(directory) as place:
        keys = [f"m{n}" for n in range(size - 1)]
        jobs = [noop(key=key) for key in keys]
        jobs.append({"key": "all", "group": {"mode": "all", "members": keys}})
        before = time.perf_counter()
        answer = await place.command("job.submit", jobs=jobs)
        group = answer["keys"]["all"]
        await place.crew.until(lambda: group in place.crew.ended)
        return {"seconds": place.crew.ended[group] - before, "members": size - 1}


async def chain(directory: Path, size: int) -> Figures:
    """A chain of so many jobs, each needing the one before it."""
    async with stage(directory) as place:
        jobs = [noop(key=f"n{n}", needs=[f"n{n - 1}"] if n else []) for n in range(size)]
        before = time.perf_counter()
        answer = await place.command("job.submit", jobs=jobs)
        last = answer["keys"][f"n{size - 1}"]
        await place.crew.until(lambda: last in place.crew.ended)
        took = place.crew.ended[last] - before
    return {"seconds": took, "per_node_ms": took / size * 1000}


async def idle(directory: Path, size: int) -> Figures:
    """CPU and memory of a house that has nothing to do, empty and with a deep queue."""
    async with stage(directory) as place:
        figures = {"empty_cpu_percent": await _idle_cpu(size), "empty_rss_mib": resident_mib()}
        await place.command("house.pause")
        await place.submit([noop()] * size)
        figures |= {"deep_cpu_percent": await _idle_cpu(size), "deep_rss_mib": resident_mib()}
    return figures


async def _idle_cpu(size: int) -> float:
    seconds = min(_IDLE_S, size / 100)
    before = _cpu_s()
    await asyncio.sleep(seconds)
    return (_cpu_s() - before) / seconds * 100


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


MEASURES: Mapping[str, Measure] = {
    "submit": submit,
    "bulk": bulk,
    "drain": drain,
    "start": start,
    "start_urgent": start_urgent,
    "drain_deep": drain_deep,
    "drain_busy": drain_busy,
    "drain_mixed": drain_mixed,
    "fan_in": fan_in,
    "chain": chain,
    "kill": killing.measure,
    "idle": idle,
}


def main() -> None:
    """Run one measure and print its figures."""
    measure, size, directory = sys.argv[1:]
    figures = asyncio.run(MEASURES[measure](Path(directory), int(size)))
    print(json.dumps({"slots": SLOTS} | figures))


if __name__ == "__main__":
    main()
