"""A call that was granted and is not over: what is booked for it, and its JSON for the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.conversation import Usage
from routing.faults import FaultKind
from routing.ranking import Option
from routing.requests import Grant, Spent, Wanted

LOST = "lost"  # the fault of a call whose router died or whose owner vanished
_RESERVED_ONLY = ("day", "worker", "emergency")
HEDGE_MARK = "h"  # behind the id of the second of two calls for one answer


@dataclass(slots=True, kw_only=True)
class Flight:
    """One call under way."""

    grant: Grant
    option: Option
    day: str
    keys: tuple[str, ...]  # the sums that its money counts in
    tokens: int  # that it took of limits
    hedge: bool = False
    headed: bool = False  # its head came: what that says is learned already
    probing: bool = False  # it holds the provider's probe


def reserved_json(flight: Flight) -> dict[str, Any]:
    """Give what the ledger keeps of a call under way: enough to count it if nobody comes back."""
    wanted = flight.grant.wanted
    return _identity(flight) | {
        "usd": flight.grant.reserved_usd,
        "day": flight.day,
        "worker": wanted.who.worker,
        "emergency": any(key.startswith("emergency:") for key in flight.keys),
    }


def call_json(flight: Flight, spent: Spent) -> dict[str, Any]:
    """Give the record of a finished attempt."""
    grant, option = flight.grant, flight.option
    usd, known = cost_of(flight, spent)
    return _identity(flight) | {
        "served": spent.served,
        "ok": spent.ok,
        "fault": spent.fault,
        "status": spent.status,
        "skips": [skip.as_json() for skip in grant.skips],
        "usd": usd,
        "usd_known": known,
        "turns": option.turns,
        "input": spent.input,
        "output": spent.output,
        "cache_read": spent.cache_read,
        "cache_write": spent.cache_write,
        "reasoning": spent.reasoning,
        "first_byte_us": spent.first_byte_us,
        "took_us": spent.took_us,
    }


def lost_json(reserved: Mapping[str, Any]) -> dict[str, Any]:
    """Give the record of a call that nobody settled: it counts as spent at its reserve."""
    silent = dict.fromkeys(
        ("status", "input", "output", "cache_read", "cache_write", "reasoning", "first_byte_us",
         "took_us"), 0,
    )  # fmt: skip
    kept = {key: value for key, value in reserved.items() if key not in _RESERVED_ONLY}
    return {
        **silent,
        **kept,
        "served": "",
        "ok": False,
        "fault": LOST,
        "skips": [],
        "usd_known": False,
    }


def cost_of(flight: Flight, spent: Spent) -> tuple[float, bool]:
    """Give what a call cost, and whether that is known.

    What failed before a byte came costs nothing; anything else without a usage costs its reserve.
    """
    price = flight.option.candidate.deployment.price
    if flight.option.turns:
        return 0.0, True
    if price is None:
        return flight.grant.reserved_usd, False
    if spent.usage_known:
        usage = Usage(
            spent.input, spent.output, spent.cache_read, spent.cache_write, spent.reasoning
        )
        return price.of(usage), True
    if not spent.ok and refused_unbilled(spent):
        return 0.0, True
    return flight.grant.reserved_usd, flight.option.free


def refused_unbilled(spent: Spent) -> bool:
    """Whether a call failed in a way for which no provider asks money."""
    return spent.fault == FaultKind.CONNECT or spent.status >= 400


def _identity(flight: Flight) -> dict[str, Any]:
    grant, wanted = flight.grant, flight.grant.wanted
    deployment, who = flight.option.candidate.deployment, wanted.who
    return {
        "id": grant.id,
        "request": wanted.id,
        "attempt": wanted.attempt,
        "at": grant.granted_at,
        "job": who.job,
        "epoch": who.epoch,
        "session": who.session,
        "project": who.project,
        "lane": int(who.lane),
        "backend": who.backend,
        "asked": wanted.asked,
        "model": deployment.model,
        "provider": deployment.provider,
        "key": flight.option.slot.key,
        "family": deployment.family,
        "tier": str(deployment.tier),
        "probe": grant.probe,
        "spill": grant.spill,
        "hedge": flight.hedge,
        "substituted": grant.substituted,
        "turns": flight.option.turns,
        "purpose": str(wanted.purpose),
        "dialect": str(wanted.dialect),
    }


def grant_id(wanted: Wanted, *, hedge: bool = False) -> str:
    """Name an attempt of a request."""
    return f"{wanted.id}:{wanted.attempt}{HEDGE_MARK if hedge else ''}"
