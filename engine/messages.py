"""What the dispatcher and a session say to each other: orders one way, reports the other.

Both are JSON-safe dicts on the wire and frozen dataclasses in the cores. Every report names the
job and the epoch of the order it answers; the dispatcher drops what is not of the current epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from engine.rows import reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Run this job at this epoch.

    `payload` is the rendered spec: templates are filled in, secrets are still references.
    `cwd` is empty for a fresh directory under the home's ``tasks/``. The clocks are seconds;
    0 switches one off.
    """

    job: str
    epoch: int
    name: str = ""
    backend: str = "shell"
    project: str = ""
    lane: int = 2
    cwd: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    silence_s: float = 900.0
    tool_s: float = 0.0
    total_s: float = 0.0
    resume: Mapping[str, Any] | None = None  # what a waiting job was given: signal or answer

    def to_wire(self) -> dict[str, Any]:
        """Give the JSON object."""
        return _as_dict(self)

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Order:
        """Rebuild an order."""
        return cls(**body)


class ReportKind(StrEnum):
    """What a session can tell about an order."""

    STARTED = "started"  # the process runs
    PROGRESS = "progress"  # output or another sign of life, coalesced
    OUTCOME = "outcome"  # it ended: data is engine.outcomes.to_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One fact about one order."""

    job: str
    epoch: int
    kind: ReportKind
    at: int
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """Give the JSON object."""
        return _as_dict(self) | {"kind": str(self.kind)}

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Report:
        """Rebuild a report."""
        return cls(**(dict(body) | {"kind": ReportKind(body["kind"])}))


_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in (Order, Report)}


def _as_dict(message: Order | Report) -> dict[str, Any]:
    """Give the fields by name. What is inside is JSON already and is not copied."""
    kind = type(message)
    return dict(zip(_NAMES[kind], reader(kind)(message), strict=True))
