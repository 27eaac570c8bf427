"""Collects what must be durable: entries for the ledger, in the order in which they became true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.moments import US_PER_S
from routing.ports import Entry, EntryKind
from routing.state import Barrier, Shut, SlotState

_LEARNED_EVERY_US = US_PER_S  # a slot's learned limits are written at most this often


class Scribe:
    """Holds entries until somebody takes them."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def take(self) -> list[Entry]:
        """Give what has gathered, and forget it."""
        taken, self._entries = self._entries, []
        return taken

    def add(self, kind: EntryKind, key: str, data: Mapping[str, Any]) -> None:
        """Write one entry."""
        self._entries.append(Entry(kind, key, data))

    def state(self, barrier: Barrier) -> None:
        """Write what is known of something that opened, closed or failed again."""
        self.add(EntryKind.STATE, barrier.name, barrier.as_json())

    def learned(self, slot: SlotState, now: int) -> None:
        """Write what was learned of a slot, if it was not written a moment ago."""
        if now - slot.written_at >= _LEARNED_EVERY_US:
            slot.written_at = now
            self.state(slot)

    def closed(self, barrier: Barrier, shut: Shut, now: int) -> None:
        """Tell the house that something is closed."""
        self.notice(
            kind="closed",
            slot=barrier.name,
            until=shut.until,
            reason=str(shut.reason),
            why=shut.why,
            known=shut.known,
            at=now,
        )

    def opened(self, barrier: Barrier, now: int, by: str = "") -> None:
        """Tell the house that something is open again; what the owner opens names them."""
        self.notice(kind="opened", slot=barrier.name, until=0, reason="", why="", at=now, by=by)

    def notice(self, **said: Any) -> None:
        """Tell the house something that it may want to show."""
        self.add(EntryKind.NOTICE, "", said)
