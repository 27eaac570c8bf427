"""Money: what was spent, what is reserved, and what may still be. Dollars; days are the owner's.

Five budgets may stand: of the day, of a project, of a worker, of a provider (each a day) and of a
job. A call reserves its likely cost in all of them before it is made and settles what it cost
afterwards, on the day of the reservation. From `step_down` of a budget on, a lower tier answers; a
budget that is used up lets only P0 pass, within its emergency budget of the day.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from engine.settings import BudgetSettings
from routing.days import Day, day_at
from routing.requests import Who

EMERGENCY = "budget:emergency"  # the entry of what P0 spent after another budget was gone
_DUST = 1e-9  # sums of floats are off by less than this
_DAYS_KEPT = 3
_CALLERS_KEPT = 2_000  # whose limits need not be put together again


@dataclass(frozen=True, slots=True)
class Limit:
    """One budget that applies: its key, its dollars, from how many on it steps down.

    `daily`: a new day renews it.
    """

    key: str
    usd: float
    step_usd: float
    daily: bool = True


@dataclass(frozen=True, slots=True)
class Purse:
    """What the budgets of one caller leave, whoever answers; a provider's own comes on top."""

    room: float = math.inf
    stepped: str = ""  # the budget that is so far used that one tier lower answers
    tight: Limit | None = None  # the one that leaves least
    emergency: float = 0.0  # what P0 may still spend where `room` does not do

    @property
    def empty(self) -> bool:
        """Whether nothing that costs money may be called."""
        return self.room <= _DUST

    def pays(self, usd: float) -> bool:
        """Whether so much fits."""
        return usd <= self.room + _DUST

    def rescues(self, usd: float) -> bool:
        """Whether the emergency budget pays so much."""
        return usd <= self.emergency + _DUST


NO_LIMIT = Purse()


def keys_of(call: Mapping[str, Any], day: str) -> list[str]:
    """Name the sums that a call or a reservation counts in."""
    worker = call.get("worker") or call.get("session") or Who().worker
    keys = [f"day:{day}", f"provider:{call['provider']}:{day}"]
    keys += [f"project:{call['project']}:{day}", f"worker:{worker}:{day}"]
    return [*keys, f"job:{call['job']}"] if call["job"] else keys


def sums_of(zone: ZoneInfo) -> Callable[[Mapping[str, Any]], Sequence[str]]:
    """Give the function that names the sums of a finished call, for the ledger."""
    return lambda call: keys_of(call, day_at(call["at"], zone).name)


def emergency_key(day: str) -> str:
    """Name the sum of what P0 spends in a day after another budget is gone."""
    return f"emergency:{day}"


