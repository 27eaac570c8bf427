"""Give a `map` group its members, once its list is known: all in one transaction."""

from __future__ import annotations

from typing import Any

from engine.drafts import Draft
from engine.errors import BadInput, PayloadTooLarge
from engine.jobs import Edge, EdgeKind, Job, JobKind, Lane, lane_named
from engine.rows import replace
from engine.templates import render_value
from store.verbs.plant import plant
from store.verbs.values import values_of
from store.work import Work


def expand(work: Work, group: Job) -> Job:
    """Insert one child for each item and give the group as it then stands.

    Raises:
        BadInput: the list is not a list.
        PayloadTooLarge: it has more items than the settings allow.
    """
    mapping = group.spec["map"]
    items = render_value(mapping["over"], values_of(work, group))
    _check(items, work.settings.limits.map_items)
    template = mapping["template"]
    drafts = [_child(group, template, n, item) for n, item in enumerate(items)]
    ids = plant(work, drafts)
    edges = [
        Edge(child=group.id, parent=ids[draft.key], kind=EdgeKind.MEMBER, idx=n)
        for n, draft in enumerate(drafts)
    ]
    work.link(edges)
    return work.put(replace(group, open_deps=len(edges)))


def _check(items: object, limit: int) -> None:
    if not isinstance(items, list):
        raise BadInput(
            f"`map` needs a JSON list and got {type(items).__name__}.",
            remedy="Let the step before print one JSON list, or give an input of type list.",
        )
    if len(items) > limit:
        raise PayloadTooLarge(
            f"`map` got {len(items)} items; at most {limit} are allowed.",
            remedy="Split the list, or raise limits.map_items.",
        )


def _child(group: Job, template: dict[str, Any], index: int, item: Any) -> Draft:
    lane = template.get("lane")
    inherited = {key: group.spec[key] for key in ("inputs", "refs") if key in group.spec}
    return Draft(
        key=f"{group.step or 'map'}[{index}]",
        kind=JobKind.TASK,
        name=f"{template.get('name') or group.name}[{index}]",
        project=group.project,
        lane=lane_named(lane) if lane else Lane(group.lane),
        backend=template.get("backend", "shell"),
        step=f"{group.step}[{index}]",
        cwd=template.get("cwd") or group.cwd,
        spec=dict(template["spec"]) | inherited | {"index": index, "item": item},
        root=group.root,
        source=group.source,
        trust=group.trust,
    )
