"""Rebuilds the core's state from what the ledger remembers, so that a restart asks nobody anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.moments import us
from engine.settings import ModelSettings
from routing.admission import MINUTE_US
from routing.budget import EMERGENCY, Budgets, emergency_key
from routing.faults import REACH, FaultKind, Reach
from routing.habits import Habits
from routing.models import Catalogue, Slot
from routing.ports import Restored
from routing.state import Barrier, Board, ProviderState, SlotState
from routing.tripping import tripped

_FAULTS = frozenset(str(kind) for kind in FaultKind if REACH[kind] is Reach.PROVIDER)


def restore(restored: Restored, board: Board, settings: ModelSettings, budgets: Budgets) -> None:
    """Take back closures, trips, learned limits, and what P0 spent in emergencies."""
    for name, data in restored.states.items():
        barrier = barrier_named(name, board)
        if barrier is None:
            continue
        barrier.read(data)
        if isinstance(barrier, SlotState):
            barrier.read_learned(data, settings.admission_share)
    for name, data in restored.tripped.items():
        barrier = barrier_named(name, board)
        if barrier is not None and data:
            barrier.set_trip(tripped(data["until"], data.get("at", 0)))
    emergency = restored.states.get(EMERGENCY)
    if emergency:
        budgets.spent[emergency_key(emergency["day"])] = emergency["usd"]


@dataclass(frozen=True, slots=True)
class Replay:
    """Takes back what single calls tell: habits, and the traffic of the last minute."""

    board: Board
    habits: Habits
    catalogue: Catalogue
    settings: ModelSettings
    now: int

    def all(self, restored: Restored) -> None:
        """Go through the calls of the last day, and those under way when the router died."""
        ids = {(one.provider, one.model): one.id for one in self.catalogue.deployments}
        for call in (*restored.calls, *restored.reserved.values()):
            known = ids.get((call["provider"], call["model"]))
            if known is not None:
                self._one(call, Slot(call["provider"], call["key"], known))

    def _one(self, call: Mapping[str, Any], slot: Slot) -> None:
        state, key = self.board.slot(slot), self.board.key(slot.provider, slot.key)
        self.habits.restore(call, slot)
        if call.get("first_byte_us"):
            state.first_bytes.add(call["first_byte_us"])
        if call["at"] > self.now - MINUTE_US:
            tokens = call.get("tokens") or call.get("input", 0) + call.get("output", 0)
            for allowance in (state.allowance, key.allowance):
                allowance.take(tokens, call["at"])
        if call["at"] > self.now - us(self.settings.breaker_window_s):
            _count(call, self.board.provider(slot.provider))


def barrier_named(name: str, board: Board) -> Barrier | None:
    """Find what an entry speaks of; a slot's provider and key hold no slash, its model may."""
    kind, _, rest = name.partition(":")
    if kind == "provider":
        return board.provider(rest)
    if kind == "key":
        provider, _, label = rest.partition("/")
        return board.key(provider, label)
    parts = name.split("/", 2)
    return board.slot(Slot(*parts)) if len(parts) == 3 else None


def _count(call: Mapping[str, Any], provider: ProviderState) -> None:
    """Count a call of the last minute for the breaker, which stands as it was written."""
    if provider.shut is not None:
        return
    if call.get("fault") in _FAULTS:
        provider.breaker.fault(call["at"])
    elif call.get("ok"):
        provider.breaker.success(call["at"])