class Budgets:
    """The sums. Questions change nothing but the day that is remembered."""

    def __init__(
        self, settings: BudgetSettings, zone: ZoneInfo, spent: Mapping[str, float], now: int
    ) -> None:
        self._settings = settings
        self._zone = zone
        self.spent: dict[str, float] = dict(spent)
        self.reserved: dict[str, float] = {}
        self._limits: dict[tuple[object, ...], tuple[Limit, ...]] = {}
        self.day: Day = day_at(now, zone)
        self.limited_providers = frozenset(
            name for name, usd in settings.provider_day_usd.items() if usd > 0
        )

    # -- questions ------------------------------------------------------------------------------
    def day_of(self, now: int) -> Day:
        """Give the day that an instant lies in."""
        return self.day if self.day.holds(now) else day_at(now, self._zone)

    def used(self, key: str) -> float:
        """Give what is spent and reserved in one sum."""
        return self.spent.get(key, 0.0) + self.reserved.get(key, 0.0)

    def limits(self, who: Who, day: str) -> tuple[Limit, ...]:
        """Give the budgets that apply to a caller."""
        caller = (who.project, who.project_usd, who.worker, who.job, who.budget_usd, day)
        known = self._limits.get(caller)
        if known is None:
            if len(self._limits) >= _CALLERS_KEPT:
                self._limits.clear()
            known = self._limits[caller] = self._make_limits(who, day)
        return known

    def _make_limits(self, who: Who, day: str) -> tuple[Limit, ...]:
        said = self._settings
        job = said.job_usd if who.budget_usd is None else who.budget_usd
        project = said.project_day_usd if who.project_usd is None else who.project_usd
        found = (
            self._limit(f"day:{day}", said.day_usd),
            self._limit(f"project:{who.project}:{day}", project),
            self._limit(f"worker:{who.worker}:{day}", said.worker_day_usd),
            self._limit(f"job:{who.job}", job if who.job else 0, daily=False),
        )
        return tuple(limit for limit in found if limit.usd > 0)

    def _limit(self, key: str, usd: float, *, daily: bool = True) -> Limit:
        return Limit(key, usd, self._settings.step_down * usd - _DUST, daily)

    def provider_limit(self, provider: str, day: str) -> Limit | None:
        """Give a provider's own budget, None where it has none."""
        usd = self._settings.provider_day_usd.get(provider, 0)
        return self._limit(f"provider:{provider}:{day}", usd) if usd > 0 else None

    def limit_of(self, key: str) -> float:
        """Give the dollars of the budget behind a sum, 0 where there is none.

        A job's own budget, and a project's own, are known to their calls only.
        """
        said = self._settings
        kind, _, rest = key.partition(":")
        plain = {
            "day": said.day_usd,
            "project": said.project_day_usd,
            "worker": said.worker_day_usd,
            "job": said.job_usd,
            "emergency": said.emergency_day_usd,
        }
        if kind == "provider":
            return said.provider_day_usd.get(rest.rpartition(":")[0], 0.0)
        return plain.get(kind, 0.0)

    def purse(self, who: Who, now: int) -> Purse:
        """Give what a caller's budgets leave."""
        day = self.day_of(now).name
        limits = self.limits(who, day)
        if not limits:
            return Purse(emergency=self._emergency(day)) if self.limited_providers else NO_LIMIT
        room, stepped, tight = math.inf, "", limits[0]
        for limit in limits:
            used = self.used(limit.key)
            if limit.usd - used < room:
                room, tight = limit.usd - used, limit
            if used >= limit.step_usd and not stepped:
                stepped = limit.key
        return Purse(room, stepped, tight, self._emergency(day))

    def room(self, limit: Limit) -> float:
        """Give what a budget leaves."""
        return limit.usd - self.used(limit.key)

    def pays(self, limit: Limit, usd: float) -> bool:
        """Whether a budget holds so much more."""
        return usd <= self.room(limit) + _DUST

    def stepped(self, limit: Limit) -> bool:
        """Whether a budget is so far used that a lower tier answers."""
        return self.used(limit.key) >= limit.step_usd

    def _emergency(self, day: str) -> float:
        return self._settings.emergency_day_usd - self.used(emergency_key(day))

    # -- changes --------------------------------------------------------------------------------
    def turn(self, now: int) -> None:
        """Begin a new day when it is time, and forget sums of old ones."""
        if self.day.holds(now):
            return
        self.day = day_at(now, self._zone)
        self._limits.clear()
        kept = {self.day.name}
        begins = self.day.begins
        for _ in range(_DAYS_KEPT - 1):
            day = day_at(begins - 1, self._zone)
            kept.add(day.name)
            begins = day.begins
        self.spent = {
            key: usd
            for key, usd in self.spent.items()
            if key.startswith("job:") or key.rsplit(":", 1)[-1] in kept
        }

    def reserve(self, keys: Sequence[str], usd: float) -> None:
        """Set money aside."""
        for key in keys:
            self.reserved[key] = self.reserved.get(key, 0.0) + usd

    def settle(self, keys: Sequence[str], reserved: float, usd: float) -> None:
        """Let go of what was set aside and count what it cost."""
        for key in keys:
            left = self.reserved.get(key, 0.0) - reserved
            if left > _DUST:
                self.reserved[key] = left
            else:
                self.reserved.pop(key, None)
            self.spent[key] = self.spent.get(key, 0.0) + usd
