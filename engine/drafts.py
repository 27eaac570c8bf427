"""A batch of promises that is not stored yet: what compiles from requests and pipelines.

Keys are local names inside one batch; a reference is a key of the same batch or the id of a
promise that is already stored. Since stored promises never gain parents later, a batch without
a cycle keeps the whole stored graph without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.jobs import EdgeKind, GroupMode, JobKind, Lane


@dataclass(frozen=True, slots=True)
class Need:
    """Wait for `ref` (key or id); `on` is SUCCESS or SETTLED."""

    ref: str
    on: EdgeKind = EdgeKind.SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One promise to be. `spec` is stored as it stands; its shape is `engine.specs.Spec`.

    `members` (keys or ids) are for groups only. `root` is the key of the pipeline's RUN group,
    whose member this draft then is. A draft whose spec has a `map` is a group that gets its
    members when its needs are at rest.
    """

    key: str
    kind: JobKind = JobKind.TASK
    name: str = ""
    project: str = ""  # empty: found from the directory, else "default"
    lane: Lane = Lane.P2
    backend: str = "shell"
    mode: GroupMode | None = None
    step: str = ""
    cwd: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    members: tuple[str, ...] = ()
    root: str = ""
    run_at: int = 0
    retry_of: str = ""
    source: str = "api"
    trust: str = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Drafts that are stored together or not at all.

    `digest` (sha256 of the canonical request) tells a repeated key from a misused one.
    """

    drafts: tuple[Draft, ...]
    idem_key: str = ""
    digest: str = ""
