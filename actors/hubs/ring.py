"""The newest events in memory: stored ones in the store's order, passing ones beside them.

A stored event has its place (`seq`) from the store; the ring keeps them without a hole, so a
cursor names a position in both. A passing event (`seq` 0, a piece of output for example) is
never stored and is known by its `tick`, the count of arrivals since this ring was made. The ring
waits for nobody and reads no store: it says what is missing, and its owner fetches it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

Wire = Mapping[str, Any]
NOW = -1  # as a cursor: where the stream stands; as a tick: no passing events
_SLACK = 4  # a quarter of the ring is dropped at once, which makes dropping cheap


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which events a reader wants; empty fields let everything through."""

    prefixes: tuple[str, ...] = ()
    subject: str = ""

    def wants(self, event: Wire) -> bool:
        """Say whether the event is wanted."""
        if self.subject and event["subject"] != self.subject:
            return False
        return not self.prefixes or str(event["kind"]).startswith(self.prefixes)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the ring may hold, and how much it gives at once."""

    events: int
    size_bytes: int
    passing: int
    page: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Events behind a cursor, in order of arrival, and the positions behind all that was seen."""

    events: Sequence[Wire]
    cursor: int
    tick: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The cursor is older than the ring: what stands before `oldest` is in the store only."""

    oldest: int


@dataclass(frozen=True, slots=True)
class _Held:
    """An event with its arrival and its share of the memory."""

    tick: int
    event: Wire
    size_bytes: int


class Ring:
    """Keeps the newest events and answers readers by cursor."""

    def __init__(self, bounds: Bounds, last: int = 0) -> None:
        """Begin behind event `last`, which the ring need not have seen."""
        self._bounds = bounds
        self._stored: list[_Held] = []
        self._passing: list[_Held] = []
        self._bytes = 0
        self._tick = 0
        self.last = last

    @property
    def oldest(self) -> int:
        """The seq of the oldest stored event held, or of the next one to come."""
        return self.last - len(self._stored) + 1

    def publish(self, events: Sequence[Wire]) -> tuple[list[Wire], bool]:
        """Take events as they come; give the new stored ones and whether some are missing.

        Stored events behind a hole are not taken: they come again with what fills it.
        """
        taken: list[Wire] = []
        for event in events:
            if not event["seq"]:
                self._pass(event)
            elif event["seq"] == self.last + 1:
                self._keep(event)
                taken.append(event)
            elif event["seq"] > self.last:
                return taken, True
        return taken, False

    def refill(self, events: Sequence[Wire]) -> list[Wire]:
        """Take a page of the store itself; give the events that were new.

        A jump in it is no hole: what the store does not have any more was pruned.
        """
        taken: list[Wire] = []
        for event in events:
            if event["seq"] <= self.last:
                continue
            if event["seq"] > self.last + 1:
                self._stored, self._bytes = [], 0
            self._keep(event)
            taken.append(event)
        return taken

    def after(self, cursor: int, tick: int, sieve: Sieve) -> Batch | Behind:
        """Give wanted events behind the cursor and, with a tick, passing ones behind it."""
        if cursor == NOW:
            return Batch((), self.last, self._tick)
        if cursor < self.oldest - 1:
            return Behind(self.oldest)
        stored, cursor = self._stored_after(cursor, sieve)
        if tick == NOW:
            return Batch([held.event for held in stored], cursor, NOW)
        passing = self._passing_after(tick, sieve)
        events = [held.event for held in merge(stored, passing, key=lambda held: held.tick)]
        return Batch(events, cursor, self._tick)

    def _stored_after(self, cursor: int, sieve: Sieve) -> tuple[list[_Held], int]:
        """Give wanted ones, at most a page, and how far the look went."""
        found: list[_Held] = []
        for held in self._stored[max(0, cursor + 1 - self.oldest) :]:
            if sieve.wants(held.event):
                found.append(held)
                if len(found) == self._bounds.page:
                    return found, int(held.event["seq"])
        return found, max(cursor, self.last)

    def _passing_after(self, tick: int, sieve: Sieve) -> list[_Held]:
        """Give passing ones; a tick from before a restart means all that are held."""
        since = tick if tick <= self._tick else 0
        first = len(self._passing)
        while first and self._passing[first - 1].tick > since:
            first -= 1
        return [held for held in self._passing[first:] if sieve.wants(held.event)]

    def _pass(self, event: Wire) -> None:
        self._tick += 1
        self._passing.append(_Held(self._tick, event, 0))
        if len(self._passing) > self._bounds.passing:
            del self._passing[: max(1, self._bounds.passing // _SLACK)]

    def _keep(self, event: Wire) -> None:
        self._tick += 1
        self.last = int(event["seq"])
        size = len(json.dumps(event.get("data"), default=str))
        self._stored.append(_Held(self._tick, event, size))
        self._bytes += size
        if len(self._stored) > self._bounds.events:
            self._drop(max(1, self._bounds.events // _SLACK))
        while self._bytes > self._bounds.size_bytes and len(self._stored) > 1:
            self._drop(max(1, len(self._stored) // _SLACK))

    def _drop(self, count: int) -> None:
        self._bytes -= sum(held.size_bytes for held in self._stored[:count])
        del self._stored[:count]
