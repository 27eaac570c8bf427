"""`python -P -m benchmarks`: measure, write RESULTS.md and raw.jsonl, print the promises."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import house
from benchmarks.contest import (
    FULL_SIZES,
    HERE,
    SHARED,
    Contestant,
    ourselves,
    peers,
    run,
    take_turns,
)
from benchmarks.figures import Run
from benchmarks.machine import look_at
from benchmarks.page import parts
from benchmarks.report import render

PARTS = ("engine", "peers", "house")


def main() -> None:
    """Measure what was asked for."""
    wanted = _arguments()
    sizes = {name: max(20, size // wanted.divide) for name, size in FULL_SIZES.items()}
    runs: list[Run] = []
    notes = [f"the part `{part}` was left out" for part in PARTS if part not in wanted.parts]
    if wanted.divide > 1:
        notes.append(f"every size is the named one divided by {wanted.divide}: not the real thing")
    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        machine = look_at(scratch)
        contestants = [ourselves()]
        if "peers" in wanted.parts:
            contestants += peers(scratch / "peers")
        for done in _all(wanted.parts, contestants, sizes, wanted.rounds, scratch):
            runs.append(done)
            print(done.as_line(), flush=True)
    wanted.into.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{done.as_line()}\n" for done in runs)
    (wanted.into / "raw.jsonl").write_text(lines)
    page = render(machine, contestants, runs, notes)
    results = wanted.into / "RESULTS.md"
    results.write_text(f"{page}\n{parts(results)}")
    print(page)


def _all(
    parts: Sequence[str],
    contestants: Sequence[Contestant],
    sizes: dict[str, int],
    rounds: int,
    scratch: Path,
) -> Iterator[Run]:
    if "engine" in parts or "peers" in parts:
        yield from take_turns(contestants, sizes, rounds, scratch)
    if "engine" in parts:
        for measure in (name for name in sizes if name not in SHARED):
            yield run(contestants[0], measure, sizes[measure], 1, scratch)
    if "house" in parts:
        yield from house.measure(scratch / "house", max(5, 300 * sizes["start"] // 300))


def _arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="benchmarks", description=sys.modules[__name__].__doc__)
    reader.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    reader.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    reader.add_argument("--divide", type=int, default=1, help="divide every size by this")
    reader.add_argument("--into", type=Path, default=HERE, help="where the results go")
    return reader.parse_args()


if __name__ == "__main__":
    main()
