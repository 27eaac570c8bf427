"""One client, the same for every gateway: latencies as it sees them, CPU and memory of theirs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import psutil

from benchmarks.figures import MS_PER_S, percentile

WARM = 30
SIDE_BY_SIDE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go, how they look, and by what the first word of a stream is known."""

    name: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, object]
    first: bytes = b"word0"
    prefix: str = ""  # before a model's name
    pids: tuple[int, ...] = ()


class Cost:
    """CPU of some processes and their children since this was made."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._began = self._used_s()

    def ms(self) -> float:
        """Give the milliseconds."""
        return (self._used_s() - self._began) * MS_PER_S

    def _used_s(self) -> float:
        used = [process.cpu_times() for process in family(self._pids)]
        return sum(times.user + times.system for times in used)


def family(pids: Sequence[int]) -> list[psutil.Process]:
    """Give processes with all their children."""
    roots = [psutil.Process(pid) for pid in pids]
    return [one for root in roots for one in (root, *root.children(recursive=True))]


def memory_mib(pids: Sequence[int]) -> dict[str, float]:
    """Give resident and private memory of processes with their children."""
    told = [process.memory_full_info() for process in family(pids)]
    return {
        "rss_mib": sum(one.rss for one in told) / 2**20,
        "private_mib": sum(one.uss for one in told) / 2**20,
    }


async def load(target: Target, size: int) -> dict[str, float]:
    """Measure one target: whole answers, then streams at once, then paced streams side by side."""
    async with aiohttp.ClientSession(headers=target.headers) as session:
        for _ in range(WARM):
            await _whole(session, target)
            await _stream(session, target, "m")
        figures = await _wholes(session, target, size)
        figures |= await _streams(session, target, size // 3)
        figures |= await _paced(session, target, size // 3)
    if target.pids:
        figures |= memory_mib(target.pids)
    return figures


async def _wholes(session: aiohttp.ClientSession, target: Target, size: int) -> dict[str, float]:
    cost = Cost(target.pids)
    took = [await _whole(session, target) for _ in range(size)]
    figures = {"json_p50_ms": percentile(took, 0.5) * MS_PER_S, "json_min_ms": min(took) * MS_PER_S}
    return figures | {"json_p99_ms": percentile(took, 0.99) * MS_PER_S} | _each(cost, size, "json")


async def _streams(session: aiohttp.ClientSession, target: Target, size: int) -> dict[str, float]:
    cost = Cost(target.pids)
    took = [await _stream(session, target, "m") for _ in range(size)]
    figures = {
        "first_p50_ms": percentile(took, 0.5) * MS_PER_S,
        "first_min_ms": min(took) * MS_PER_S,
    }
    return figures | _each(cost, size, "burst")


async def _paced(session: aiohttp.ClientSession, target: Target, size: int) -> dict[str, float]:
    cost, left = Cost(target.pids), iter(range(size))

    async def one_after_another() -> None:
        for _ in left:
            await _stream(session, target, "paced")

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(SIDE_BY_SIDE):
            group.create_task(one_after_another())
    took = time.perf_counter() - began
    return {"streams_per_s": size / took} | _each(cost, size, "stream")


def _each(cost: Cost, size: int, name: str) -> dict[str, float]:
    return {f"{name}_cpu_ms": cost.ms() / size}


async def _whole(session: aiohttp.ClientSession, target: Target) -> float:
    began = time.perf_counter()
    async with session.post(
        target.url, json={**target.body, "model": f"{target.prefix}m"}
    ) as response:
        told = await response.read()
        assert response.status == 200, told[:300]
    took = time.perf_counter() - began
    assert b"word word" in told, told[:300]
    return took


async def _stream(session: aiohttp.ClientSession, target: Target, model: str) -> float:
    """Give the seconds to the first word; the stream is read to its end."""
    began, first, told = time.perf_counter(), 0.0, b""
    body = {**target.body, "model": target.prefix + model, "stream": True}
    async with session.post(target.url, json=body) as response:
        async for chunk in response.content.iter_any():
            told += chunk
            if not first and target.first in told:
                first = time.perf_counter() - began
        assert response.status == 200, told[:300]
    assert first, told[:300]
    assert b"word49" in told, told[-300:]
    return first
