"""Turns of conversations: written with the outcome that they came with, read by what goes on.

A turn belongs to a conversation by its `session`: a kept conversation's key, or the name of the
session whose agent speaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.jobs import Job
from engine.pools import talk_key
from engine.ports import Tables
from engine.records import Conversation, Turn
from engine.rows import replace
from store.work import Work


def keep_turns(work: Work, job: Job, told: Sequence[Mapping[str, Any]]) -> None:
    """Append what an accepted outcome adds to its job's conversation, in order."""
    name = job.spec.get("conversation")
    if not told or not name:
        return
    session = talk_key(job.project, name)
    for one in told:
        add_turn(work, Turn(id="", session=session, idx=0, job=job.id, **_columns(one)))
    now = work.moment.steady
    known = work.record(Conversation, session) or Conversation(
        id=session, project=job.project, name=name, created_at=now
    )
    model = next((str(one["model"]) for one in reversed(told) if one.get("model")), known.model)
    work.save(replace(known, turns=known.turns + len(told), model=model, used_at=now))


def add_turn(work: Work, turn: Turn) -> Turn:
    """Append a turn to its session's conversation; its `idx` rises but may skip."""
    idx = work.next_seq()
    placed = replace(turn, id=f"{turn.session}:{idx:015d}", idx=idx, created_at=work.moment.steady)
    work.save(placed)
    return placed


def newest_turns(tables: Tables, session: str, before: str = "", limit: int = 200) -> list[Turn]:
    """Give the last turns of a conversation that stand before the id `before`, oldest first."""
    found = tables.find(Turn, session=session, after=before or None, limit=limit, newest=True)
    return found[::-1]


def _columns(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "role": str(told["role"]),
        "blocks": list(told.get("blocks") or ()),
        "artefact": str(told.get("artefact") or ""),
        "model": str(told.get("model") or ""),
        "usage": dict(told.get("usage") or {}),
    }
