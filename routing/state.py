"""What is known of every slot, key and provider: closed till when, under way, learned.

Plain mutable records; `routing.waterfall` reads them, `routing.learning` writes them. A *barrier*
is anything that can be shut. A shut barrier never opens by time alone: after its time one probe
goes through, and what that finds opens it or shuts it anew. What has just opened takes few calls
at a time at first (`ramp`), one more with each success.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.settings import ModelSettings
from routing.admission import Allowance, Headroom, Retries
from routing.breaker import Breaker
from routing.models import Catalogue, Slot
from routing.percentiles import Recent
from routing.requests import Skip, SkipReason

FOREVER = 2**62  # until the catalogue changes or somebody resets it


@dataclass(frozen=True, slots=True)
class Shut:
    """Closed until then, and why. `known`: the provider named the time, it is no guess."""

    until: int
    reason: SkipReason
    why: str  # a fault's kind, "exhausted", or "tripped"
    known: bool = False
    since: int = 0
    detail: str = ""
    catalogue: str = ""  # for one that lasts until the catalogue changes: its version
    skips: dict[object, Skip] = field(default_factory=dict, compare=False, repr=False)

    def skip(self, of: object, slot: Slot) -> Skip:
        """Give the skip of a slot behind this; made once, since a decision must cost little.

        `of` is the slot's state: it is found faster than the slot.
        """
        made = self.skips.get(of)
        if made is None:
            until = 0 if self.until >= FOREVER else self.until
            made = self.skips[of] = Skip(slot, self.reason, until, self.detail)
        return made

    def as_json(self) -> dict[str, Any]:
        """Give the JSON object for the ledger."""
        return {
            "until": self.until,
            "reason": str(self.reason),
            "why": self.why,
            "known": self.known,
            "since": self.since,
            "detail": self.detail,
            "catalogue": self.catalogue,
        }


def shut_from(data: Mapping[str, Any]) -> Shut:
    """Read a closure back from the ledger."""
    return Shut(**{**data, "reason": SkipReason(data["reason"])})


class Barrier:
    """Something that can be shut, by what happened (`shut`) or by hand (`trip`)."""

    __slots__ = ("barred", "failures", "last", "name", "ramp", "shut", "trip")

    def __init__(self, name: str) -> None:
        self.name = name
        self.shut: Shut | None = None
        self.trip: Shut | None = None
        self.last: Shut | None = None  # the one of them that lasts longer
        self.barred = False  # there is one, be it over or not
        self.failures = 0  # refusals in a row
        self.ramp = 0  # just opened: so many calls may be under way; 0 is any number

    def as_json(self) -> dict[str, Any]:
        """Give what the ledger keeps; empty when there is nothing to remember."""
        kept: dict[str, Any] = {}
        if self.shut is not None:
            kept["shut"] = self.shut.as_json()
        if self.failures:
            kept["failures"] = self.failures
        if self.ramp:
            kept["ramp"] = self.ramp
        return kept

    def read(self, data: Mapping[str, Any]) -> None:
        """Take back what the ledger kept."""
        self.failures = data.get("failures", 0)
        self.ramp = data.get("ramp", 0)
        self.close(shut_from(data["shut"]) if "shut" in data else None)

    def close(self, shut: Shut | None) -> None:
        """Shut it anew, or open it."""
        self.shut = shut
        self._stand()

    def set_trip(self, trip: Shut | None) -> None:
        """Shut it by hand, or take that back."""
        self.trip = trip
        self._stand()

    def _stand(self) -> None:
        both = [shut for shut in (self.shut, self.trip) if shut is not None]
        self.last = max(both, key=lambda shut: shut.until, default=None)
        self.barred = bool(both)


class SlotState(Barrier):
    """One model of one provider under one key."""

    __slots__ = (
        "allowance", "awaiting", "first_bytes", "granted_at", "in_flight", "requests_left",
        "slot", "tokens_left", "written_at",
    )  # fmt: skip

    def __init__(self, slot: Slot) -> None:
        super().__init__(str(slot))
        self.slot = slot
        self.in_flight = 0
        self.awaiting = 0  # of these, without a first byte yet
        self.allowance = Allowance()  # learned from headers
        self.requests_left: Headroom | None = None
        self.tokens_left: Headroom | None = None
        self.first_bytes = Recent()
        self.granted_at = 0  # the newest grant
        self.written_at = 0

    def enter(self, now: int, tokens: int) -> None:
        """A call begins."""
        self.in_flight += 1
        self.awaiting += 1
        self.granted_at = now
        self.take(tokens, now)

    def take(self, tokens: int, now: int) -> None:
        """Take a request and so many tokens of what is known to be limited."""
        self.allowance.take(tokens, now)
        if self.requests_left is not None:
            self.requests_left = self.requests_left.less(1)
        if self.tokens_left is not None:
            self.tokens_left = self.tokens_left.less(tokens)

    def forget_left(self) -> bool:
        """Forget what headers told of the rest of a limit; True if anything was told."""
        told = self.requests_left is not None or self.tokens_left is not None
        self.requests_left = self.tokens_left = None
        return told

    def as_json(self) -> dict[str, Any]:
        """Give what the ledger keeps: also the limits that headers told."""
        kept = super().as_json()
        for name in ("requests", "tokens"):
            window, left = getattr(self.allowance, name), getattr(self, f"{name}_left")
            if window is not None:
                kept[name] = window.limit
            if left is not None:
                kept[f"{name}_left"] = [left.left, left.reset]
        return kept

    def read_learned(self, data: Mapping[str, Any], share: float) -> None:
        """Take back the limits that headers told."""
        self.allowance.size(data.get("requests", 0), data.get("tokens", 0), share)
        if "requests_left" in data:
            self.requests_left = Headroom(*data["requests_left"])
        if "tokens_left" in data:
            self.tokens_left = Headroom(*data["tokens_left"])


class KeyState(Barrier):
    """One key of a provider, with all its models, and the limits that the catalogue names."""

    __slots__ = ("allowance",)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.allowance = Allowance()


class ProviderState(Barrier):
    """One provider: its breaker, its calls, and the one probe that may be under way."""

    __slots__ = (
        "_settings", "breaker", "calls", "concurrency", "in_flight", "probe", "probe_ends",
        "promised", "repeats", "retries", "spilled_at", "took", "waiting",
    )  # fmt: skip

    def __init__(self, name: str, settings: ModelSettings) -> None:
        super().__init__(f"provider:{name}")
        self._settings = settings
        self.breaker = Breaker(settings)
        self.in_flight = 0
        self.calls = 0  # begun or ended so far: what depends on loads may be kept in between
        self.concurrency = settings.concurrency
        self.retries = Retries(settings.retry_share)
        self.repeats = 0  # see routing.backoff
        self.probe = ""  # the grant that finds out
        self.probe_ends = 0  # its owner has vanished if it is not settled by then
        self.spilled_at = -FOREVER  # when it last took what another provider could not
        self.took = 0  # a moving average of how long calls take, microseconds
        self.promised = 0  # when the last of the background work in line comes back
        self.waiting: dict[int, int] = {}  # lane -> when somebody of it comes back

    def enter(self, now: int, *, again: bool, spill: bool) -> None:
        """A call begins; `again`: its request was here before."""
        self.in_flight += 1
        self.calls += 1
        self.retries.take(now, again=again)
        if spill:
            self.spilled_at = now

    def leave(self, took_us: int) -> None:
        """A call is over."""
        self.in_flight -= 1
        self.calls += 1
        if took_us:
            self.took = took_us if not self.took else (7 * self.took + took_us) // 8

    def calm(self) -> None:
        """Forget every fault, and whoever was told to come back after it."""
        self.repeats = self.promised = 0
        self.waiting.clear()
        self.breaker = Breaker(self._settings)

    def as_json(self) -> dict[str, Any]:
        """Give what the ledger keeps: also how the breaker stands."""
        kept = super().as_json()
        if self.repeats:
            kept["repeats"] = self.repeats
        if self.breaker.openings:
            kept["openings"] = self.breaker.openings
            kept["successes"] = self.breaker.successes
        return kept

    def read(self, data: Mapping[str, Any]) -> None:
        """Take back what the ledger kept."""
        super().read(data)
        self.repeats = data.get("repeats", 0)
        self.breaker.openings = data.get("openings", 0)
        self.breaker.successes = data.get("successes", 0)


class Board:
    """The states of everything in the catalogue; they outlive an edit of it."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self.slots: dict[Slot, SlotState] = {}
        self.keys: dict[tuple[str, str], KeyState] = {}
        self.providers: dict[str, ProviderState] = {}

    def slot(self, slot: Slot) -> SlotState:
        """Give the state of a slot, made when it is first asked for."""
        return self.slots.get(slot) or self.slots.setdefault(slot, SlotState(slot))

    def key(self, provider: str, label: str) -> KeyState:
        """Give the state of a key."""
        at = (provider, label)
        return self.keys.get(at) or self.keys.setdefault(at, KeyState(f"key:{provider}/{label}"))

    def provider(self, name: str) -> ProviderState:
        """Give the state of a provider."""
        if name not in self.providers:
            self.providers[name] = ProviderState(name, self._settings)
        return self.providers[name]

    def barriers(self) -> list[Barrier]:
        """Give everything that can be shut."""
        return [*self.slots.values(), *self.keys.values(), *self.providers.values()]

    def take_limits(self, catalogue: Catalogue) -> None:
        """Take what the catalogue says of limits: calls under way by provider, the rest by key."""
        for name, provider in catalogue.providers.items():
            limits = provider.limits
            self.provider(name).concurrency = limits.concurrency or self._settings.concurrency
            for key in provider.keys:
                self.key(name, key.label).allowance.size(
                    limits.requests_per_minute,
                    limits.tokens_per_minute,
                    self._settings.admission_share,
                )
