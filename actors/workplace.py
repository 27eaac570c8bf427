"""Where a session's orders are done: a directory, a log, a backend, and a clean place after it.

It knows no mailbox, no reports and no clocks. Whatever happens, an order that goes in comes out
as an `Ending`, with nothing of its process tree left.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from actors.backends import BACKENDS
from actors.backends.base import Attempt, Backend, Bench, Lines, SecretSource, Signs
from actors.backends.environment import inherited, marks
from actors.keepers import Keepers
from actors.output import Chunk, LogFile, Recorder, Redactor
from actors.processes import KeptProcess
from actors.sessions.effects import Ending
from engine.errors import Fenced, HelioError, Unavailable, UnknownName
from engine.failures import Cause, Failure
from engine.messages import Order
from engine.outcomes import Failed, Lost
from engine.pools import SHARED
from engine.settings import Settings
from store.home import Home

_LOG = logging.getLogger("heliograph.session")
_PRIVATE_FOLDER = 0o700

Show = Callable[[Order, Chunk], None]


class Secrecy(SecretSource, Protocol):
    """Registered secrets: read for those who may have them, hidden from everybody else."""

    def redactor(self) -> Redactor:
        """Give a new redactor that knows every secret registered by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What all orders of one session share."""

    home: Home
    tag: str
    settings: Settings
    secrecy: Secrecy
    keepers: Keepers
    lines: Lines
    show: Show
    backends: Mapping[str, Backend] = field(default_factory=lambda: BACKENDS)

    def begin(self, order: Order, signs: Signs) -> Work:
        """Prepare to do an order; `Work.run` does it."""
        return Work(self, order, signs)


class Work:
    """One order, from its directory to its ending."""

    def __init__(self, place: Workplace, order: Order, signs: Signs) -> None:
        self._place = place
        self._order = order
        self._signs = signs
        self._attempt: Attempt | None = None
        self._recorder: Recorder | None = None
        self._grace_s: float | None = None
        self._taken: list[KeptProcess] = []
        self._marks = marks(str(place.home.root), place.tag, order)
        log = place.home.log_of(order.job, order.epoch)
        self._log_path = log
        self._scratch = log.with_suffix(".scratch")

    async def run(self) -> Ending:
        """Do the order; returns when nothing of it is left running."""
        try:
            return await self._do()
        except Unavailable as away:
            return _failed(Cause.OTHER, away.detail)
        except Fenced as newer:
            return Ending(Lost(counts=False, message=newer.detail))
        except HelioError as refusal:
            return _failed(Cause.DEPENDENCY, refusal.detail, refusal.remedy)
        except OSError as trouble:
            return _failed(Cause.OTHER, f"The machine refused what the job needs: {trouble}.")
        except Exception as surprise:  # noqa: BLE001  # an order ends, whatever a backend does
            _LOG.exception("A backend met a surprise with %s.", self._order.job)
            return _failed(Cause.OTHER, f"{type(surprise).__name__}: {surprise}")
        finally:
            await self._clean()

    def stop(self, grace_s: float) -> None:
        """Begin to end it, whether it has begun or not."""
        self._grace_s = grace_s if self._grace_s is None else min(grace_s, self._grace_s)
        if self._attempt is not None:
            self._attempt.stop(grace_s)

    async def _do(self) -> Ending:
        order, place = self._order, self._place
        backend = place.backends.get(order.backend)
        if backend is None:
            raise UnknownName(
                f"This worker has no backend named {order.backend!r}.",
                remedy=f"There is: {', '.join(sorted(place.backends))}.",
            )
        self._attempt = backend(order, self._bench())
        if self._grace_s is not None:
            self._attempt.stop(self._grace_s)
        return await self._attempt.run()

    def _bench(self) -> Bench:
        place = self._place
        sizes = place.settings.sessions
        log = LogFile(self._log_path, sizes.output_cap_bytes)
        self._recorder = Recorder(log, sizes.result_bytes, place.secrecy.redactor, self._show_chunk)
        return Bench(
            cwd=self._directory(),
            scratch=self._scratch,
            inherited=inherited(),
            marks=self._marks,
            settings=place.settings,
            secrets=place.secrecy,
            take_keeper=self._take_keeper,
            recorder=self._recorder,
            signs=self._signs,
            home=place.home,
            lines=place.lines,
            hide=self._hide,
        )

    def _hide(self, text: str) -> str:
        redactor = self._place.secrecy.redactor()
        return redactor.feed(text) + redactor.flush()

    def _directory(self) -> str:
        """Give the directory that the order names, or make it a fresh one if it writes."""
        if self._order.cwd or self._order.backend in SHARED:
            return self._order.cwd
        fresh: Path = self._place.home.tasks / self._order.job
        fresh.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        return str(fresh)

    def _show_chunk(self, chunk: Chunk) -> None:
        self._place.show(self._order, chunk)

    def _take_keeper(self) -> KeptProcess:
        keeper = self._place.keepers.take()
        self._taken.append(keeper)
        return keeper

    async def _clean(self) -> None:
        """Leave no process, no open file and no secret behind."""
        texts = [f"{name}={value}" for name, value in self._marks.items()]
        await self._place.keepers.settle(self._taken, texts)
        if self._recorder is not None:
            self._recorder.finish()
        if self._scratch.exists():
            await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)


def _failed(cause: Cause, message: str, remedy: str = "") -> Ending:
    return Ending(Failed(Failure(cause=cause, message=message, remedy=remedy)))
