"""How long the router thinks: `RouterCore.decide` and `settle` over 39 candidates."""

from __future__ import annotations

import time
from random import Random

from benchmarks.figures import percentile
from engine.jobs import Lane
from engine.settings import Settings
from routing.conversation import Dialect
from routing.models import Catalogue, Deployment, Key, Price, Provider, Tier
from routing.ports import Restored
from routing.requests import Grant, Spent, Wanted, Who
from routing.router import RouterCore

PROVIDERS, KEYS, MODELS = 3, 1, 13
CANDIDATES = PROVIDERS * KEYS * MODELS
_NOW = 1_800_000_000_000_000
_US_PER_S = 1_000_000
_ROOM = Settings.model_validate({"models": {"concurrency": 1000}})


def catalogue() -> Catalogue:
    """Give thirteen models, each at three providers."""
    providers = {
        f"p{at}": Provider(
            name=f"p{at}",
            dialect=Dialect.CHAT,
            url=f"http://p{at}.test",
            keys=tuple(Key(label=f"k{number}") for number in range(KEYS)),
        )
        for at in range(PROVIDERS)
    }
    served = tuple(
        Deployment(
            model=f"m{model}",
            provider=provider,
            id=f"m{model}",
            family=f"f{model % 4}",
            tier=Tier.MID,
            price=Price(input=1, output=2),
            context=200_000,
        )
        for model in range(MODELS)
        for provider in providers
    )
    names = tuple(f"m{model}" for model in range(MODELS))
    return Catalogue(providers=providers, deployments=served, tiers={Tier.MID: names})


def decide(size: int) -> dict[str, float]:
    """Measure decisions with their settlement apart."""
    core = RouterCore(catalogue(), _ROOM, Random(1), Restored(), _NOW)
    decided, settled = [], []
    for number in range(size):
        now = _NOW + number * _US_PER_S
        wanted = Wanted(
            id=f"r{number}",
            asked="mid",
            who=Who(session="s", job="j", lane=Lane.P1),
            input_tokens=1000,
            max_tokens=1000,
        )
        began = time.perf_counter()
        grant = core.decide(wanted, now)
        middle = time.perf_counter()
        assert isinstance(grant, Grant), grant
        spent = Spent(ok=True, usage_known=True, input=1000, output=50, took_us=20_000)
        core.settle(grant, spent, now + 20_000)
        ended = time.perf_counter()
        core.take_entries()
        decided.append(middle - began)
        settled.append(ended - middle)
    return {
        "decide_p50_us": percentile(decided, 0.5) * _US_PER_S,
        "decide_p99_us": percentile(decided, 0.99) * _US_PER_S,
        "settle_p50_us": percentile(settled, 0.5) * _US_PER_S,
    }
