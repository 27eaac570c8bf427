"""The attempt loop: decide, make it durable, call, and on a fault settle and decide again.

It ends with the first attempt that came far enough to be shown to the client (a whole answer, or
a stream with its first meaningful piece), or gives up with the reason. A slow first byte may be
hedged: two attempts run, the first good one wins, the other is ended and charged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from actors.gateway.errands import Errands
from actors.gateway.errors import GaveUp
from actors.gateway.headers import of_request
from actors.gateway.office import GatewayOffice
from actors.gateway.trial import Trial
from engine.errors import HelioError
from routing.faults import MOVES_ON, Fault, FaultKind
from routing.models import Slot
from routing.requests import Grant, Refusal, RefusalKind, Skip, Wanted

_US_PER_S = 1_000_000
_CLOCK_S = 0.002  # timers and the wall's clock may differ by so much
_HOLDS = 3  # how often one request waits for a reset
_PASSING = frozenset({FaultKind.RATE_LIMIT, FaultKind.QUOTA, FaultKind.OVERLOADED})
_HELD = frozenset({RefusalKind.CLOSED, RefusalKind.FAILED})


class Outcome(Protocol):
    """What an attempt brought."""

    async def drop(self) -> None:
        """Let go of it: another one won."""


T = TypeVar("T", bound=Outcome)


class Attempts(Generic[T]):
    """The attempts of one request. `make` carries one out and raises a `Fault` if it fails."""

    def __init__(
        self,
        office: GatewayOffice,
        errands: Errands,
        wanted: Wanted,
        make: Callable[[Trial], Awaitable[T]],
    ) -> None:
        self._office = office
        self._errands = errands
        self._wanted = wanted
        self._make = make
        self._made = 0
        self._skips: tuple[Skip, ...] = ()
        self._last: tuple[Grant, Fault] | None = None
        self._holds = 0
        self._throttled: frozenset[Slot] = frozenset()  # tried, and worth another try once open

    async def run(self) -> T:
        """Give the first outcome that is good.

        Raises:
            GaveUp: nobody could be asked, all failed, or the request itself is at fault.
        """
        while True:
            grant = await self._granted()
            try:
                return await (self._race(grant) if grant.hedge_after_us else self._try(grant))
            except Fault as fault:
                if fault.kind not in MOVES_ON:
                    raise self._gave_up(None) from fault

    def headers(self) -> dict[str, str]:
        """Give what an answer's headers say of the request."""
        return of_request(self._wanted.id, self._wanted.asked, self._made, self._skips)

    async def _granted(self) -> Grant:
        """Decide until somebody can be asked; a near reset is waited for.

        Raises:
            GaveUp: nobody can.
        """
        office = self._office
        while True:
            decision = office.core.decide(self._wanted, office.clock.now())
            self._skips = decision.skips
            if isinstance(decision, Grant):
                await self._book(decision)
                return decision
            self._errands.run(office.durable())
            if not await self._held(decision):
                office.refused(self._wanted.who, decision)
                raise self._gave_up(decision)

    async def _book(self, grant: Grant) -> None:
        """Make a grant durable before anything is done about it, and count it."""
        self._made += 1
        self._wanted = replace(
            self._wanted,
            attempt=self._made + 1,
            tried=self._wanted.tried | {grant.candidate.slot},
        )
        try:
            await self._office.durable()
        except BaseException:
            Trial(self._office, grant).drop()
            raise

    async def _held(self, refusal: Refusal) -> bool:
        """Wait for a reset that is near; True if it is worth asking again.

        To send a job away for a second costs more than the second.
        """
        wait_us = refusal.until - self._office.clock.now()
        near = refusal.until > 0 and wait_us <= self._office.settings.models.hold_s * _US_PER_S
        if not near or refusal.kind not in _HELD or self._holds >= _HOLDS:
            return False
        self._holds += 1
        await asyncio.sleep(max(wait_us, 0) / _US_PER_S)
        self._wanted = replace(self._wanted, tried=self._wanted.tried - self._throttled)
        self._throttled = frozenset()
        return True

    async def _try(self, grant: Grant) -> T:
        """Carry out one attempt.

        Raises:
            Fault: it failed, and is settled.
        """
        trial = Trial(self._office, grant)
        try:
            return await self._make(trial)
        except Fault as fault:
            trial.lost(fault)
            self._learn(grant, fault)
            raise
        except HelioError:
            trial.drop()  # the request cannot even be worded
            raise
        except BaseException:
            trial.abandon()
            self._errands.run(self._office.durable())
            raise

    async def _race(self, grant: Grant) -> T:
        """Carry out an attempt, and a second one if the first is slow to begin.

        Raises:
            Fault: all of them failed.
        """
        racers = {asyncio.ensure_future(self._try(grant))}
        try:
            patience_s = grant.hedge_after_us / _US_PER_S + _CLOCK_S
            done, _ = await asyncio.wait(racers, timeout=patience_s)
            if not done and (second := self._office.core.hedge(grant, self._office.clock.now())):
                await self._book(second)
                racers.add(asyncio.ensure_future(self._try(second)))
            return await self._first_good(racers)
        finally:
            for racer in racers:
                racer.cancel()
            if racers:
                self._errands.run(_drop_all(racers))

    async def _first_good(self, racers: set[asyncio.Task[T]]) -> T:
        """Wait for the first that succeeds, and take it out of the race.

        Raises:
            Fault: what the last one failed with, when all did.
        """
        while True:
            done, _ = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
            for racer in done:
                racers.discard(racer)
                fault = racer.exception()
                if fault is None:
                    return racer.result()
                if not racers or not isinstance(fault, Fault) or fault.kind not in MOVES_ON:
                    raise fault

    def _learn(self, grant: Grant, fault: Fault) -> None:
        self._last = grant, fault
        if fault.kind in _PASSING:
            self._throttled |= {grant.candidate.slot}
        if fault.kind is FaultKind.CONTEXT:
            beyond = max(grant.candidate.deployment.context, self._wanted.input_tokens) + 1
            least = max(self._wanted.min_context, beyond)
            self._wanted = replace(self._wanted, min_context=least)

    def _gave_up(self, refusal: Refusal | None) -> GaveUp:
        grant, fault = self._last or (None, None)
        spoken = None
        if grant is not None:
            provider = self._office.catalogue.providers.get(grant.candidate.deployment.provider)
            spoken = provider.dialect if provider else None
        return GaveUp(refusal, fault, self.headers(), spoken)


async def _drop_all(racers: set[asyncio.Task[T]]) -> None:
    """Let go of attempts that lost: one may have come through in the last moment."""
    for outcome in await asyncio.gather(*racers, return_exceptions=True):
        if not isinstance(outcome, BaseException):
            await outcome.drop()
