"""Closing and opening by the owner's hand: `helio model trip` and `helio model reset`."""

from __future__ import annotations

from routing.models import Catalogue, Slot
from routing.ports import EntryKind
from routing.requests import SkipReason
from routing.scribe import Scribe
from routing.state import FOREVER, Barrier, Board, KeyState, ProviderState, Shut, SlotState

TRIPPED = "tripped"
OWNER = "owner"  # by whose hand something was opened


def trip(
    name: str, until: int, now: int, board: Board, catalogue: Catalogue, scribe: Scribe
) -> list[str]:
    """Close what a name matches until then; 0 is until somebody opens it."""
    found = matching(name, board, catalogue)
    for barrier in found:
        shut = tripped(until, now)
        barrier.set_trip(shut)
        scribe.add(EntryKind.TRIPPED, barrier.name, {"until": until, "at": now})
        scribe.closed(barrier, shut, now)
    return [barrier.name for barrier in found]


def reset(name: str, now: int, board: Board, catalogue: Catalogue, scribe: Scribe) -> list[str]:
    """Open what a name matches with all that stands below it, and forget its failures."""
    found = matching(name, board, catalogue)
    for top in found:
        for barrier in _below(top, board):
            _open(barrier, now, scribe)
    return [barrier.name for barrier in found]


def tripped(until: int, now: int) -> Shut:
    """Give a closure by hand."""
    return Shut(
        until=until or FOREVER,
        reason=SkipReason.BREAKER_OPEN,
        why=TRIPPED,
        known=bool(until),
        since=now,
        detail="closed by hand",
    )


def matching(name: str, board: Board, catalogue: Catalogue) -> list[Barrier]:
    """Find what a name means: a slot, a provider, provider/key, or a model with all its slots."""
    name = name.removeprefix("provider:").removeprefix("key:")
    slots = _slots(catalogue)
    exact = [slot for slot, _ in slots if str(slot) == name]
    if exact:
        return [board.slot(exact[0])]
    if name in catalogue.providers:
        return [board.provider(name)]
    for provider in catalogue.providers.values():
        for key in provider.keys:
            if f"{provider.name}/{key.label}" == name:
                return [board.key(provider.name, key.label)]
    return [
        board.slot(slot)
        for slot, model in slots
        if name in (model, f"{slot.provider}/{slot.model}")
    ]


def _slots(catalogue: Catalogue) -> list[tuple[Slot, str]]:
    return [
        (Slot(one.provider, key.label, one.id), one.model)
        for one in catalogue.deployments
        for key in catalogue.providers[one.provider].keys
    ]


def _below(top: Barrier, board: Board) -> list[Barrier]:
    if isinstance(top, ProviderState):
        prefix = top.name.removeprefix("provider:") + "/"
    elif isinstance(top, KeyState):
        prefix = top.name.removeprefix("key:") + "/"
    else:
        return [top]
    inner = [b for b in board.barriers() if b.name.removeprefix("key:").startswith(prefix)]
    return [top, *inner]


def _open(barrier: Barrier, now: int, scribe: Scribe) -> None:
    was = barrier.barred
    if isinstance(barrier, SlotState):
        was = barrier.forget_left() or was
    if barrier.trip is not None:
        barrier.set_trip(None)
        scribe.add(EntryKind.TRIPPED, barrier.name, {})
    barrier.close(None)
    barrier.failures = barrier.ramp = 0
    if isinstance(barrier, ProviderState):
        barrier.calm()
    scribe.state(barrier)
    if was:
        scribe.opened(barrier, now, by=OWNER)
