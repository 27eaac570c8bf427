"""The router while it is open: its ledger, its core, and all that the gateway asks for.

Made by `open_office`, thrown away by `close`: after a fault of the ledger everything is opened
anew, so that what is remembered is always what is durable. It knows neither Ray nor HTTP.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from actors.clock import SystemClock
from actors.routing.bindings import Bindings, who_from
from actors.routing.carriers import Carriers
from actors.routing.scribe import Scribe
from actors.routing.secrets import KeyValues
from actors.routing.shipping import Shipping
from actors.routing.throttling import Throttling
from actors.routing.underway import Underway, halted
from actors.routing.watching import CatalogueWatch
from engine.errors import Denied
from engine.jobs import Lane
from engine.ports import Body, Clock, Desk, SessionFace
from engine.settings import Settings
from routing.budget import sums_of
from routing.ledger import Ledger
from routing.models import Candidate, Catalogue, Provider
from routing.ports import Carrier, Entry, EntryKind, Restored
from routing.requests import Refusal, Who
from routing.router import RouterCore
from routing.tripping import OWNER as OWNER_HAND
from store.home import Home

OWNER = Who(lane=Lane.P1)
_HALTED, _BUDGETS = "halted", "budgets"
_END_S = 5.0  # how long a call that is ended may take to settle
_SHIP_S = 10.0  # how long a release waits for the dispatcher
_LAST_S = 1.0  # and how long a close does: what is left is durable and follows later


def _find_desk() -> Desk:
    from actors.refs import desk  # noqa: PLC0415  # Ray is imported only where it is used

    return desk()


def _find_session(name: str) -> SessionFace:
    from actors.refs import session  # noqa: PLC0415  # likewise

    return session(name)


@dataclass(frozen=True, slots=True)
class Outside:
    """Whom the router talks to; tests put objects of their own here."""

    clock: Clock = field(default_factory=SystemClock)
    rng: Random = field(default_factory=Random)
    find_desk: Callable[[], Desk] = _find_desk
    find_session: Callable[[str], SessionFace] = _find_session
    carriers: Callable[[Path], Carriers] = Carriers


class Office:
    """What `actors.gateway.office.GatewayOffice` asks for, and what the actor's words need."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        outside: Outside,
        ledger: Ledger,
        restored: Restored,
    ) -> None:
        self.home = home
        self.settings = settings
        self.clock: Clock = outside.clock
        self.ledger = ledger
        self._values = KeyValues(home)
        self.watch = CatalogueWatch(home.models, self._values.is_there)
        self.watch.look()
        self.core = RouterCore(
            self.watch.catalogue, settings, outside.rng, restored, self.clock.now()
        )
        self.bindings = Bindings(restored)
        self.shipping = Shipping(ledger, outside.find_desk, settings.models.ship_every_s)
        self._scribe = Scribe(ledger, self.core.take_entries, self.shipping.nudge)
        self._throttling = Throttling(outside.find_session, outside.clock)
        self._carriers = outside.carriers(home.empty)
        self._halted = _HALTED in restored.house
        self.underway = Underway()

    # -- what the gateway asks (actors.gateway.office) ------------------------------------------
    @property
    def catalogue(self) -> Catalogue:
        """The catalogue that the core works with now."""
        return self.watch.catalogue

    @property
    def halted(self) -> bool:
        """The house is halted: by an order that was taken, or by one that waits to be taken."""
        return self._halted

    def identify(self, key: str) -> Who | None:
        """Give on whose behalf a key is used."""
        return self.bindings.identify(key) or (OWNER if self._is_the_owners(key) else None)

    def secret(self, candidate: Candidate) -> str:
        """Give the value of a candidate's key.

        Raises:
            NotFound: what the catalogue names is not there.
        """
        return self._values.resolve(candidate.key.source)

    def carrier(self, provider: Provider) -> Carrier:
        """Give the transport of a provider."""
        return self._carriers.of(provider)

    async def durable(self) -> None:
        """Return when all that the core has said so far survives a power cut.

        Raises:
            StoreFull, HouseFault: the ledger did not take it.
        """
        await self._scribe.durable()

    def refused(self, who: Who, refusal: Refusal) -> None:
        """Hear that a request was refused."""
        self._throttling.refused(who, refusal)

    def under_way(self, who: Who) -> AbstractContextManager[None]:
        """Stand around one whole request.

        Raises:
            Halted: the house is halted.
            Denied: the key was released or fenced.
        """
        return self.underway.call(who, refuse=halted() if self._halted else None)

    # -- keys -----------------------------------------------------------------------------------
    async def bind(self, key: str, body: Body) -> None:
        """Let a key stand for whom `body` says; what it supersedes is dead and its calls end.

        Raises:
            BadInput, Fenced: see `Bindings.bind`.
        """
        await self._scribe.durable(self.bindings.bind(key, who_from(body)))
        await self.underway.end(self.bindings.is_fenced, _superseded(), _END_S)

    async def release(self, key: str) -> None:
        """Let a key die, end its calls, and see all finished calls into the main store.

        Whoever releases a key has heard by then what its session was to be told.

        Raises:
            Unavailable: the dispatcher is away; the key is dead all the same.
        """
        who, entries = self.bindings.release(key)
        if who is not None:
            await self.underway.end(lambda other: _same(other, who), _released(), _END_S)
            await self._throttling.heard(who, _END_S)
        await self._scribe.durable(entries)
        await self.shipping.ship_within(_SHIP_S)

    # -- halt -----------------------------------------------------------------------------------
    async def halt(self, by: str) -> None:
        """End all calls and begin none, also after a restart."""
        if self._halted:
            return
        self._halted = True
        mark = {"at": self.clock.now(), "by": by}
        ending = self.underway.end(lambda _: True, halted(), _END_S)
        durable = self._scribe.durable([Entry(EntryKind.HOUSE, _HALTED, mark)])
        await asyncio.gather(ending, durable)
        await self.durable()

    async def resume(self) -> None:
        """Let calls begin again."""
        if self._halted:
            await self._scribe.durable([Entry(EntryKind.HOUSE, _HALTED)])
            self._halted = False

    # -- the catalogue --------------------------------------------------------------------------
    async def look_at_catalogue(self, *, again: bool = False) -> bool:
        """Take over what changed in models.toml or among the keys; True if anything did."""
        changed = await asyncio.to_thread(self.watch.look, again=again)
        if changed:
            self.core.use(self.watch.catalogue)
            await self._scribe.durable([_opened("catalogue", self.clock.now())])
        if renewed := self._values.take_renewed():
            await self._open_again(renewed)
        return changed

    async def _open_again(self, sources: Collection[str]) -> None:
        """What was held against a key's old value is not held against its new one."""
        now = self.clock.now()
        for provider in self.catalogue.providers.values():
            for key in provider.keys:
                if key.source in sources:
                    self.core.reset(f"{provider.name}/{key.label}", now)
        await self.durable()

    async def take_budgets(self, restored: Restored) -> None:
        """Note the budgets in force; where the owner changed them, what waits may go on."""
        told = self.settings.budgets.model_dump(mode="json")
        known = restored.house.get(_BUDGETS)
        if known == told:
            return
        entries = [Entry(EntryKind.HOUSE, _BUDGETS, told)]
        if known is not None:
            entries.append(_opened(_BUDGETS, self.clock.now()))
        await self._scribe.durable(entries)

    def status(self) -> dict[str, Any]:
        """Tell how the office stands, for `health`."""
        return {
            "halted": self._halted,
            "catalogue_problem": self.watch.problem,
            "deployments": len(self.catalogue.deployments),
            "under_way": len(self.underway),
            "keys": len(self.bindings),
            "shipping": self.shipping.said,
        }

    async def close(self) -> None:
        """Write down and ship what is left, and let go of everything; close the gateway before."""
        await self._throttling.close()
        await self._carriers.close()
        try:
            await self.durable()
            await self.shipping.ship_within(_LAST_S)
        finally:
            await asyncio.to_thread(self.ledger.close)

    def _is_the_owners(self, key: str) -> bool:
        try:
            token = self.home.token.read_text().strip()
        except OSError:
            return False
        return bool(token) and hmac.compare_digest(token.encode(), key.encode())


