"""What an answer teaches: it opens and closes slots, keys and providers, and learns their limits.

The one writer of barriers besides the owner's hand. A closed thing is judged by calls that were
made after it was closed only: what comes late from before says nothing new, except a later reset.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from engine.settings import ModelSettings
from routing.admission import Headroom
from routing.backoff import breaker_wait, ladder_wait, slot_wait
from routing.faults import REACH, FaultKind, Reach
from routing.flights import Flight
from routing.limits import Meter, Reading
from routing.models import Catalogue
from routing.requests import SkipReason
from routing.scribe import Scribe
from routing.state import FOREVER, Barrier, Board, ProviderState, Shut, SlotState

EXHAUSTED = "exhausted"  # it was used up, as announced, and nobody was refused
RAMP_BEGINS = 1  # call under way at what a probe has just opened
RAMP_ENDS = 16
BELIEVED = 2  # resets in a row that may prove false before ours are longer than the provider's


class Learning:
    """Applies answers to states. Time and chance come in as arguments."""

    def __init__(self, settings: ModelSettings, scribe: Scribe, rng: Random) -> None:
        self._settings = settings
        self._scribe = scribe
        self._rng = rng
        self._catalogue = ""  # its version: a refused key is shut until it changes
        self.remembers = True

    def use(self, catalogue: Catalogue, board: Board) -> None:
        """Open keys that were refused under another catalogue: theirs may be other ones now."""
        self._catalogue = catalogue.version
        for key in board.keys.values():
            shut = key.shut
            if shut is not None and shut.why == "auth" and shut.catalogue != catalogue.version:
                key.close(None)
                self._scribe.state(key)

    # -- what an answer says ----------------------------------------------------------------------
    def limits(self, flight: Flight, reading: Reading, now: int, *, closes: bool = True) -> None:
        """Learn limits and what is left of them; nothing left closes the slot till it renews."""
        slot, share = flight.option.state, self._settings.admission_share
        tokens = reading.tokens if reading.tokens != Meter() else reading.input_tokens
        slot.allowance.learn(reading.requests.limit, tokens.limit, share)
        slot.requests_left = _headroom(reading.requests, slot.awaiting) or slot.requests_left
        slot.tokens_left = _headroom(tokens, 0) or slot.tokens_left
        if reading.rejected:
            self._quota(flight, reading, now)
        elif closes and reading.exhausted_until():
            self._exhausted(slot, reading.exhausted_until(), now)
        elif tokens.limit or reading.requests.limit:
            self._scribe.learned(slot, now)

    def success(self, flight: Flight, now: int) -> None:
        """A good answer came: what its probe was for is open."""
        option = flight.option
        for barrier in (option.state, option.key):
            self._good(barrier, flight, now)
        option.provider.repeats = 0
        self._answered(flight, now)

    def failure(self, flight: Flight, kind: FaultKind, reading: Reading, now: int) -> None:
        """A fault came: close what it speaks of, and count what the provider's breaker counts."""
        match kind:
            case FaultKind.CANCELLED:
                return
            case FaultKind.RATE_LIMIT:
                if not reading.rejected:
                    self._rate_limit(flight, reading, now)
            case FaultKind.QUOTA:
                self._quota(flight, reading, now)
            case FaultKind.AUTH:
                self._refused_key(flight, now)
            case FaultKind.NOT_FOUND:
                self._unknown_there(flight, now)
            case _ if REACH[kind] is Reach.PROVIDER:
                self._provider_fault(flight, kind, reading, now)
                return
        self._answered(flight, now)

    def _exhausted(self, slot: SlotState, until: int, now: int) -> None:
        if slot.shut is None or slot.shut.until < until:
            self._shut(slot, Shut(until, SkipReason.RATE_LIMITED, EXHAUSTED, known=True), now)

    # -- successes --------------------------------------------------------------------------------
    def _good(self, barrier: Barrier, flight: Flight, now: int) -> None:
        shut = barrier.shut
        if shut is None:
            barrier.failures = 0
            self._widen(barrier)
        elif self._speaks_of(flight, shut):
            barrier.failures = 0
            self._open(barrier, now)

    def _answered(self, flight: Flight, now: int) -> None:
        """The provider is up, whatever it said."""
        provider = flight.option.provider
        shut = provider.shut
        if shut is None:
            provider.breaker.success(now)
            self._widen(provider)
        elif self._speaks_of(flight, shut):
            if provider.breaker.probed():
                self._open(provider, now)
            else:
                self._scribe.state(provider)

    def _speaks_of(self, flight: Flight, shut: Shut) -> bool:
        """Whether a call was made to find out about this closure."""
        asked_for = flight.grant.wanted.only is not None
        return (flight.grant.probe or asked_for) and flight.grant.granted_at >= shut.since

    # -- faults -----------------------------------------------------------------------------------
    def _rate_limit(self, flight: Flight, reading: Reading, now: int) -> None:
        slot, provider = flight.option.state, flight.option.provider
        until = reading.closed_until()
        if self._late(flight, slot):
            if until and slot.shut is not None and until > slot.shut.until:
                self._shut(
                    slot, Shut(until, SkipReason.RATE_LIMITED, "rate_limit", known=True), now
                )
            return
        slot.failures += 1
        if not until and slot.failures > 1:
            provider.repeats += 1
        known = bool(until)
        if not known:
            until = now + slot_wait(slot.failures, provider.repeats, self._settings, self._rng)
        elif slot.failures > BELIEVED:
            false_ones = slot.failures - BELIEVED
            until = max(until, now + slot_wait(false_ones, 0, self._settings, self._rng))
        self._shut(slot, Shut(until, SkipReason.RATE_LIMITED, "rate_limit", known=known), now)

    def _quota(self, flight: Flight, reading: Reading, now: int) -> None:
        key = flight.option.key
        if self._late(flight, key):
            return
        key.failures += 1
        until = reading.rejected_until or reading.closed_until()
        known = bool(until)
        until = until or now + ladder_wait(key.failures, self._settings, self._rng)
        detail = "the plan or the credit of this key is used up"
        self._shut(key, Shut(until, SkipReason.RATE_LIMITED, "quota", known, detail=detail), now)

    def _refused_key(self, flight: Flight, now: int) -> None:
        if flight.option.turns:
            return  # a subscription's login is the client's own: others may have a good one
        detail = "the provider refused this key"
        key = flight.option.key
        self._shut(
            key,
            Shut(FOREVER, SkipReason.NO_KEY, "auth", detail=detail, catalogue=self._catalogue),
            now,
        )

    def _unknown_there(self, flight: Flight, now: int) -> None:
        slot = flight.option.state
        wait = ladder_wait(len(self._settings.backoff_ladder_s), self._settings, self._rng)
        detail = "the provider knows no such model"
        shut = Shut(now + wait, SkipReason.DISABLED, "not_found", detail=detail)
        self._shut(slot, shut, now)

    def _provider_fault(self, flight: Flight, kind: FaultKind, reading: Reading, now: int) -> None:
        provider = flight.option.provider
        if reading.retry_at:
            shut = Shut(reading.retry_at, SkipReason.RATE_LIMITED, str(kind), known=True)
            self._shut(flight.option.state, shut, now)
        if provider.shut is None:
            if provider.breaker.fault(now):
                self._break(provider, kind, now)
        elif self._speaks_of(flight, provider.shut):
            self._break(provider, kind, now)

    def _break(self, provider: ProviderState, kind: FaultKind, now: int) -> None:
        provider.breaker.opened()
        until = now + breaker_wait(provider.breaker.openings, self._settings, self._rng)
        self._shut(provider, Shut(until, SkipReason.BREAKER_OPEN, str(kind)), now)

    def _late(self, flight: Flight, barrier: Barrier) -> bool:
        """Whether a refusal comes from before the closure that stands, and so is no news."""
        shut = barrier.shut
        return shut is not None and not self._speaks_of(flight, shut)

    # -- barriers ---------------------------------------------------------------------------------
    def _shut(self, barrier: Barrier, shut: Shut, now: int) -> None:
        if not self.remembers:
            return
        shut = replace(shut, since=now)
        barrier.close(shut)
        self._scribe.state(barrier)
        self._scribe.closed(barrier, shut, now)

    def _widen(self, barrier: Barrier) -> None:
        """One more at a time may be under way; in the end any number."""
        if barrier.ramp:
            barrier.ramp = barrier.ramp + 1 if barrier.ramp < RAMP_ENDS else 0
            if not barrier.ramp:
                self._scribe.state(barrier)

    def _open(self, barrier: Barrier, now: int) -> None:
        renewed = barrier.shut is not None and barrier.shut.why == EXHAUSTED
        barrier.ramp = 0 if renewed else RAMP_BEGINS
        barrier.close(None)
        self._scribe.state(barrier)
        self._scribe.opened(barrier, now)


def _headroom(meter: Meter, awaiting: int) -> Headroom | None:
    """Take the provider's word of what is left, less what is on the way to it."""
    if meter.remaining is None or not meter.reset:
        return None
    return Headroom(max(meter.remaining - awaiting, 0), meter.reset)
