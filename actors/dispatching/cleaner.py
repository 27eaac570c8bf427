"""Retention at work: one batch a round, in the writer's thread, files after rows."""

from __future__ import annotations

import shutil

from actors.dispatching.desk import Bureau
from engine.errors import Fenced
from engine.ports import Tables
from engine.records import Shard
from store.home import Home
from store.prune import Pruned, prune

_VACUUM_PAGES = 256


def clean(bureau: Bureau, home: Home) -> bool:
    """Remove one batch of what has outlived its retention; True when there is more.

    Raises:
        Fenced: a newer dispatcher writes now.
    """
    now = bureau.clock.moment().steady

    def act(tables: Tables) -> Pruned:
        shard = tables.get(Shard, 0)
        if shard is None or shard.term != bureau.core.term:
            raise Fenced("A newer term has begun.", remedy="Nothing to do.")
        return prune(tables, bureau.settings.store, now)

    pruned = bureau.store.write(act)
    for job_id in pruned.jobs:
        shutil.rmtree(home.log_of(job_id, 0).parent, ignore_errors=True)
        shutil.rmtree(home.tasks / job_id, ignore_errors=True)
    bureau.artefacts.remove(pruned.files)
    if pruned.jobs or pruned.events:
        bureau.store.vacuum(_VACUUM_PAGES)
    return pruned.more
