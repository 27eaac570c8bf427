"""A router's core at hand: a catalogue in a few words, calls in one line, kill and come back."""

from __future__ import annotations

from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from engine.jobs import Lane
from engine.settings import BudgetSettings, ModelSettings, Settings
from routing.budget import sums_of
from routing.conversation import Dialect
from routing.models import Ability, Catalogue, Deployment, Key, Limits, Price, Provider, Tier
from routing.ports import EntryKind, Restored
from routing.requests import Grant, Refusal, Spent, Wanted, Who
from routing.router import RouterCore
from tests.simulation.remembered import Remembered

S = 1_000_000
MINUTE = 60 * S
HOUR = 60 * MINUTE
NOON = 1_790_078_400 * S  # 2026-09-22 12:00 UTC
CHEAP = Price(input=1, output=2)
ZONE = ZoneInfo("UTC")


def provider(name, keys=("main",), **more):
    labels = tuple(Key(label=label, source=f"secret:{name}_{label}") for label in keys)
    return Provider(
        **{"name": name, "dialect": Dialect.CHAT, "url": "http://localhost", "keys": labels} | more
    )


def serves(provider_name, model, tier=Tier.MID, **more):
    said = {
        "model": model,
        "provider": provider_name,
        "id": f"{model}-id",
        "family": model.split("-")[0],
        "tier": tier,
        "price": CHEAP,
        "abilities": frozenset({Ability.TOOLS}),
    }
    return Deployment(**said | more)


def catalogue(*deployments, providers=(), version="1", **more):
    known = {one.name: one for one in providers}
    for one in deployments:
        known.setdefault(one.provider, provider(one.provider))
    return Catalogue(providers=known, deployments=deployments, version=version, **more)


def three():
    """One model at three providers."""
    return catalogue(*(serves(name, "worker") for name in ("a", "b", "c")))


class Core:
    """The core with a clock that stands still until it is moved, and a ledger in memory."""

    def __init__(self, known=None, seed=0, budgets=None, **models):
        self.settings = Settings(
            models=ModelSettings(**models), budgets=BudgetSettings(**(budgets or {}))
        )
        self.known = known or three()
        self.now = NOON
        self.seed = seed
        self._serial = count()
        self.ledger = Remembered(sums_of(ZONE))
        self.core = self._make(Restored())

    def _make(self, restored):
        core = RouterCore(self.known, self.settings, Random(self.seed), restored, self.now)
        self.ledger.append(core.take_entries())
        return core

    def reborn(self, known=None):
        """Kill it and start it again from what is durable."""
        self.known = known or self.known
        self.core = self._make(self.ledger.restored())

    def wait(self, microseconds):
        self.now += int(microseconds)

    def wanted(self, asked="mid", lane=Lane.P2, who=None, **more):
        about = {"id": f"r{next(self._serial)}", "asked": asked, "input_tokens": 100}
        caller = Who(lane=lane, **(who or {}))
        return Wanted(**about | {"who": caller, "max_tokens": 100} | more)

    def decide(self, wanted):
        decided = self.core.decide(wanted, self.now)
        self._keep()
        return decided

    def ask(self, asked="mid", lane=Lane.P2, **more):
        return self.decide(self.wanted(asked, lane, **more))

    def granted(self, *words, **more):
        decided = self.ask(*words, **more)
        assert isinstance(decided, Grant), decided
        return decided

    def refused(self, *words, **more):
        decided = self.ask(*words, **more)
        assert isinstance(decided, Refusal), decided
        return decided

    def good(self, grant, **more):
        said = {"ok": True, "usage_known": True, "input": 100, "output": 50, "took_us": S}
        return self.settle(grant, Spent(**said | more))

    def bad(self, grant, fault="server", status=500, **more):
        return self.settle(grant, Spent(ok=False, fault=fault, status=status, **more))

    def limited(self, grant, headers=None, **more):
        return self.bad(grant, "rate_limit", 429, headers=headers or {}, **more)

    def head(self, grant, headers=None):
        self.core.head(grant, headers or {}, self.now)
        self._keep()

    def settle(self, grant, spent):
        call = self.core.settle(grant, spent, self.now)
        self._keep()
        return call

    def close(self, name, seconds=60):
        """Let a provider's rate limit close its slot of `worker`."""
        grant = self.granted(asked=f"{name}/worker-id")
        assert provider_of(grant) == name
        self.limited(grant, {"retry-after": str(seconds)})

    def trip(self, name, until=0):
        found = self.core.trip(name, until, self.now)
        self._keep()
        return found

    def reset(self, name):
        found = self.core.reset(name, self.now)
        self._keep()
        return found

    def _keep(self):
        self.ledger.append(self.core.take_entries())

    def notices(self, kind):
        return [notice for notice in self.ledger.notices if notice["kind"] == kind]

    def state(self, slot):
        shown = {one["slot"]: one for one in self.core.view(self.now)["candidates"]}
        return shown[slot]


def provider_of(grant):
    return grant.candidate.deployment.provider


def model_of(grant):
    return grant.candidate.deployment.model


def reasons(decided):
    return {str(skip.slot): str(skip.reason) for skip in decided.skips}


__all__ = ["EntryKind", "Limits"]
