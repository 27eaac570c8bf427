"""What the desk tells of conversations: which there are, and their turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.dispatching.bodies import ConversationList, TurnList, read
from actors.dispatching.views import page, record_view
from engine.ports import Tables
from engine.records import Conversation
from engine.settings import Settings
from store.verbs.turns import newest_turns


def turn_list(tables: Tables, body: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """List the last turns of a conversation, oldest first; `next_cursor` leads to older ones."""
    wanted = read(TurnList, body)
    limit = min(wanted.limit, settings.limits.page)
    rows = newest_turns(tables, wanted.key, wanted.cursor, limit)
    more = len(rows) == limit
    return {
        "items": [record_view(row) for row in rows],
        "next_cursor": rows[0].id if more else None,
    }


def conversation_list(
    tables: Tables, body: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """List kept conversations by project and name."""
    wanted = read(ConversationList, body)
    limit = min(wanted.limit, settings.limits.page)
    equals: dict[str, Any] = {"project": wanted.project} if wanted.project else {}
    rows = tables.find(Conversation, after=wanted.cursor or None, limit=limit, **equals)
    return page([record_view(row) for row in rows], limit)
