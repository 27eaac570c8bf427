"""Whatever happens: no call to a closed slot, one probe, money kept, floors held, the same again.

Hypothesis plays requests, answers, faults, time, edits and kills against the core, and the rules
are checked against a record of its own.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.jobs import Lane
from routing.models import RANK, Price, Tier
from routing.requests import Grant
from tests.unit.routing.corekit import Core, S, catalogue, provider_of, serves

PRICE = Price(input=0, output=10_000)  # a cent a token of answer
DAY_USD, EMERGENCY_USD, JOB_USD = 3.0, 0.5, 1.0
DUST = 1e-6
LONGEST = 600 * S  # models.whole_s: after it, the owner of a probe has vanished
FAULTS = ("rate_limit", "rate_limit", "quota", "server", "timeout", "cut", "refused", "cancelled")


def known():
    return catalogue(
        serves("a", "big", Tier.ULTRA, price=PRICE),
        serves("a", "mid", Tier.MID, price=PRICE),
        serves("b", "small", Tier.CHEAP, price=PRICE),
    )


class CoreMachine(RuleBasedStateMachine):
    """The core, and what an onlooker knows about it from grants and records alone."""

    def __init__(self):
        super().__init__()
        budgets = {"day_usd": DAY_USD, "emergency_day_usd": EMERGENCY_USD, "job_usd": JOB_USD}
        self.core = Core(known(), budgets=budgets)
        self.under_way = []
        self.closed = {}  # slot -> the time that its provider named
        self.probes = {}  # provider -> the probe's grant, and since when
        self.spent = {}  # day or job -> dollars, those under way included

    @rule(
        asked=st.sampled_from(["", "ultra", "mid", "cheap", "big"]),
        lane=st.sampled_from(list(Lane)),
        floor=st.sampled_from([None, Tier.MID, Tier.ULTRA]),
        job=st.sampled_from(["", "j1", "j2"]),
        tokens=st.integers(1, 40),
        times=st.integers(1, 4),
    )
    def requests(self, asked, lane, floor, job, tokens, times):
        for _ in range(times):
            who = {"floor": floor, "job": job}
            decided = self.core.ask(asked, lane, who=who, max_tokens=tokens)
            if isinstance(decided, Grant):
                self._granted(decided)
            else:
                assert decided.until == 0 or decided.until > self.core.now

    def _granted(self, grant):
        slot, who = grant.candidate.slot, grant.wanted.who
        floor = who.floor
        assert self.core.now >= self.closed.get(str(slot), 0), "granted before the reset"
        assert floor is None or RANK[grant.candidate.deployment.tier] >= RANK[floor]
        if grant.probe:
            _, since = self.probes.get(slot.provider, ("", -LONGEST))
            assert self.core.now - since >= LONGEST, "two probes"
            self.probes[slot.provider] = grant.id, self.core.now
        else:
            assert str(slot) not in self.closed, "no probe went first"
        self.under_way.append(grant)
        self._pay(grant, grant.reserved_usd)
        if who.lane is not Lane.P0:
            assert self.spent["day"] <= DAY_USD + DUST, "the day's money is gone"
            assert not who.job or self.spent[who.job] <= JOB_USD + DUST, "the job's money is gone"
        assert self.spent["day"] <= DAY_USD + EMERGENCY_USD + DUST, "the emergency's is gone"

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), share=st.floats(0, 1))
    def success(self, data, share):
        grant = self._take(data)
        call = self.core.good(grant, output=int(grant.wanted.max_tokens * share))
        self._pay(grant, call["usd"] - grant.reserved_usd)
        if grant.probe:
            self.closed.pop(str(grant.candidate.slot), None)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fault=st.sampled_from(FAULTS), wait=st.integers(1, 120))
    def failure(self, data, fault, wait):
        grant = self._take(data)
        limited = fault == "rate_limit"
        headers = {"retry-after": str(wait)} if limited else {}
        status = 429 if fault in ("rate_limit", "quota") else 0
        call = self.core.bad(grant, fault, status, headers=headers)
        self._pay(grant, call["usd"] - grant.reserved_usd)
        if limited:
            slot = str(grant.candidate.slot)
            self.closed[slot] = max(self.closed.get(slot, 0), self.core.now + wait * S)

    @rule(seconds=st.floats(0.001, 200))
    def time_passes(self, seconds):
        self.core.wait(seconds * S)

    @rule()
    def killed(self):
        """What is under way stays paid for at its reserve."""
        self.core.reborn()
        self.under_way.clear()
        self.probes.clear()

    @invariant()
    def nothing_stays_reserved_when_nothing_is_under_way(self):
        if not self.under_way:
            assert self.core.core.budgets.reserved == {}

    def _pay(self, grant, usd):
        for name in ("day", grant.wanted.who.job):
            self.spent[name] = self.spent.get(name, 0.0) + usd

    def _take(self, data):
        grant = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove(grant)
        if self.probes.get(provider_of(grant), ("", 0))[0] == grant.id:
            del self.probes[provider_of(grant)]
        return grant


CoreMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCore = CoreMachine.TestCase


def story(seed):
    """Play the same day twice with the same seed; give all that the core said."""
    core = Core(seed=seed)
    said = []
    for number in range(200):
        decided = core.ask("worker", Lane(number % 6))
        said.append(repr(decided))
        if isinstance(decided, Grant):
            if number % 3:
                core.good(decided)
            else:
                core.limited(decided)
        core.wait(S)
    return said, core.ledger.notices


def test_the_same_seed_tells_the_same_story():
    assert story(1) == story(1)
    assert story(1) != story(2)
