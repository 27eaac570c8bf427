"""`python -P -m benchmarks.gateway`: our gateway beside others, on one provider, in one run.

It writes its part of RESULTS.md and raw-gateway.jsonl. What cannot be installed here is absent.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks import gateway_rivals as rivals
from benchmarks.contest import HERE
from benchmarks.figures import Run
from benchmarks.gateway_decision import decide
from benchmarks.gateway_load import Target, load
from benchmarks.gateway_report import DECISION, LOAD, render
from benchmarks.machine import Pressure, look_at
from benchmarks.page import put

SIZE = 600  # whole answers of one round; streams are a third of it
DECISIONS = 5000
_TROUBLE_CHARS = 300


def main() -> None:
    """Measure what was asked for."""
    wanted = _arguments()
    runs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="helio-bench-") as place:
        machine = look_at(Path(place))
        for run in measure(Path(place), wanted.rivals, wanted.rounds, wanted.size):
            runs.append(run)
            print(run.as_line(), flush=True)
    notes = []
    if wanted.size < SIZE:
        notes.append(f"{wanted.size} answers a round instead of {SIZE}: not the real thing")
    wanted.into.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{run.as_line()}\n" for run in runs)
    (wanted.into / "raw-gateway.jsonl").write_text(lines)
    part = render(machine, runs, notes)
    put(wanted.into / "RESULTS.md", "gateway", part)
    print(part)


def measure(place: Path, names: list[str], rounds: int, size: int) -> Iterator[Run]:
    """Start everybody at once, then take turns."""
    with ExitStack() as stack:
        behind = stack.enter_context(rivals.upstream(place))
        everybody: list[tuple[str, Target | str]] = []
        for name in names:
            everybody += _arrive(stack, name, place, behind)
        for number in range(1, rounds + 1):
            yield Run(rivals.OURS, DECISION, number, decide(DECISIONS * size // SIZE or 1))
            for name, one in everybody:
                yield _turn(name, one, number, size)


def _arrive(
    stack: ExitStack, name: str, place: Path, behind: str
) -> list[tuple[str, Target | str]]:
    """Start one rival; give its faces, or why there are none."""
    directory = place / name
    directory.mkdir()
    try:
        targets = stack.enter_context(RIVALS[name](rivals.Stage(directory, behind)))
    except rivals.Absent as absent:
        return [(name.replace("_", " "), str(absent))]
    return [(target.name, target) for target in targets]


def _turn(name: str, one: Target | str, number: int, size: int) -> Run:
    if isinstance(one, str):
        return Run(name, LOAD, number, trouble=one)
    pressure = Pressure()
    try:
        figures = asyncio.run(load(one, size))
    except Exception as trouble:  # noqa: BLE001  # whatever a stranger does is a line of the table
        return Run(name, LOAD, number, trouble=f"{trouble!r}"[:_TROUBLE_CHARS])
    return Run(name, LOAD, number, figures, cpu_pressure=pressure.share())


RIVALS: dict[str, Callable[[rivals.Stage], AbstractContextManager[list[Target]]]] = {
    one.__name__: one for one in rivals.RIVALS
}


def _arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(
        prog="benchmarks.gateway", description=sys.modules[__name__].__doc__
    )
    reader.add_argument("--rivals", nargs="+", choices=list(RIVALS), default=list(RIVALS))
    reader.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    reader.add_argument("--size", type=int, default=SIZE, help=f"whole answers a round ({SIZE})")
    reader.add_argument("--into", type=Path, default=HERE, help="where the results go")
    return reader.parse_args()


if __name__ == "__main__":
    main()
