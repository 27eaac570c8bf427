"""The phases of a start, kept and told: what has happened so far, then each new one.

It knows names and listeners; when a phase is reached, the supervisor says.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

from engine.errors import HelioError
from engine.ports import Clock


class Phase(StrEnum):
    """Where the house stands between `up` and `down`."""

    WAKING = "waking"  # the supervisor holds the lock and reads the settings
    HEAD = "head"  # the Ray head starts
    CREW = "crew"  # the actors start
    DOORS = "doors"  # Ray Serve starts
    READY = "ready"
    DEGRADED = "degraded"  # something died and is being brought back
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"  # it cannot start; the detail says why


LAST = frozenset({Phase.READY, Phase.STOPPED, Phase.FAILED})


class Progress:
    """Remembers the phases since the house was last whole, and wakes those who listen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._past: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._heard = asyncio.Event()

    @property
    def phase(self) -> Phase:
        """Where the house stands now."""
        return Phase(self._past[-1]["phase"]) if self._past else Phase.WAKING

    @property
    def latest(self) -> dict[str, Any]:
        """The last thing told."""
        return self._past[-1] if self._past else {"phase": Phase.WAKING, "detail": "", "at": 0}

    def tell(self, phase: Phase, detail: str, fault: HelioError | None = None) -> dict[str, Any]:
        """Record a phase; what came before the last whole state is forgotten."""
        if self.phase in LAST:
            self._past.clear()
        told: dict[str, Any] = {"phase": phase, "detail": detail, "at": self._clock.now()}
        if fault is not None:
            told["problem"] = fault.as_problem()
        self._past.append(told)
        self._changed.set()
        self._changed = asyncio.Event()
        return told

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """Give the phases so far and each new one, up to the first at which waiting may end."""
        shown: dict[str, Any] | None = None
        while True:
            changed = self._changed
            for told in self._after(shown):
                shown = told
                yield told
                if told["phase"] in LAST:
                    self._heard.set()
                    return
            await changed.wait()

    async def be_heard(self, patience_s: float) -> None:
        """Wait until somebody was told the last phase, but no longer than that."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), patience_s)

    def _after(self, shown: dict[str, Any] | None) -> list[dict[str, Any]]:
        for at, told in enumerate(self._past):
            if told is shown:
                return self._past[at + 1 :]
        return list(self._past)