async def open_office(home: Home, settings: Settings, outside: Outside) -> Office:
    """Open the ledger and build everything over what it remembers.

    Raises:
        HelioError: the ledger cannot be opened: damaged, newer, another's, or no disk.
    """
    sums = sums_of(ZoneInfo(settings.house.time_zone))
    ledger = await asyncio.to_thread(Ledger, home.router_ledger, outside.clock, sums)
    try:
        restored = await asyncio.to_thread(ledger.restore)
        office = Office(home, settings, outside, ledger, restored)
        await office.take_budgets(restored)
        await office.durable()
    except BaseException:
        ledger.close()
        raise
    return office


def _same(one: Who, other: Who) -> bool:
    """Whether two calls are made for the same order."""
    return (one.session, one.incarnation, one.job, one.epoch) == (
        other.session,
        other.incarnation,
        other.job,
        other.epoch,
    )


def _opened(what: str, now: int) -> Entry:
    """Tell the house that the owner changed what may be called."""
    told = {"kind": "opened", "slot": what, "until": 0, "reason": "", "why": "", "at": now}
    return Entry(EntryKind.NOTICE, "", told | {"by": OWNER_HAND})


def _superseded() -> Denied:
    return Denied(
        "A newer process works at this job now; this key is dead.",
        remedy="Nothing is to be done: the newer one goes on.",
    )


def _released() -> Denied:
    return Denied("The job is over; this key is dead.", remedy="Submit a new job.")
