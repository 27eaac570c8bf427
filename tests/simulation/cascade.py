"""The rate-limit cascade as a seeded simulation around the real routing core.

Three providers of 60, 25 and 20 calls a minute, 55 requests a minute offered, the first provider
throttled to 6 for ten of forty minutes; rejected calls cost quota. Three policies, all of them
configurations of the same core: `naive` tries again and then the next provider, as SDKs and most
gateways do; `cached` remembers rejections; `ours` is the product. The core can be killed every
so often and rebuilt from its entries; what was under way is asked again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from zoneinfo import ZoneInfo

from engine.jobs import Lane
from engine.settings import Settings
from routing.budget import sums_of
from routing.conversation import Dialect
from routing.models import Catalogue, Deployment, Key, Limits, Price, Provider, Slot, Tier
from routing.requests import Grant, Refusal, Spent, Wanted, Who
from routing.router import RouterCore
from routing.view import Policy
from tests.simulation.remembered import Remembered
from tests.simulation.upstream import MINUTE, S, Throttle, Upstream

START = 1_790_000_000 * S
LANES = (Lane.P0, Lane.P1, Lane.P2, Lane.P4, Lane.P5)
WEIGHTS = (1, 4, 20, 12, 13)
URGENT_PATIENCE = 120 * S  # P0 to P2 that are not answered by then have failed
PATIENCE = 40 * MINUTE
ANSWER = 3 * S
REJECTION = S // 10
RETRIES = 2  # of the naive client at one provider, as the official SDKs do
JOB_RETRIES = 2  # of the naive client, after all providers

POLICIES = {
    "naive": Policy(remembers=False, admits=False, defers=False),
    "cached": Policy(remembers=True, admits=False, defers=False),
    "ours": Policy(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One run."""

    policy: str = "ours"
    seed: int = 0
    minutes: int = 40
    offered: int = 55  # a minute
    throttled_to: int = 6
    dialects: tuple[str, str, str] = ("late", "openai", "silent")
    rejected_cost: bool = True
    kill_every: int = 0  # microseconds; 0 is never


@dataclass(slots=True)
class Request:
    """Somebody who wants one answer."""

    id: str
    lane: Lane
    born: int
    tries: int = 0  # attempts of this round, for the ids of grants
    here: int = 0  # rejections by the provider that is being asked
    rounds: int = 0
    calls: int = 0
    tried: frozenset[Slot] = frozenset()
    done_at: int = 0
    failed: bool = False


@dataclass(slots=True)
class Report:
    """What came of a run."""

    requests: list[Request]
    upstreams: list[Upstream]
    to_closed: int = 0  # calls to a slot that was known to be closed
    crowded: int = 0  # calls beside a probe that was under way, or before one came back
    twins: int = 0  # probes beside a probe
    spilled: int = 0  # background calls that went elsewhere than to their first choice
    asked: int = 0  # decisions that the core was asked for
    kills: int = 0
    timeline: list[tuple[int, str, bool]] = field(default_factory=list)  # (when, provider, ok)

    @property
    def calls(self) -> int:
        return sum(upstream.calls for upstream in self.upstreams)

    @property
    def rejections(self) -> int:
        return sum(upstream.rejected for upstream in self.upstreams)

    @property
    def successes(self) -> int:
        return sum(bool(request.done_at) for request in self.requests)

    @property
    def calls_per_success(self) -> float:
        return self.calls / max(self.successes, 1)

    def failed(self, *lanes: Lane) -> int:
        return sum(r.failed for r in self.requests if not lanes or r.lane in lanes)

    def p95_s(self, *lanes: Lane) -> float:
        waits = sorted(r.done_at - r.born for r in self.requests if r.done_at and r.lane in lanes)
        return waits[int(0.95 * len(waits))] / S if waits else 0.0


