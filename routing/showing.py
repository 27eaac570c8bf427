"""The state of the waterfall as JSON: for `helio model list`, the dashboard and tests."""

from __future__ import annotations

from typing import Any

from routing.budget import Budgets
from routing.models import Candidate, Catalogue, Deployment, Key
from routing.state import Barrier, Board, KeyState, ProviderState, SlotState


def show(catalogue: Catalogue, board: Board, budgets: Budgets, now: int) -> dict[str, Any]:
    """Give every candidate in the order of preference, the providers, and the sums of money."""
    return {
        "candidates": [
            _candidate(one, key, board, now)
            for one in catalogue.deployments
            for key in catalogue.providers[one.provider].keys
        ],
        "providers": {name: _provider(board.provider(name), now) for name in catalogue.providers},
        "budgets": _budgets(budgets, now),
    }


def _candidate(one: Deployment, key: Key, board: Board, now: int) -> dict[str, Any]:
    slot = Candidate(deployment=one, key=key).slot
    state, owner = board.slot(slot), board.key(slot.provider, slot.key)
    barriers = (state, owner, board.provider(slot.provider))
    return {
        "slot": str(slot),
        "model": one.model,
        "provider": one.provider,
        "key": key.label,
        "tier": str(one.tier),
        **_closure(barriers, now),
        "in_flight": state.in_flight,
        "p95_first_byte_us": state.first_bytes.p95(),
        "limits": _limits(state, owner, now),
    }


def _closure(barriers: tuple[Barrier, ...], now: int) -> dict[str, Any]:
    """Say how something stands: open, closed till then, or half open until a probe comes back."""
    shuts = [shut for b in barriers for shut in (b.shut, b.trip) if shut is not None]
    last = max((s for s in shuts if s.until > now), key=lambda s: s.until, default=None)
    if last is not None:
        said = {"until": last.until, "reason": str(last.reason), "why": last.why}
        return {"state": "closed", **said, "known": last.known, "detail": last.detail}
    state = "half_open" if any(b.shut is not None for b in barriers) else "open"
    return {"state": state, "until": 0, "reason": "", "why": "", "known": False, "detail": ""}


def _limits(state: SlotState, key: KeyState, now: int) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in ("requests", "tokens"):
        window = getattr(state.allowance, name) or getattr(key.allowance, name)
        left = getattr(state, f"{name}_left")
        if window is not None:
            told[name] = {"a_minute": window.limit, "used": window.used(now)}
        if left is not None and now < left.reset:
            told.setdefault(name, {}).update(left=left.left, reset=left.reset)
    return told


def _provider(provider: ProviderState, now: int) -> dict[str, Any]:
    return {
        **_closure((provider,), now),
        "in_flight": provider.in_flight,
        "concurrency": provider.concurrency,
        "faults_in_a_row": provider.breaker.in_a_row,
        "probe": provider.probe if now < provider.probe_ends else "",
    }


def _budgets(budgets: Budgets, now: int) -> dict[str, Any]:
    keys = sorted(budgets.spent.keys() | budgets.reserved.keys())
    return {
        "day": budgets.day_of(now).name,
        "sums": {
            key: {
                "spent": budgets.spent.get(key, 0.0),
                "reserved": budgets.reserved.get(key, 0.0),
                "limit": budgets.limit_of(key),
            }
            for key in keys
        },
    }
