"""Which session does a job: five ways to find one, in this order, and whether its talk may go on.

    1. the session that the job names
    2. the session of the job's directory, found or born
    for a job that names no directory:
    3. an idle session of the same project with the same backend
    4. an idle session of the same backend and model
    5. a new, ephemeral one

It knows records, not actors, and looks at no disk: what stands in a directory comes as facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import Conflict, NotFound
from engine.ids import SessionKey
from engine.records import Worker
from engine.settings import ReuseSettings


class Way(StrEnum):
    """How a session was found."""

    NAMED = "named"
    DIRECTORY = "directory"
    PROJECT = "project"
    BACKEND = "backend"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a job asks of its session."""

    host: str
    session: str = ""
    directory: str = ""  # canonical
    project: str = ""
    backend: str = "shell"
    model: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session's record, with what it last worked for."""

    worker: Worker
    project: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a job goes. `session` may not exist yet when the way is DIRECTORY or NEW."""

    session: str
    way: Way
    persistent: bool


def route(wanted: Wanted, candidates: Iterable[Candidate]) -> Route:
    """Choose a session; among equals the one used last, whose memory is freshest.

    Raises:
        NotFound: the job names a session that there is not.
        Conflict: the job names a session and a directory that is not the session's.
    """
    living = [one for one in candidates if one.worker.state != "retired"]
    if wanted.session:
        return _named(wanted, living)
    if wanted.directory:
        key = SessionKey(host=wanted.host, directory=wanted.directory)
        return Route(key.name, Way.DIRECTORY, persistent=True)
    taken = {one.worker.name for one in living}
    idle = [
        one
        for one in sorted(living, key=lambda one: (-one.worker.used_at, one.worker.name))
        if one.worker.state == "idle"
        and one.worker.host == wanted.host
        and one.worker.backend == wanted.backend
    ]
    for one in idle:
        if wanted.project and one.project == wanted.project:
            return _to(one, Way.PROJECT)
    for one in idle:
        if not one.worker.directory and one.model == wanted.model:
            return _to(one, Way.BACKEND)
    return Route(_fresh(wanted.backend, taken), Way.NEW, persistent=False)


def _named(wanted: Wanted, living: Iterable[Candidate]) -> Route:
    for one in living:
        if one.worker.name == wanted.session:
            if wanted.directory and one.worker.directory != wanted.directory:
                raise Conflict(
                    f"The session {wanted.session} works in {one.worker.directory}, not in "
                    f"{wanted.directory}.",
                    remedy="Name the session or the directory, not both.",
                )
            return _to(one, Way.NAMED)
    raise NotFound(
        f"There is no session {wanted.session}.", remedy="See which there are: helio worker list"
    )


def _to(one: Candidate, way: Way) -> Route:
    return Route(one.worker.name, way, persistent=one.worker.persistent)


def _fresh(backend: str, taken: set[str]) -> str:
    place = 0
    while (name := f"session/pool-{backend}-{place}") in taken:
        place += 1
    return name


class Unfit(StrEnum):
    """Why an agent's conversation cannot go on."""

    MISSING = "missing"
    MOVED = "moved"
    TOO_LARGE = "too_large"
    TOO_OLD = "too_old"
    WORN = "worn"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What was found of a conversation on disk. `directory` is the one recorded inside it."""

    there: bool
    directory: str = ""
    size_bytes: int = 0
    age_s: float = 0
    reuses: int = 0
    context_fill: float = 0


@dataclass(frozen=True, slots=True)
class ReuseVerdict:
    """Whether to go on with a conversation; if not, begin afresh from the checkpoint.

    `ask_owner`: a directory that moved is a question, never a silent new session.
    """

    unfit: Unfit | None = None
    reason: str = ""
    ask_owner: bool = False

    @property
    def reusable(self) -> bool:
        """Whether the conversation goes on."""
        return self.unfit is None


def judge_reuse(talk: Talk, directory: str, limits: ReuseSettings) -> ReuseVerdict:
    """Check a conversation before it is resumed in a directory; the first objection counts."""
    if not talk.there:
        return ReuseVerdict(Unfit.MISSING, "Its file is not there.")
    if talk.directory != directory:
        told = f"It was held in {talk.directory}, not in {directory}."
        return ReuseVerdict(Unfit.MOVED, told, ask_owner=True)
    objections = (
        (talk.size_bytes > limits.size_bytes, Unfit.TOO_LARGE, f"It has {talk.size_bytes} bytes."),
        (talk.age_s > limits.age_s, Unfit.TOO_OLD, f"It is {talk.age_s:.0f} s old."),
        (talk.reuses >= limits.times, Unfit.WORN, f"It was resumed {talk.reuses} times."),
        (
            talk.context_fill > limits.context_fill,
            Unfit.FULL,
            f"Its context is {talk.context_fill:.0%} full.",
        ),
    )
    return next(
        (ReuseVerdict(unfit, reason) for applies, unfit, reason in objections if applies),
        ReuseVerdict(),
    )
