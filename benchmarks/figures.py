"""Figures and what is made of them: percentiles, medians over rounds, paired ratios."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

MS_PER_S = 1000.0
_RESOLUTION_S = 1e-6


@dataclass(frozen=True, slots=True)
class Run:
    """One measure of one contestant in one round: the figures, or why there are none."""

    contestant: str
    measure: str
    round: int
    figures: Mapping[str, float] = field(default_factory=dict)
    trouble: str = ""
    cpu_pressure: float = 0.0  # share of the time in which some task waited for a CPU

    def as_line(self) -> str:
        """Give the JSON line."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the rounds."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which this share of them lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latencies_ms(seconds: Sequence[float], prefix: str = "") -> dict[str, float]:
    """Give p50, p99 and the worst of some latencies, in milliseconds."""
    return {
        f"{prefix}p50_ms": percentile(seconds, 0.5) * MS_PER_S,
        f"{prefix}p99_ms": percentile(seconds, 0.99) * MS_PER_S,
        f"{prefix}max_ms": max(seconds) * MS_PER_S,
    }


def pace(marks: Sequence[float], first: int, last: int) -> float:
    """Give how many a second passed between two places of a list of times."""
    return (last - first) / max(marks[last] - marks[first], _RESOLUTION_S)


def spread(runs: Iterable[Run], contestant: str, measure: str, figure: str) -> Spread | None:
    """Give a contestant's figure over all rounds, None where it has none."""
    values = [
        run.figures[figure]
        for run in runs
        if (run.contestant, run.measure) == (contestant, measure) and figure in run.figures
    ]
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values))


def paired(runs: Sequence[Run], one: str, other: str, measure: str, figure: str) -> Spread | None:
    """Give the ratio one / other, round by round, over the rounds that have both."""
    of_one = _by_round(runs, one, measure, figure)
    of_other = _by_round(runs, other, measure, figure)
    ratios = [of_one[n] / of_other[n] for n in of_one.keys() & of_other.keys() if of_other[n]]
    if not ratios:
        return None
    return Spread(statistics.median(ratios), min(ratios), max(ratios))


def _by_round(runs: Sequence[Run], contestant: str, measure: str, figure: str) -> dict[int, float]:
    return {
        run.round: run.figures[figure]
        for run in runs
        if (run.contestant, run.measure) == (contestant, measure) and figure in run.figures
    }
