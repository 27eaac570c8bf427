"""Accept a batch: all of it or nothing, once for each idempotency key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.drafts import Batch
from engine.errors import IdempotencyMismatch
from engine.records import Idempotency
from store.verbs.plant import plant
from store.work import Work


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ids that a batch got, by key; `replayed` when the key had been used before."""

    ids: Mapping[str, str]
    replayed: bool


def submit(work: Work, batch: Batch) -> Accepted:
    """Store a batch in this transaction.

    Raises:
        IdempotencyMismatch: the key was used for another body.
        NotFound: a draft needs a promise that does not exist.
    """
    if batch.idem_key:
        earlier = work.record(Idempotency, batch.idem_key)
        if earlier is not None:
            return _replay(earlier, batch)
    ids = plant(work, batch.drafts)
    if batch.idem_key:
        work.save(
            Idempotency(
                key=batch.idem_key,
                digest=batch.digest,
                ids=[ids[draft.key] for draft in batch.drafts],
                at=work.moment.steady,
            )
        )
    return Accepted(ids, replayed=False)


def _replay(earlier: Idempotency, batch: Batch) -> Accepted:
    if earlier.digest != batch.digest or len(earlier.ids) != len(batch.drafts):
        raise IdempotencyMismatch(
            f"The idempotency key {batch.idem_key!r} was used for a different request.",
            remedy="Use a new key for a new request.",
        )
    keys = [draft.key for draft in batch.drafts]
    return Accepted(dict(zip(keys, earlier.ids, strict=True)), replayed=True)
