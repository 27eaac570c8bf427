"""Waiting for a job, and reading its output while it runs.

The server is asked to answer only when there is news (`wait_s`); where it answers at once, the
pace slows from 50 ms to a second. A house that restarts meanwhile is waited for: the job is
durable, so is the wait.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from engine.errors import HelioError, Unavailable
from interfaces.cli import voice
from interfaces.client import Client
from interfaces.views import TERMINAL, View, held_up, short, standing

_LONG_POLL_S = 20.0
_PACE_S = (0.05, 0.1, 0.2, 0.5, 1.0)
INTERRUPTED = 130
_ABSENCE_S = 120.0  # a head restart takes up to 60 s


class WaitTimedOut(HelioError):
    """The time given with --timeout passed; the job goes on."""

    slug, title, status, exit_code = "wait-timed-out", "The wait timed out", 504, 124


class Deadline:
    """A length of time that runs out; 0 never does."""

    def __init__(self, timeout_s: float) -> None:
        self._end = time.monotonic() + timeout_s if timeout_s else float("inf")

    @property
    def left_s(self) -> float:
        """What is left of it, never below 0."""
        return max(0.0, self._end - time.monotonic())


@contextmanager
def interruptible(job: str) -> Iterator[None]:
    """Tell whoever stops watching with Ctrl-C that the job was not stopped, and how to see it."""
    try:
        yield
    except KeyboardInterrupt:
        name = short(job)
        voice.say(f"Only the watching ended: job {name} was not interrupted.")
        voice.say(f"Look: helio job show {name}  Stop it: helio job cancel {name}", "bright_black")
        raise typer.Exit(INTERRUPTED) from None


def watch(
    client: Client, job: str, timeout_s: float = 0, *, look_s: float = _LONG_POLL_S
) -> Iterator[View]:
    """Give the job's view at each look, until one is at rest; `look_s` is the longest pause.

    Raises:
        WaitTimedOut: the time passed first.
        HelioError: a refusal, or a house that stays away.
    """
    deadline = Deadline(timeout_s)
    for look in itertools.count():
        view = _look(client, job, min(look_s, deadline.left_s) if look else 0)
        yield view
        if view["state"] in TERMINAL:
            return
        if not deadline.left_s:
            raise WaitTimedOut(
                f"Job {short(view['id'])} is still {standing(view)}; it goes on.",
                remedy=f"Wait again: helio job wait {short(view['id'])}",
                id=view["id"],
            )
        rest(min(_pace(look), deadline.left_s))


def _look(client: Client, job: str, wait_s: float) -> View:
    question = {"id": job, "wait_s": wait_s}
    return _patiently(lambda: client.ask("job.show", question), _ABSENCE_S if wait_s else 0)


class Teller:
    """Tells on stderr why a job does not go on, once for each standing."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, view: View) -> None:
        """Look at a view, and tell what is new in it."""
        now = standing(view)
        if now not in self._told and (said := held_up(view, voice.now_us())):
            self._told.add(now)
            voice.say(said, "yellow")


def wait_for(client: Client, job: str, timeout_s: float = 0) -> View:
    """Give the view of the job when it is at rest; tells what holds it up meanwhile."""
    tell = Teller()
    view: View = {}
    for view in watch(client, job, timeout_s):
        tell(view)
    return view


def output(
    client: Client,
    job: str,
    *,
    epoch: int = 0,
    follow: bool,
    look_s: float = _LONG_POLL_S,
    idle: Callable[[], None] | None = None,
) -> Iterator[str]:
    """Give the output of a job's attempt piece by piece; follow it until nothing can come.

    With `follow` and no epoch, a later attempt is followed as well, from its beginning. Whenever
    nothing came for `look_s`, `idle` is called.
    """
    offset, at, quiet = 0, epoch, 0
    for look in itertools.count():
        piece = _read(client, job, at, offset, look_s if follow and look else 0)
        at, offset = int(piece["epoch"]), int(piece["next_offset"])
        newest = int(piece.get("newest_epoch") or at)
        if piece["text"]:
            quiet = 0
            yield str(piece["text"])
        elif not epoch and newest > at:
            at, offset = newest, 0
        elif not follow or piece.get("at_rest"):
            return
        else:
            if idle is not None and quiet:
                idle()
            rest(_pace(quiet))
            quiet += 1


def _read(client: Client, job: str, epoch: int, offset: int, wait_s: float) -> dict[str, Any]:
    def question() -> dict[str, Any]:
        return client.log(job, epoch=epoch, offset=offset, wait_s=wait_s)

    return _patiently(question, _ABSENCE_S if wait_s else 0)


def _patiently(question: Callable[[], dict[str, Any]], absence_s: float) -> dict[str, Any]:
    """Ask again while the house is away, as it is during a restart; 0 asks once."""
    away = Deadline(absence_s)
    for look in itertools.count():
        try:
            return question()
        except Unavailable:
            if not absence_s or not away.left_s:
                raise
            rest(_pace(look))
    raise AssertionError("count() does not end")


def _pace(look: int) -> float:
    return _PACE_S[min(look, len(_PACE_S) - 1)]


def rest(seconds: float) -> None:
    """Let time pass between two looks; Ctrl-C ends it."""
    threading.Event().wait(seconds)
