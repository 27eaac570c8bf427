"""Which house a command speaks to: the home chosen by --home or the environment.

The choice is made once, by the root command, and read by every other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from engine.errors import HelioError
from interfaces.client import Client
from store.config import find_home
from store.home import Home

_CHOSEN: ContextVar[Home | None] = ContextVar("helio_home", default=None)


def choose(home: str) -> None:
    """Remember the home named on the command line; empty means the environment's."""
    _CHOSEN.set(Home.at(home) if home else None)


def home() -> Home:
    """Give the home of this command."""
    return _CHOSEN.get() or find_home()


@contextmanager
def client() -> Iterator[Client]:
    """Open the client of this command's house, and close it."""
    opened = Client.of(home())
    try:
        yield opened
    finally:
        opened.close()


def names(word: str, key: str, incomplete: str) -> list[str]:
    """Offer names for shell completion; silent where no house answers."""
    try:
        with client() as desk:
            items = desk.ask(word, {"limit": 50} if word == "job.list" else {})["items"]
    except HelioError:
        return []
    return [name for item in items if (name := str(item[key])).startswith(incomplete)]