class Cascade:
    """The world: a heap of events, the core, the providers, a ledger."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._rng = Random(setting.seed)
        throttle = Throttle(START + 10 * MINUTE, START + 20 * MINUTE, setting.throttled_to)
        self.upstreams = {
            name: Upstream(
                name,
                limit,
                dialect,
                throttle if name == "first" else None,
                setting.rejected_cost,
            )
            for (name, limit), dialect in zip(_LIMITS.items(), setting.dialects, strict=True)
        }
        self._settings = Settings()
        self._ledger = Remembered(sums_of(ZoneInfo("UTC")))
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = 0
        self._life = 0
        self._closed: dict[str, int] = {}  # what the provider itself said
        self._proven: dict[str, bool] = {}  # a call has succeeded since
        self._probes: dict[str, int] = {}  # under way
        self.now = START
        self.core = self._new_core()
        self.report = Report([], list(self.upstreams.values()))

    def run(self) -> Report:
        """Let all of it happen."""
        ends = START + self.setting.minutes * MINUTE
        at = START
        while at < ends:
            request = Request(f"r{len(self.report.requests)}", self._lane(), at)
            self.report.requests.append(request)
            self._at(at, lambda request=request: self._ask(request))
            at += int(self._rng.expovariate(self.setting.offered) * MINUTE)
        if self.setting.kill_every:
            for when in range(START + self.setting.kill_every, ends, self.setting.kill_every):
                self._at(when, self._kill)
        while self._heap:
            self.now, _, act = heapq.heappop(self._heap)
            act()
        return self.report

    # -- one request ------------------------------------------------------------------------------
    def _ask(self, request: Request) -> None:
        patience = URGENT_PATIENCE if request.lane <= Lane.P2 else PATIENCE
        if self.now > request.born + patience:
            request.failed = True
            return
        request.tries += 1
        self.report.asked += 1
        wanted = Wanted(
            id=f"{request.id}.{self._life}.{request.rounds}",
            asked="mid",
            who=Who(lane=request.lane),
            input_tokens=1000,
            max_tokens=500,
            attempt=request.tries,
            tried=request.tried,
        )
        decided = self.core.decide(wanted, self.now)
        self._keep()
        if isinstance(decided, Refusal):
            self._refused(request, decided)
        else:
            self._call(request, decided)

    def _refused(self, request: Request, refusal: Refusal) -> None:
        request.tried, request.tries, request.here = frozenset(), 0, 0
        request.rounds += 1
        if refusal.until:
            self._at(max(refusal.until, self.now + 1), lambda: self._ask(request))
        elif request.rounds <= JOB_RETRIES:
            self._at(self.now + 20 * S * 2**request.rounds, lambda: self._ask(request))
        else:
            request.failed = True

    def _call(self, request: Request, grant: Grant) -> None:
        name = grant.candidate.slot.provider
        self._judge(name, grant)
        request.calls += 1
        fits, headers = self.upstreams[name].ask(self.now)
        self.report.timeline.append((self.now, name, fits))
        life = self._life
        if fits:
            self._at(self.now + S, lambda: self._head(grant, headers, life))
            self._at(self.now + ANSWER, lambda: self._answered(request, grant, headers, life))
        else:
            if name not in self._closed or "retry-after" in headers:
                self._note_closed(name, headers)
            self._at(self.now + REJECTION, lambda: self._rejected(request, grant, headers, life))

    def _judge(self, name: str, grant: Grant) -> None:
        """Hold a call against what the provider itself said, whatever the core believes."""
        self.report.to_closed += self.now < self._closed.get(name, 0)
        if name in self._closed and not self._proven[name] and not grant.probe:
            self.report.crowded += 1
        if grant.probe:
            self.report.twins += self._probes.get(name, 0) > 0
            self._probes[name] = self._probes.get(name, 0) + 1
        self.report.spilled += grant.spill and grant.wanted.who.lane > Lane.P2

    def _note_closed(self, name: str, headers: dict[str, str]) -> None:
        said = headers.get("retry-after") or headers.get("x-ratelimit-reset-requests", "")
        if said:
            known = self.now + REJECTION + int(float(said.removesuffix("s")) * S)
            self._at(self.now + REJECTION, lambda: self._close(name, known))

    def _close(self, name: str, known: int) -> None:
        self._closed[name], self._proven[name] = known, False

    def _head(self, grant: Grant, headers: dict[str, str], life: int) -> None:
        if life != self._life:
            return
        if grant.probe:
            self._proven[grant.candidate.slot.provider] = True
            self._probes[grant.candidate.slot.provider] -= 1
        self.core.head(grant, headers, self.now)
        self._keep()

    def _answered(self, request: Request, grant: Grant, headers: dict[str, str], life: int) -> None:
        if life != self._life:
            self._orphan(request)
            return
        request.done_at = self.now
        spent = Spent(
            ok=True,
            usage_known=True,
            input=1000,
            output=200,
            headers=headers,
            first_byte_us=S,
            took_us=ANSWER,
        )
        self._settle(grant, spent)

    def _rejected(self, request: Request, grant: Grant, headers: dict[str, str], life: int) -> None:
        if life != self._life:
            self._orphan(request)
            return
        if grant.probe:
            self._probes[grant.candidate.slot.provider] -= 1
        spent = Spent(ok=False, fault="rate_limit", status=429, headers=headers, took_us=REJECTION)
        self._settle(grant, spent)
        request.here += 1
        if self.setting.policy == "naive" and request.here <= RETRIES:
            pause = int(S * 2**request.here * (0.5 + self._rng.random() / 2))
            self._at(self.now + pause, lambda: self._ask(request))
            return
        request.here = 0
        request.tried |= {grant.candidate.slot}
        self._ask(request)

    def _orphan(self, request: Request) -> None:
        """The core that made the call is dead: the client was cut off and asks again."""
        request.tried, request.tries, request.here = frozenset(), 0, 0
        request.rounds += 1
        self._ask(request)

    def _settle(self, grant: Grant, spent: Spent) -> None:
        self.core.settle(grant, spent, self.now)
        self._keep()

    def _keep(self) -> None:
        entries = self.core.take_entries()
        if self.setting.kill_every:
            self._ledger.append(entries)

    # -- the world --------------------------------------------------------------------------------
    def _kill(self) -> None:
        self._life += 1
        self.report.kills += 1
        self._probes.clear()
        self.core = self._new_core()
        self._keep()

    def _new_core(self) -> RouterCore:
        return RouterCore(
            CATALOGUE,
            self._settings,
            Random(self.setting.seed * 1000 + self._life),
            self._ledger.restored(),
            self.now,
            POLICIES[self.setting.policy],
        )

    def _lane(self) -> Lane:
        return self._rng.choices(LANES, WEIGHTS)[0]

    def _at(self, when: int, act: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (when, self._serial, act))


_LIMITS = {"first": 60, "second": 25, "third": 20}
CATALOGUE = Catalogue(
    providers={
        name: Provider(
            name=name,
            dialect=Dialect.CHAT,
            url="http://localhost",
            keys=(Key(label="main"),),
            limits=Limits(requests_per_minute=limit),
        )
        for name, limit in _LIMITS.items()
    },
    deployments=tuple(
        Deployment(
            model="worker",
            provider=name,
            id="worker-1",
            family="any",
            tier=Tier.MID,
            price=Price(input=1, output=4),
        )
        for name in _LIMITS
    ),
    version="cascade",
)


def simulate(setting: Setting) -> Report:
    """Run one setting."""
    return Cascade(setting).run()
