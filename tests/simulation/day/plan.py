"""The day as it is drawn from the rates: jobs, when they come, and what will strike them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from engine.failures import Cause
from engine.jobs import Job, JobState, Lane
from routing.conversation import Dialect
from routing.models import Catalogue, Deployment, Key, Limits, Price, Provider, Tier
from tests.simulation.upstream import MINUTE, S, Upstream

RATES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "rates.toml").read_text())
HOUR = 60 * MINUTE
START = 1_790_000_000 * S
LANES = (Lane.P0, Lane.P1, Lane.P2, Lane.P3, Lane.P4, Lane.P5)
WEIGHTS = (1, 4, 10, 6, 6, 6)
# "Other" failures, in equal parts.
OTHERS = (Cause.MALFORMED, Cause.DEPENDENCY, Cause.OTHER, Cause.PERMISSION)


@dataclass(slots=True)
class Work:
    """A job with what lies before it: calls, a blow, a review."""

    job: Job
    calls: int
    blow: Cause | None = None
    blow_at: int = 0  # the call before which it strikes
    reviewed: bool = False
    done: int = 0  # calls
    verified: bool | None = None
    family: str = ""  # of the model that served last
    rounds: int = 0
    limited: int = 0  # times that it was delayed by limits
    tries: int = 0
    here: int = 0
    asked: int = 0
    tried: frozenset[Any] = frozenset()
    lost_to: str = ""  # why it will never end well


@dataclass(slots=True)
class Squeezed(Upstream):
    """A provider with several bad hours."""

    windows: list[tuple[int, int, int]] = field(default_factory=list)

    def limit(self, now: int) -> int:
        for begins, ends, a_minute in self.windows:
            if begins <= now < ends:
                return a_minute
        return self.a_minute


def works(rng: Random) -> list[Work]:
    """Draw the day's jobs, in order of their coming."""
    times = sorted(_time(rng) for _ in range(RATES["jobs"]["a_day"]))
    return [_work(number, at, rng) for number, at in enumerate(times)]


def _time(rng: Random) -> int:
    day = RATES["day"]
    hour = rng.choice(day["rush_hours"]) if rng.random() < day["in_rush"] else rng.randrange(24)
    return START + int((hour + rng.random()) * HOUR)


def _work(number: int, at: int, rng: Random) -> Work:
    day = RATES["day"]
    job = Job(
        id=f"j{number:04d}",
        lane=rng.choices(LANES, WEIGHTS)[0],
        backend="claude",
        created_at=at,
        state=JobState.READY,
        ready_seq=number,
    )
    calls = rng.randint(*day["calls"])
    blow = _blow(rng)
    reviewed = rng.random() < day["deliverables"] or blow is Cause.OPTIMISTIC
    return Work(job, calls, blow, rng.randrange(calls), reviewed)


def _blow(rng: Random) -> Cause | None:
    """What strikes a job by itself; limits strike by what the providers do."""
    shares = {name: share for name, share in RATES["failures"].items() if name != "rate_limit"}
    struck = RATES["jobs"]["failed"] * sum(shares.values()) * RATES["day"]["severity"]
    if rng.random() >= struck:
        return None
    name = rng.choices(list(shares), list(shares.values()))[0]
    return rng.choice(OTHERS) if name == "other" else Cause(name)


def upstreams() -> dict[str, Squeezed]:
    """Make the providers."""
    return {
        one["name"]: Squeezed(
            one["name"],
            one["a_minute"],
            one["dialect"],
            windows=[
                (
                    START + int(bad["hours"][0] * HOUR),
                    START + int(bad["hours"][1] * HOUR),
                    bad["a_minute"],
                )
                for bad in one.get("throttled", ())
            ],
        )
        for one in RATES["providers"]
    }


def catalogue() -> Catalogue:
    """Give a model of its own family at each provider, all of one tier."""
    providers = {
        one["name"]: Provider(
            name=one["name"],
            dialect=Dialect.CHAT,
            url="http://localhost",
            keys=(Key(label="main"),),
            limits=Limits(requests_per_minute=one["a_minute"]),
        )
        for one in RATES["providers"]
    }
    served = tuple(
        Deployment(
            model=f"{one['family']}-worker",
            provider=one["name"],
            id=f"{one['family']}-1",
            family=one["family"],
            tier=Tier.MID,
            price=Price(input=1, output=4),
        )
        for one in RATES["providers"]
    )
    names = tuple(one.model for one in served)
    return Catalogue(providers=providers, deployments=served, tiers={Tier.MID: names})
