"""The gateway's part of RESULTS.md, out of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from benchmarks.figures import Run, Spread, paired, spread
from benchmarks.gateway_rivals import OURS
from benchmarks.machine import Machine

LOAD, DECISION, DIRECT = "load", "decision", "no gateway"
TRANSLATED = f"{OURS}, /v1/messages"


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure of ours that was promised to stay below a bound."""

    words: str
    measure: str
    figure: str
    most: float


PROMISES = (
    Promise("added to a whole answer, p50 (ms)", LOAD, "added_json_ms", 3),
    Promise("added to the first word of a stream, p50 (ms)", LOAD, "added_first_ms", 5),
    Promise("CPU of a stream of 50 paced pieces (ms)", LOAD, "stream_cpu_ms", 4),
    Promise("decision among 39 candidates, p50 (µs)", DECISION, "decide_p50_us", 50),
    Promise("private memory of the process (MiB)", LOAD, "private_mib", 80),
)
COLUMNS = (
    ("added_json_ms", "whole answer, added p50 ms"),
    ("json_cpu_ms", "its CPU ms"),
    ("added_first_ms", "first word, added p50 ms"),
    ("burst_cpu_ms", "CPU ms of 50 pieces at once"),
    ("stream_cpu_ms", "CPU ms of 50 paced pieces"),
    ("rss_mib", "RSS MiB"),
    ("private_mib", "private MiB"),
)


def added(runs: Sequence[Run]) -> list[Run]:
    """Give the runs with what each gateway adds to the direct way of its round."""
    bare = {run.round: run.figures for run in runs if run.contestant == DIRECT}
    told = []
    for run in runs:
        figures, base = dict(run.figures), bare.get(run.round)
        if run.measure == LOAD and figures and base and run.contestant != DIRECT:
            for name in ("json", "first"):
                figures[f"added_{name}_ms"] = figures[f"{name}_p50_ms"] - base[f"{name}_p50_ms"]
        told.append(
            Run(run.contestant, run.measure, run.round, figures, run.trouble, run.cpu_pressure)
        )
    return told


def render(machine: Machine, runs: Sequence[Run], notes: Sequence[str]) -> str:
    """Give the part."""
    told = added(runs)
    lines = ["## Gateways\n", "Made by `make bench-gateway`. Raw figures: `raw-gateway.jsonl`.\n"]
    lines += [_facts(machine, runs), *(f"- {note}" for note in notes), ""]
    lines += ["### What was promised of the gateway\n", *_promises(told)]
    lines += ["### Beside other gateways\n", _explanation(), *_table(told)]
    lines += ["### Ratios\n", *_ratios(told)]
    return "\n".join(lines)


def _facts(machine: Machine, runs: Sequence[Run]) -> str:
    rows = ["| fact | value |", "|---|---|"]
    rows += [f"| {name.replace('_', ' ')} | {value} |" for name, value in asdict(machine).items()]
    pressures = sorted(run.cpu_pressure for run in runs if run.figures)
    if pressures:
        middle = pressures[len(pressures) // 2]
        words = "CPU pressure of the runs: median, most"
        rows.append(f"| {words} | {middle:.0%}, {pressures[-1]:.0%} |")
    return "\n".join(rows) + "\n"


def _promises(runs: Sequence[Run]) -> Iterator[str]:
    yield "| what | promised | median | least | most | kept |\n|---|---|---|---|---|---|"
    for promise in PROMISES:
        who = TRANSLATED if promise.measure == LOAD else OURS
        seen = spread(runs, who, promise.measure, promise.figure)
        bound = f"< {promise.most:g}"
        if seen is None:
            yield f"| {promise.words} | {bound} | not measured | | | |"
            continue
        kept = "yes" if seen.median < promise.most else "**no**"
        yield f"| {promise.words} | {bound} | {_cells(seen)} | {kept} |"
    yield ""


def _explanation() -> str:
    return (
        "One provider of chat completions behind all of them, one client before them, one request\n"
        "at a time; paced streams eight side by side. `/v1/messages` is translated, both ways;\n"
        "`/v1/chat/completions` is the provider's own dialect. Added is the p50 less the p50 of\n"
        "the same round without a gateway. Ours decides, reserves, writes both to its ledger\n"
        "(synced) and settles each call; the others keep nothing. CPU and memory are those of the\n"
        "process with its children; ours runs without Ray here.\n"
    )


def _table(runs: Sequence[Run]) -> Iterator[str]:
    yield f"| gateway | {' | '.join(words for _, words in COLUMNS)} |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for name in dict.fromkeys(run.contestant for run in runs if run.measure == LOAD):
        if name == DIRECT:
            continue
        trouble = next((run.trouble for run in runs if run.contestant == name and run.trouble), "")
        seen = [spread(runs, name, LOAD, figure) for figure, _ in COLUMNS]
        cells = [_number(one.median) if one else "" for one in seen]
        if trouble:
            cells[0] = f"absent: {trouble}"
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _ratios(runs: Sequence[Run]) -> Iterator[str]:
    """How many times ours the others take, face by face, round by round."""
    chosen = COLUMNS[:5] + COLUMNS[6:]
    yield "More than 1 means that ours takes less; the range is over the rounds.\n"
    yield f"| gateway | {' | '.join(words for _, words in chosen)} |"
    yield "|---" * (len(chosen) + 1) + "|"
    for name in dict.fromkeys(run.contestant for run in runs if run.measure == LOAD):
        if name == DIRECT or name.startswith(OURS):
            continue
        mine = f"{OURS}, {name.rsplit(', ', 1)[-1]}"
        cells = [_ratio(paired(runs, name, mine, LOAD, figure)) for figure, _ in chosen]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _ratio(seen: Spread | None) -> str:
    return "" if seen is None else f"{seen.median:.2g} ({seen.low:.2g} to {seen.high:.2g})"


def _cells(seen: Spread) -> str:
    return " | ".join(_number(value) for value in (seen.median, seen.low, seen.high))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
