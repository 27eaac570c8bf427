"""The router's core: decides who answers, books what that takes, learns from what comes of it.

All state of the waterfall lives here, all of it restorable from the ledger's entries. It does no
IO and knows no time: the shell (`actors.router`) makes entries durable before it acts on what was
decided. One call goes `decide`, `head` when a good head comes, `settle` when it is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from engine.moments import us
from engine.settings import Settings
from routing.admission import MINUTE_US
from routing.budget import Budgets, emergency_key, keys_of
from routing.budget_watch import BudgetWatch
from routing.faults import FaultKind
from routing.flights import Flight, call_json, grant_id, lost_json, reserved_json
from routing.habits import Habits
from routing.hedging import Hedges, hedge_after, second
from routing.learning import Learning
from routing.limits import read_limits
from routing.models import Catalogue
from routing.plans import PlanBook
from routing.ports import Entry, EntryKind, Restored
from routing.ranking import Option
from routing.refusing import refusal
from routing.requests import Grant, Refusal, Spent, Wanted
from routing.restoring import Replay, restore
from routing.scribe import Scribe
from routing.showing import show
from routing.state import Board
from routing.tripping import reset, trip
from routing.view import WHOLE, Policy, View
from routing.waiting import Waiting
from routing.waterfall import Choice, choose
from routing.weighing import Weighing

LONGEST_CALL_S = 3600.0  # a call that nobody settled by then is counted as lost
_SWEEP_US = MINUTE_US


class RouterCore:
    """The one truth about who can be asked. Not thread-safe: one loop owns it."""

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        rng: Random,
        restored: Restored,
        now: int,
        policy: Policy = WHOLE,
    ) -> None:
        models = settings.models
        self._settings = models
        self._scribe = Scribe()
        self.board = Board(models)
        zone = ZoneInfo(settings.house.time_zone)
        self.budgets = Budgets(settings.budgets, zone, restored.spent, now)
        self._habits = Habits()
        self._hedges = Hedges(models)
        self._waiting = Waiting(rng, lines_up=policy.defers)
        self._flights: dict[str, Flight] = {}
        self._learning = Learning(models, self._scribe, rng)
        self._learning.remembers = policy.remembers
        self._plans = PlanBook(catalogue, self.board)
        self._view = View(
            self._plans, models, self.budgets, self._habits.output, self._habits.served, policy
        )
        self._next_sweep = now + _SWEEP_US
        restore(restored, self.board, models, self.budgets)
        self.use(catalogue)
        Replay(self.board, self._habits, catalogue, models, now).all(restored)
        self._watch = BudgetWatch(self.budgets, self._scribe)
        for grant, reserved in restored.reserved.items():
            self._lost(grant, reserved)

    # -- what the house does --------------------------------------------------------------------
    def use(self, catalogue: Catalogue) -> None:
        """Take an edited catalogue; what is known of slots that still exist stays."""
        self._plans.use(catalogue)
        self._learning.use(catalogue, self.board)
        self.board.take_limits(catalogue)

    def take_entries(self) -> list[Entry]:
        """Give the facts that must be durable before anything is done about them."""
        return self._scribe.take()

    def trip(self, name: str, until: int, now: int) -> list[str]:
        """Close a provider, provider/key, model or slot by hand; gives what that matched."""
        return trip(name, until, now, self.board, self._plans.catalogue, self._scribe)

    def reset(self, name: str, now: int) -> list[str]:
        """Open by hand, whatever closed it; gives what the name matched."""
        return reset(name, now, self.board, self._plans.catalogue, self._scribe)

    def view(self, now: int) -> dict[str, Any]:
        """Show every candidate and every budget."""
        return show(self._plans.catalogue, self.board, self.budgets, now)

    # -- one call -------------------------------------------------------------------------------
    def decide(self, wanted: Wanted, now: int) -> Grant | Refusal:
        """Choose who answers, and book the tokens, the probe and the money that it takes."""
        self.budgets.turn(now)
        if now >= self._next_sweep:
            self._sweep(now)
        choice = choose(wanted, self._view, now)
        if isinstance(choice, Refusal):
            return choice
        if choice.option is None:
            return self._waiting.told(wanted, refusal(wanted, choice), self.board, now)
        if wanted.attempt == 1:
            self._hedges.request(now)
        return self._grant(wanted, choice, choice.option, now)

    def hedge(self, grant: Grant, now: int) -> Grant | None:
        """Give a second candidate for a call whose first byte is slow, or None."""
        flight = self._flights.get(grant.id)
        plan = self._plans.of(grant.wanted)
        late = now - grant.granted_at >= grant.hedge_after_us > 0
        if flight is None or flight.headed or isinstance(plan, Refusal) or not late:
            return None
        if not self._hedges.allowed(now):
            return None
        weighing = Weighing(grant.wanted, plan, self._view, now)
        option = second(weighing, flight.option, now)
        if option is None:
            return None
        self._hedges.hedge(now)
        usd, tokens = weighing.usd, weighing.tokens(option)
        choice = Choice(plan, option, grant.skips, usd=usd, tokens=tokens, spill=True)
        return self._grant(grant.wanted, choice, option, now, hedge=True)

    def head(self, grant: Grant, headers: Mapping[str, str], now: int) -> None:
        """Learn from a good head: limits, the time to the first byte, and that it is open."""
        flight = self._flights.get(grant.id)
        if flight is None or flight.headed:
            return
        self._headed(flight)
        flight.option.state.first_bytes.add(now - grant.granted_at)
        self._learning.limits(flight, read_limits(headers, {}, now), now)
        self._learning.success(flight, now)
        self._free_probe(flight)

    def settle(self, grant: Grant, spent: Spent, now: int) -> dict[str, Any]:
        """Book what became of a call; gives its record.

        A call that was settled before, or counted as lost, changes nothing any more.
        """
        flight = self._flights.pop(grant.id, None)
        if flight is None:
            return self._late(grant, spent)
        self._taught(flight, spent, now)
        call = call_json(flight, spent)
        self._leave(flight, spent, call["usd"], now)
        self._scribe.add(EntryKind.CALL, grant.id, call)
        return call

    # -- booking --------------------------------------------------------------------------------
    def _grant(
        self, wanted: Wanted, choice: Choice, option: Option, now: int, *, hedge: bool = False
    ) -> Grant:
        meant, deployment = choice.plan.meant, option.candidate.deployment
        other = deployment.model != meant.model if meant.model else deployment.tier != meant.tier
        grant = Grant(
            id=grant_id(wanted, hedge=hedge),
            wanted=wanted,
            candidate=option.candidate,
            reserved_usd=choice.usd,
            skips=choice.skips,
            probe=choice.probe,
            spill=choice.spill,
            substituted=other,
            hedge_after_us=0
            if hedge
            else hedge_after(wanted, option, choice.plan, probe=choice.probe),
            granted_at=now,
        )
        day = self.budgets.day.name
        said = {
            "provider": deployment.provider,
            "project": wanted.who.project,
            "worker": wanted.who.worker,
            "job": wanted.who.job,
        }
        keys = keys_of(said, day) + ([emergency_key(day)] if choice.emergency else [])
        flight = Flight(
            grant=grant,
            option=option,
            day=day,
            keys=tuple(keys),
            tokens=choice.tokens,
            hedge=hedge,
            probing=choice.probe,
        )
        self._enter(flight, choice, now)
        return grant

    def _enter(self, flight: Flight, choice: Choice, now: int) -> None:
        """Take what a call needs: tokens, a place, the probe, money."""
        grant, state, provider = flight.grant, flight.option.state, flight.option.provider
        self._flights[grant.id] = flight
        again = any(slot.provider == flight.option.slot.provider for slot in grant.wanted.tried)
        provider.enter(now, again=again, spill=choice.spill and not flight.hedge)
        state.enter(now, choice.tokens)
        flight.option.key.allowance.take(choice.tokens, now)
        self._waiting.came(grant.wanted.who.lane, provider)
        if choice.probe:
            provider.probe = grant.id
            provider.probe_ends = now + us(self._settings.whole_s)
        self.budgets.reserve(flight.keys, choice.usd)
        self._scribe.add(EntryKind.RESERVED, grant.id, reserved_json(flight))
        self._watch.look(flight, now)

    def _taught(self, flight: Flight, spent: Spent, now: int) -> None:
        """Learn from how a call ended what its head did not say."""
        reading = read_limits(spent.headers, spent.body, now)
        if not flight.headed:
            self._headed(flight)
        elif spent.ok:
            return
        if spent.ok:
            if spent.first_byte_us:
                flight.option.state.first_bytes.add(spent.first_byte_us)
            self._learning.limits(flight, reading, now)
            self._learning.success(flight, now)
            return
        kind = FaultKind(spent.fault) if spent.fault else FaultKind.CANCELLED
        self._learning.failure(flight, kind, reading, now)
        self._learning.limits(flight, reading, now, closes=kind is not FaultKind.RATE_LIMIT)

    def _leave(self, flight: Flight, spent: Spent, usd: float, now: int) -> None:
        """Give back what a call held."""
        state, provider = flight.option.state, flight.option.provider
        state.in_flight -= 1
        provider.leave(spent.took_us)
        self._free_probe(flight)
        if spent.usage_known:
            change = spent.input + spent.output - flight.tokens
            for allowance in (state.allowance, flight.option.key.allowance):
                allowance.correct(change, flight.grant.granted_at)
        self.budgets.settle(flight.keys, flight.grant.reserved_usd, usd)
        self._watch.look(flight, now)
        if spent.ok:
            self._habits.answered(flight.grant.wanted.who, flight.option, spent)

    def _headed(self, flight: Flight) -> None:
        flight.headed = True
        flight.option.state.awaiting -= 1

    def _free_probe(self, flight: Flight) -> None:
        if flight.probing and flight.option.provider.probe == flight.grant.id:
            flight.option.provider.probe = ""
        flight.probing = False

    # -- calls that nobody settled --------------------------------------------------------------
    def _sweep(self, now: int) -> None:
        """Count calls as lost whose owners must have vanished."""
        self._next_sweep = now + _SWEEP_US
        oldest = now - us(max(LONGEST_CALL_S, self._settings.whole_s))
        for flight in [f for f in self._flights.values() if f.grant.granted_at < oldest]:
            del self._flights[flight.grant.id]
            if not flight.headed:
                self._headed(flight)
            reserved = reserved_json(flight)
            self._leave(flight, Spent(ok=False), reserved["usd"], now)
            self._scribe.add(EntryKind.CALL, flight.grant.id, lost_json(reserved))

    def _lost(self, grant: str, reserved: Mapping[str, Any]) -> None:
        """Count a call of a dead router as spent at what it had reserved."""
        day, keys = reserved["day"], keys_of(reserved, reserved["day"])
        emergency = [emergency_key(day)] if reserved.get("emergency") else []
        self.budgets.settle([*keys, *emergency], 0.0, reserved["usd"])
        if emergency:
            self._watch.keep_emergency(day)
        self._scribe.add(EntryKind.CALL, grant, lost_json(reserved))

    def _late(self, grant: Grant, spent: Spent) -> dict[str, Any]:
        """Give the record of a call that is not under way any more."""
        plan = self._plans.of(grant.wanted)
        option = None if isinstance(plan, Refusal) else plan.by_slot.get(grant.candidate.slot)
        if option is None:
            return {"id": grant.id, "at": grant.granted_at, "usd": 0.0, "ok": spent.ok}
        day = self.budgets.day_of(grant.granted_at).name
        flight = Flight(grant=grant, option=option, day=day, keys=(), tokens=0)
        return call_json(flight, spent)
