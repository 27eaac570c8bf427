"""RESULTS.md out of runs. It only writes what was measured, and says what was not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from benchmarks.contest import OURS, SHARED, Contestant
from benchmarks.figures import Run, Spread, paired, spread
from benchmarks.machine import Machine

_BUSY = 0.2  # above this share of waiting for a CPU a run says little about the program
HOUSE = "Heliograph on Ray"


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that was promised: at most (or at least) so much."""

    measure: str
    figure: str
    words: str
    most: float | None = None
    least: float | None = None
    contestant: str = OURS

    def met(self, value: float) -> bool:
        """Whether a value keeps the promise."""
        return (self.most is None or value <= self.most) and (
            self.least is None or value >= self.least
        )

    def bound(self) -> str:
        """Give the promise in signs."""
        return f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}"


TARGETS = (
    Target("submit", "p50_ms", "submit, p50 (ms)", most=1),
    Target("start", "p50_ms", "start, p50 (ms)", most=5),
    Target("start", "p99_ms", "start, p99 (ms)", most=25),
    Target("start_urgent", "p50_ms", "start of P0 behind 100,000 P5, p50 (ms)", most=5),
    Target("drain", "per_s", "drain of 10,000 (jobs/s)", least=2000),
    Target("drain_deep", "last_over_first", "100,000 queued: last 5,000 / first 5,000", least=0.9),
    Target("drain_busy", "last_over_first", "the same, all for one directory", least=0.9),
    Target(
        "drain_mixed", "per_s", "free jobs beside 90,000 of one busy directory (/s)", least=2000
    ),
    Target("fan_in", "seconds", "10,000-way fan-in, submit to end (s)", most=5),
    Target("kill", "seconds", "kill -9 to the last re-run (s)", most=3),
    Target("kill", "lost", "jobs lost by kill -9", most=0),
    Target("idle", "empty_cpu_percent", "idle CPU (%)", most=0.3),
    Target("idle", "empty_rss_mib", "memory, idle (MiB)", most=120),
    Target("accept", "p99_ms", "accept through /v1, p99 (ms)", most=100, contestant=HOUSE),
    Target(
        "warm_start",
        "claim_p50_ms",
        "given to a warm session, p50 (ms)",
        most=20,
        contestant=HOUSE,
    ),
    Target(
        "warm_start",
        "p50_ms",
        "its process runs on a warm session, p50 (ms)",
        most=20,
        contestant=HOUSE,
    ),
)
_HEADLINES = {
    "submit": ("p50_ms", "submit p50, ms"),
    "bulk": ("per_s", "bulk submit, jobs/s"),
    "drain": ("per_s", "no-op drain, jobs/s"),
    "start": ("p50_ms", "start p50, ms"),
    "kill": ("seconds", "kill -9 to last re-run, s"),
}
_MORE_IS_BETTER = ("per_s",)


def render(
    machine: Machine, contestants: Sequence[Contestant], runs: Sequence[Run], notes: Sequence[str]
) -> str:
    """Give the page."""
    parts = [
        "# Results\n",
        "Made by `make bench`; never edited by hand. Raw figures: `raw.jsonl`.\n",
        _facts(machine, runs),
        *_notes(runs, notes),
        "## What was promised\n",
        *_promises(runs),
        "## Beside other engines\n",
        _explanation(contestants),
        *_comparison(contestants, runs),
    ]
    return "\n".join(parts)


def _facts(machine: Machine, runs: Sequence[Run]) -> str:
    pressures = sorted(run.cpu_pressure for run in runs if not run.trouble)
    facts = asdict(machine) | {"load at the end": " ".join(f"{x:.1f}" for x in os.getloadavg())}
    lines = ["| fact | value |", "|---|---|"]
    lines += [f"| {name.replace('_', ' ')} | {value} |" for name, value in facts.items()]
    if pressures:
        middle = pressures[len(pressures) // 2]
        lines.append(
            f"| CPU pressure of the runs: median, most | {middle:.0%}, {pressures[-1]:.0%} |"
        )
        busy = sum(share > _BUSY for share in pressures)
        lines.append(f"| runs under more than {_BUSY:.0%} pressure | {busy} of {len(pressures)} |")
    return "\n".join(lines) + "\n"


def _promises(runs: Sequence[Run]) -> Iterator[str]:
    yield "| what | promised | median | least | most | kept |\n|---|---|---|---|---|---|"
    for target in TARGETS:
        seen = spread(runs, target.contestant, target.measure, target.figure)
        if seen is None:
            yield f"| {target.words} | {target.bound()} | not measured | | | |"
            continue
        kept = "yes" if target.met(seen.median) else "**no**"
        yield f"| {target.words} | {target.bound()} | {_cells(seen)} | {kept} |"
    yield ""


def _explanation(contestants: Sequence[Contestant]) -> str:
    lines = [
        "Ten slots or worker threads; DBOS took work without a limit. One process each, SQLite,",
        "interleaved rounds. Heliograph's sessions answer at once here, as the peers' jobs do.",
        "A ratio is Heliograph against the peer, round by round, turned so that more than 1 means",
        "that Heliograph was better; only a range that excludes 1 says anything.\n",
    ]
    lines += [f"- {one.name}: {one.trouble or one.durability}" for one in contestants]
    return "\n".join(lines) + "\n"


def _comparison(contestants: Sequence[Contestant], runs: Sequence[Run]) -> Iterator[str]:
    for measure in SHARED:
        figure, words = _HEADLINES[measure]
        yield f"### {words}\n\n| engine | median | least | most | ratio | range |"
        yield "|---|---|---|---|---|---|"
        for contestant in contestants:
            yield _row(contestant.name, measure, figure, runs)
        yield ""


def _row(name: str, measure: str, figure: str, runs: Sequence[Run]) -> str:
    seen = spread(runs, name, measure, figure)
    if seen is None:
        lost = spread(runs, name, measure, "lost")
        reason = f"{lost.median:g} of 20 never ran again" if lost else _trouble(runs, name, measure)
        return f"| {name} | {reason} | | | | |"
    cells = _cells(seen)
    if name == OURS:
        return f"| {name} | {cells} | | |"
    pair = (OURS, name) if figure in _MORE_IS_BETTER else (name, OURS)
    ratio = paired(runs, *pair, measure, figure)
    told = "| |" if ratio is None else f"{ratio.median:.2g} | {ratio.low:.2g} to {ratio.high:.2g} |"
    return f"| {name} | {cells} | {told}"


def _trouble(runs: Sequence[Run], name: str, measure: str) -> str:
    said = [r.trouble for r in runs if (r.contestant, r.measure) == (name, measure) and r.trouble]
    return said[-1] if said else "not measured"


def _notes(runs: Sequence[Run], notes: Sequence[str]) -> Iterator[str]:
    failed = {(run.contestant, run.measure, run.trouble) for run in runs if run.trouble}
    if not failed and not notes:
        return
    yield "## What is missing here\n"
    yield from (f"- {note}" for note in notes)
    yield from (f"- {name}, {measure}: {trouble}" for name, measure, trouble in sorted(failed))
    yield ""


def _cells(seen: Spread) -> str:
    return " | ".join(_number(value) for value in (seen.median, seen.low, seen.high))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
