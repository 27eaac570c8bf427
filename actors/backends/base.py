"""What a backend is: it knows how to do an order, and how to end it.

A session gives a backend a bench: a directory, warm keepers, a recorder for output, and an ear for
signs of life. What a backend gives back is an `Ending`, and only when nothing of its process tree
is left. Clocks, reports, fences and the mailbox are the session's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from actors.output import Recorder
from actors.processes import KeptProcess
from actors.sessions.effects import Ending
from engine.messages import Order
from engine.ports import Clock, ReportDesk, RouterFace
from engine.settings import Settings
from store.home import Home


class SecretSource(Protocol):
    """Where registered secrets are read; `store.secrets.Secrets` in production."""

    def read(self, name: str) -> str:
        """Give a secret's value.

        Raises:
            NotFound: nobody has set it.
        """


class Signs(Protocol):
    """Whom a backend tells that its work is alive."""

    def started(self, pid: int) -> None:
        """The main process runs."""

    def alive(self, nbytes: int) -> None:
        """It wrote so many bytes, or (0) made progress in another way."""

    def tool(self, *, is_open: bool) -> None:
        """A tool call began or ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Whom an attempt may call, and in whose name: the dispatcher, and the door to models."""

    session: str
    incarnation: str
    clock: Clock
    find_desk: Callable[[], ReportDesk]
    find_router: Callable[[], RouterFace]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything a backend may use for one order."""

    cwd: str
    scratch: Path  # a private directory of this attempt: made when needed, removed after it
    inherited: Mapping[str, str]  # the part of the house's environment that jobs may see
    marks: Mapping[str, str]  # by which a process tells whose it is; nothing overrides them
    settings: Settings
    secrets: SecretSource
    take_keeper: Callable[[], KeptProcess]
    recorder: Recorder
    signs: Signs
    home: Home
    lines: Lines
    hide: Callable[[str], str]  # a whole text without the secrets that are registered by now


class Attempt(Protocol):
    """One order being worked at."""

    async def run(self) -> Ending:
        """Do the work. Returns when the process tree is gone, also after `stop`.

        Raises:
            HelioError: the order cannot be done as it stands; nothing runs.
        """

    def stop(self, grace_s: float) -> None:
        """Begin to end it; a second call may shorten the grace. It may come before `run`."""


Backend = Callable[[Order, Bench], Attempt]
