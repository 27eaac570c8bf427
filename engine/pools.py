"""Pools and conversations: what a job occupies when it works in no directory.

A *pool* is the sessions of one backend that belong to no directory. Most do one job at a time;
those of `llm` and `council` start no process and do many at once, even for a job that names a
directory, since they only read there. A kept *conversation* is a key of its own, so that its
jobs go one at a time while they run in the same pool sessions as all others.
"""

from __future__ import annotations

from engine.settings import Settings

POOL, TALK = "pool:", "talk:"
SHARED = frozenset({"llm", "council"})
_SESSION = "session/pool-"


def pool_key(backend: str) -> str:
    """Give the worker key of a backend's pool."""
    return POOL + backend


def talk_key(project: str, conversation: str) -> str:
    """Give the worker key of a kept conversation; its turns are stored under the same name."""
    return f"{TALK}{project or 'default'}/{conversation}"


def capacity(worker_key: str, settings: Settings) -> int | None:
    """How many jobs may hold this key at once; None where only the slots limit it."""
    if worker_key.startswith(POOL):
        return settings.pools.get(worker_key.removeprefix(POOL))
    return 1


def pool_session(backend: str, place: int) -> str:
    """Name a session for jobs without a directory; low places are used first and stay warm."""
    return f"{_SESSION}{backend}-{place}"


def backend_of(session: str) -> str:
    """Give the backend of a pool session's name, empty for the session of a directory."""
    if not session.startswith(_SESSION):
        return ""
    return session.removeprefix(_SESSION).rpartition("-")[0]


def at_a_time(session: str, settings: Settings) -> int:
    """How many orders the session of this name does at once."""
    return settings.llm.at_a_time if backend_of(session) in SHARED else 1
