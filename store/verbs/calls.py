"""Take what the router's ledger tells: finished model calls, and what closed or opened.

Each fact has its place in the ledger, and how far this store has come stands in the same
transaction as what the facts did: however often they are sent, each counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.events import EventKind
from engine.jobs import Job, Reason
from engine.moments import US_PER_S
from engine.records import Call, Cursor, Spend
from engine.rows import replace
from store.verbs.timers import hasten
from store.work import Work

Fact = Mapping[str, Any]
OUTSIDE = "owner"  # whose the calls are that no session made
_COLUMNS = tuple(column.name for column in fields(Call))
_FOR_MODELS = frozenset({Reason.RATE_LIMIT, Reason.BUDGET})
_NOTICES = {
    "closed": EventKind.MODEL_CLOSED,
    "opened": EventKind.MODEL_OPENED,
    "budget": EventKind.BUDGET_REACHED,
}
# What the event tells of a call; the whole of it is the row.
_TOLD = (
    "id", "epoch", "session", "backend", "asked", "model", "served", "provider", "tier", "ok",
    "fault", "status", "spill", "hedge", "substituted", "usd", "input", "output", "took_us",
    "first_byte_us", "purpose",
)  # fmt: skip


def take_calls(work: Work, ledger: str, facts: Sequence[tuple[int, Fact]]) -> int:
    """Write the facts behind those taken before; give how far the ledger is taken now."""
    cursor = work.record(Cursor, f"router:{ledger}") or Cursor(id=f"router:{ledger}")
    fresh = [fact for seq, fact in facts if seq > cursor.seq]
    known = work.jobs(str(fact["job"]) for fact in fresh if fact.get("job"))
    for fact in fresh:
        if fact["kind"] == "call":
            _take_call(work, fact, known.get(str(fact.get("job", ""))))
        else:
            _take_notice(work, fact)
    if fresh:
        cursor = replace(cursor, seq=max(seq for seq, _ in facts))
        work.save(cursor)
    return cursor.seq


def _take_notice(work: Work, fact: Fact) -> None:
    told = {key: value for key, value in fact.items() if key != "kind"}
    work.tell(_NOTICES[fact["kind"]], str(fact.get("slot") or "router"), **told)
    if fact["kind"] == "opened" and fact.get("by") == OUTSIDE:
        hasten(work, _FOR_MODELS)


def _take_call(work: Work, fact: Fact, job: Job | None) -> None:
    call = Call(**{name: fact[name] for name in _COLUMNS if name in fact})
    work.save(call, _added(work, call))
    data: dict[str, Any] = {name: getattr(call, name) for name in _TOLD}
    data["skips"] = [skip["reason"] for skip in call.skips]
    work.tell(EventKind.MODEL_CALLED, call.job or "router", call.project, **data)
    now = work.jobs([job.id]).get(job.id) if job else None
    if now is not None and call.usd and not now.state.terminal:  # what is at rest never changes
        work.put(replace(now, cost_usd=now.cost_usd + call.usd))


def _added(work: Work, call: Call) -> Spend:
    zone = ZoneInfo(work.settings.house.time_zone)
    day = datetime.fromtimestamp(call.at / US_PER_S, zone).date().isoformat()
    worker = call.session or OUTSIDE
    key = f"{day}|{call.project}|{call.model}|{call.provider}|{worker}"
    row = work.record(Spend, key) or Spend(
        id=key,
        day=day,
        project=call.project,
        model=call.model,
        provider=call.provider,
        worker=worker,
    )
    return replace(
        row,
        calls=row.calls + 1,
        failed=row.failed + (not call.ok),
        usd=row.usd + call.usd,
        turns=row.turns + call.turns,
        input=row.input + call.input,
        output=row.output + call.output,
        cache_read=row.cache_read + call.cache_read,
    )
