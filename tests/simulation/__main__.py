"""Run many seeds over the cores of this machine: python -m tests.simulation --seeds 100000."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.simulation.many import run_many
from tests.simulation.run import Verdict, run

_SHOWN = 5


def main() -> int:
    """Read the arguments, run, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=2000, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="run this one only")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell all that happens")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args()
    if wanted.seed is not None:
        return _one(wanted.seed, tracing=wanted.trace)
    return _all(wanted.first, wanted.seeds, wanted.processes)


def _one(seed: int, *, tracing: bool) -> int:
    verdict = run(seed, tracing=tracing)
    print("\n".join(verdict.trace))
    print(verdict if verdict.violations else f"seed {seed} holds")
    print(_summary([verdict]))
    return bool(verdict.violations)


def _all(first: int, count: int, processes: int) -> int:
    began = time.monotonic()
    verdicts: list[Verdict] = []
    failed = 0
    for verdict in run_many(first, count, processes):
        verdicts.append(verdict)
        if verdict.violations:
            failed += 1
            if failed <= _SHOWN:
                print(f"\n{verdict}", flush=True)
        if len(verdicts) % 100 == 0 or len(verdicts) == count:
            rate = len(verdicts) / (time.monotonic() - began)
            told = f"{len(verdicts)} of {count} seeds, {failed} failed, {rate:.1f} a second"
            print(f"\r{told}", end="", flush=True)
    print(f"\n{_summary(verdicts)}")
    return bool(failed)


def _summary(verdicts: list[Verdict]) -> str:
    def total(name: str) -> int:
        return sum(getattr(verdict, name) for verdict in verdicts)

    names = ("jobs", "groups", "crashes", "wakes", "steps")
    return ", ".join(f"{total(name)} {name}" for name in names)


if __name__ == "__main__":
    sys.exit(main())
