"""The schemas that jobs promise their answers in, checked before anything is stored.

The validator is imported when the first schema comes, and not with the dispatcher.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.compiling import told_of
from engine.drafts import Batch, Draft
from engine.errors import BadInput


def settle_shapes(batch: Batch) -> Batch:
    """Give the batch back if every schema in it can be used.

    Raises:
        BadInput: one cannot; names the job, and the place in its schema.
    """
    for draft in batch.drafts:
        for schema in _schemas(draft):
            _check(draft, schema)
    return batch


def _check(draft: Draft, schema: Mapping[str, Any]) -> None:
    from actors.asking.shape import check_schema  # noqa: PLC0415  # heavy; see above

    try:
        check_schema(schema)
    except BadInput as refusal:
        raise told_of(draft.step or draft.name, refusal) from None


def _schemas(draft: Draft) -> Iterator[Mapping[str, Any]]:
    """Give a task's schema, and that of the children that a `map` will make."""
    template = (draft.spec.get("map") or {}).get("template") or {}
    for spec in (draft.spec, template.get("spec") or {}):
        if "schema" in spec:
            yield spec["schema"]
