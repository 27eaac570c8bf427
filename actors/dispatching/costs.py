"""Questions about model calls and what they cost, answered from the main store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from actors.dispatching.bodies import Body, read
from actors.dispatching.views import page, record_view
from engine.ports import Tables
from engine.records import Call, Spend
from engine.settings import Settings

_PAGE = 1000
_SUMS = ("calls", "failed", "usd", "turns", "input", "output", "cache_read")
_FIRST_DAY, _LAST_DAY = "0000-00-00", "9999-99-99"
OF_A_JOB = 100  # calls that a job's page shows


class CostSum(Body):
    """By what to add up, and of which days (ISO dates, both included)."""

    by: Literal["project", "model", "day", "worker", "provider"] = "day"
    since: str = Field("", pattern=r"^(\d{4}-\d\d-\d\d)?$")
    until: str = Field("", pattern=r"^(\d{4}-\d\d-\d\d)?$")
    project: str = ""


class CallList(Body):
    """Which calls, from where on."""

    job: str = ""
    cursor: str = ""
    limit: int = Field(50, ge=1)


def cost_sum(tables: Tables, body: Mapping[str, Any], _: Settings) -> dict[str, Any]:
    """Add up what was spent."""
    wanted = read(CostSum, body)
    sums: dict[str, dict[str, Any]] = {}
    total: dict[str, Any] = dict.fromkeys(_SUMS, 0)
    for row in _days(tables, wanted.since or _FIRST_DAY, wanted.until or _LAST_DAY):
        if wanted.project and row.project != wanted.project:
            continue
        key = getattr(row, wanted.by)
        group = sums.setdefault(key, {"key": key} | dict.fromkeys(_SUMS, 0))
        for name in _SUMS:
            group[name] += getattr(row, name)
            total[name] += getattr(row, name)
    items = sorted(sums.values(), key=lambda group: _order(wanted.by, group))
    return {"by": wanted.by, "items": items, "total": total}


def call_list(tables: Tables, body: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """List model calls, of one job or of all, by id."""
    wanted = read(CallList, body)
    limit = min(wanted.limit, settings.limits.page)
    equals: dict[str, Any] = {"job": wanted.job} if wanted.job else {}
    rows = tables.find(Call, after=wanted.cursor or None, limit=limit, **equals)
    return page([record_view(row) for row in rows], limit)


def calls_of(tables: Tables, job_id: str) -> list[dict[str, Any]]:
    """Give a job's first calls as its page shows them."""
    rows = tables.find(Call, job=job_id, limit=OF_A_JOB)
    return [record_view(row) for row in sorted(rows, key=lambda row: (row.at, row.id))]


def _days(tables: Tables, since: str, until: str) -> Iterator[Spend]:
    """Give the sums of these days; keys begin with their day, so nothing else is read."""
    after = since
    while rows := tables.find(Spend, after=after, limit=_PAGE):
        for row in rows:
            if row.day > until:
                return
            yield row
        after = rows[-1].id


def _order(by: str, group: Mapping[str, Any]) -> tuple[Any, ...]:
    """Days in their order, all else by what it cost."""
    return (group["key"],) if by == "day" else (-group["usd"], -group["calls"], group["key"])
