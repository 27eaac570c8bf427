"""Many seeds at once, over several processes."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_context

from tests.simulation.run import Verdict, run

_AT_ONCE = 10


def run_many(first: int, count: int, processes: int) -> Iterator[Verdict]:
    """Run `count` seeds from `first` on, and give the verdicts as they come."""
    seeds = range(first, first + count)
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(run, seeds, chunksize=_AT_ONCE)
