"""The rate-limit cascade, three policies of one core side by side: a table and a picture.

`python -P -m benchmarks.cascade [SEEDS]` runs the simulation of `tests/simulation/cascade.py`,
prints one row a policy, with medians over the seeds, and draws the first seed's minutes into
docs/img/cascade.svg.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.jobs import Lane
from tests.simulation.cascade import POLICIES, START, Report, Setting, simulate
from tests.simulation.upstream import MINUTE

PICTURE = Path(__file__).parents[1] / "docs" / "img" / "cascade.svg"
URGENT = (Lane.P0, Lane.P1, Lane.P2)
BACKGROUND = (Lane.P3, Lane.P4, Lane.P5)
MINUTES = 40
THROTTLED = (10, 20)  # minutes
_FIGURES: dict[str, Callable[[Report], float]] = {
    "calls a success": lambda report: report.calls_per_success,
    "rejections": lambda report: report.rejections,
    "failed": lambda report: report.failed() / len(report.requests),
    "failed P0-P2": lambda report: report.failed(*URGENT) / _urgent(report),
    "p95 P0-P2 (s)": lambda report: report.p95_s(*URGENT),
    "p95 P3-P5 (s)": lambda report: report.p95_s(*BACKGROUND),
    "decisions a success": lambda report: report.asked / max(report.successes, 1),
}
_SHARES = ("failed", "failed P0-P2")

# -- the picture: one panel a policy, minutes across, calls a minute up (logarithmic) ------------
_WIDE, _HIGH, _LEFT, _TOP, _GAP = 640, 150, 56, 34, 44
_MOST = 2000.0
_SVG = "http://www.w3.org/2000/svg"
_FONT = 'font-family="sans-serif" font-size="12" fill="#444"'
_INK = {"answered": "#2b7a4b", "rejected": "#c0392b"}


def _urgent(report: Report) -> int:
    return sum(request.lane in URGENT for request in report.requests)


def measure(seeds: Sequence[int], minutes: int = MINUTES) -> dict[str, list[Report]]:
    """Run every policy with every seed."""
    return {
        policy: [simulate(Setting(policy=policy, seed=seed, minutes=minutes)) for seed in seeds]
        for policy in POLICIES
    }


def table(runs: dict[str, list[Report]]) -> str:
    """Give the medians as a Markdown table."""
    lines = [f"| policy | {' | '.join(_FIGURES)} |", "|---" * (len(_FIGURES) + 1) + "|"]
    for policy, reports in runs.items():
        cells = [
            _cell(name, statistics.median(of(report) for report in reports))
            for name, of in _FIGURES.items()
        ]
        lines.append(f"| {policy} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(name: str, value: float) -> str:
    return f"{value:.0%}" if name in _SHARES else f"{value:.4g}"


def picture(reports: dict[str, Report]) -> str:
    """Draw the minutes of one run of each policy as SVG."""
    high = _TOP + len(reports) * (_HIGH + _GAP)
    parts = [
        f'<svg xmlns="{_SVG}" viewBox="0 0 {_WIDE + _LEFT + 20} {high}" {_FONT}>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for at, (policy, report) in enumerate(reports.items()):
        parts += _panel(policy, report, _TOP + at * (_HIGH + _GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(policy: str, report: Report, top: int) -> Iterator[str]:
    begin, end = (_across(minute) for minute in THROTTLED)
    yield f'<rect x="{begin}" y="{top}" width="{end - begin}" height="{_HIGH}" fill="#f3efe4"/>'
    told = f"{policy}: {report.calls_per_success:.3g} calls a success, {report.rejections} rejected"
    yield f'<text x="{_LEFT}" y="{top - 8}" font-weight="bold">{told}</text>'
    for mark in (1, 10, 100, 1000):
        y = top + _up(mark)
        yield f'<line x1="{_LEFT}" x2="{_LEFT + _WIDE}" y1="{y}" y2="{y}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{mark}</text>'
    for minute in range(0, MINUTES + 1, 10):
        place = f'x="{_across(minute)}" y="{top + _HIGH + 16}" text-anchor="middle"'
        yield f"<text {place}>{minute}</text>"
    for kind, wanted in (("answered", True), ("rejected", False)):
        counts = [0] * MINUTES
        for when, _, fits in report.timeline:
            minute = (when - START) // MINUTE
            if fits is wanted and minute < MINUTES:
                counts[minute] += 1
        points = " ".join(f"{_across(m + 0.5)},{top + _up(n)}" for m, n in enumerate(counts))
        yield f'<polyline points="{points}" fill="none" stroke="{_INK[kind]}" stroke-width="2"/>'
        x = _LEFT + _WIDE - (150 if wanted else 70)
        yield f'<text x="{x}" y="{top - 8}" fill="{_INK[kind]}">{kind}</text>'


def _across(minute: float) -> float:
    return round(_LEFT + _WIDE * minute / MINUTES, 1)


def _up(count: float) -> float:
    """Give the height of a number of calls a minute; none at all lies on the ground."""
    share = math.log10(max(count, 0.5) / 0.5) / math.log10(_MOST / 0.5)
    return round(_HIGH * (1 - min(share, 1)), 1)


def main() -> None:
    """Measure, print and draw."""
    runs = measure(range(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
    print(table(runs))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture({policy: reports[0] for policy, reports in runs.items()}))
    print(f"drawn: {PICTURE.name}")


if __name__ == "__main__":
    main()
