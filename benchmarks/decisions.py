"""How long the router takes to decide: 13 providers with three keys each, in five situations.

`python -P -m benchmarks.decisions` prints one JSON object of figures in microseconds. A decision
is a whole `RouterCore.decide`: the choice, the booking of tokens and money, the ledger's entries.
The call is settled outside of the measured time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from random import Random
from time import perf_counter_ns

from engine.settings import BudgetSettings, Settings
from routing.conversation import Dialect
from routing.models import Ability, Catalogue, Deployment, Key, Limits, Price, Provider, Tier
from routing.ports import Restored
from routing.requests import Grant, Spent, Wanted, Who
from routing.router import RouterCore

PROVIDERS = 13
KEYS = 3
CANDIDATES = PROVIDERS * KEYS
START = 1_790_000_000_000_000
_STEP_US = 20_000
_HOUR_US = 3600 * 1_000_000
_SETTINGS = Settings(budgets=BudgetSettings(day_usd=1e6, project_day_usd=1e6, worker_day_usd=1e6))


def catalogue(requests_per_minute: int) -> Catalogue:
    """Give a catalogue of so many candidates for one model."""
    names = [f"provider{n}" for n in range(PROVIDERS)]
    keys = tuple(Key(label=f"key{n}") for n in range(KEYS))
    limits = Limits(requests_per_minute=requests_per_minute, tokens_per_minute=10**9)
    return Catalogue(
        providers={
            name: Provider(
                name=name, dialect=Dialect.CHAT, url="http://localhost", keys=keys, limits=limits
            )
            for name in names
        },
        deployments=tuple(
            Deployment(
                model="model",
                provider=name,
                id="model-1",
                family="any",
                tier=Tier.MID,
                price=Price(input=3, output=15),
                context=200_000,
                abilities=frozenset(Ability),
            )
            for name in names
        ),
        version="benchmark",
    )


def _core(requests_per_minute: int = 10**6) -> RouterCore:
    return RouterCore(catalogue(requests_per_minute), _SETTINGS, Random(0), Restored(), START)


def all_open() -> RouterCore:
    """Nothing is closed: the first candidate answers."""
    return _core()


def last_open() -> RouterCore:
    """All slots but those of the last provider are closed by rate limits."""
    core = _core()
    for name in range(PROVIDERS - 1):
        for key in range(KEYS):
            core.trip(f"provider{name}/key{key}/model-1", START + _HOUR_US, START)
    return core


def providers_down() -> RouterCore:
    """All providers but the last are closed as a whole."""
    core = _core()
    for name in range(PROVIDERS - 1):
        core.trip(f"provider{name}", START + _HOUR_US, START)
    return core


def all_closed() -> RouterCore:
    """Nobody can be asked: the decision is a refusal with 39 reasons."""
    core = last_open()
    core.trip(f"provider{PROVIDERS - 1}", START + _HOUR_US, START)
    return core


def all_full() -> RouterCore:
    """Every provider has used up its requests of the minute: 39 windows are asked."""
    core = _core(requests_per_minute=1)
    for n in range(PROVIDERS):
        core.decide(_wanted(-n - 1), START)
    return core


SITUATIONS: Mapping[str, Callable[[], RouterCore]] = {
    "all_open": all_open,
    "last_open": last_open,
    "providers_down": providers_down,
    "all_closed": all_closed,
    "all_full": all_full,
}


def measure(situation: str, size: int) -> dict[str, float]:
    """Decide so many times; gives p50 and p99 in microseconds."""
    core = SITUATIONS[situation]()
    now, took = START, []
    step = _STEP_US if situation != "all_full" else 1
    for n in range(size):
        now += step
        wanted = _wanted(n)
        before = perf_counter_ns()
        decided = core.decide(wanted, now)
        took.append(perf_counter_ns() - before)
        if isinstance(decided, Grant):
            core.settle(decided, _SPENT, now)
        core.take_entries()
    took.sort()
    return {"p50_us": took[size // 2] / 1000, "p99_us": took[int(size * 0.99)] / 1000}


_SPENT = Spent(ok=True, usage_known=True, input=900, output=200, first_byte_us=1, took_us=2)


def _wanted(n: int) -> Wanted:
    return Wanted(
        id=f"request{n}",
        asked="mid",
        who=Who(session=f"session{n}", job=f"job{n % 50}", project="project"),
        abilities=frozenset({Ability.TOOLS}),
        input_tokens=1000,
        max_tokens=4096,
    )


def main() -> None:
    """Measure every situation."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    figures = {name: measure(name, size) for name in SITUATIONS}
    print(json.dumps({"candidates": CANDIDATES, **figures}, indent=2))


if __name__ == "__main__":
    main()
