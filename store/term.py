"""The dispatcher's own fence: a term that rises at each start and is never given twice."""

from __future__ import annotations

from dataclasses import replace

from engine.ports import Store, Tables
from engine.records import Shard


def begin_term(store: Store, shard: int = 0) -> int:
    """Raise the shard's term by one, durably, and give the new one."""

    def act(tables: Tables) -> int:
        row = tables.get(Shard, shard) or Shard(id=shard)
        tables.put(replace(row, term=row.term + 1))
        return row.term + 1

    return store.write(act)
