"""Who is behind a key: one incarnation of a session, at one epoch of a job. Only hashes are kept.

A key dies when it is released, when a newer incarnation of its session binds, and when a higher
epoch of its job does; and what was superseded can never bind again. Every change is given as
entries for the ledger. It knows no file and no socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.errors import BadInput, Fenced
from engine.jobs import lane_named
from routing.ports import Entry, EntryKind, Restored
from routing.requests import Who

_SHORTEST_KEY = 20
_REMEMBERED = 16  # superseded incarnations of a session that are known by name
_WHO: TypeAdapter[Who] = TypeAdapter(Who)
_NAMES = frozenset(field.name for field in fields(Who))


def who_from(body: Mapping[str, Any]) -> Who:
    """Read a `Who` from its JSON; a lane may be given by its number or its name.

    Raises:
        BadInput: it is none.
    """
    if unknown := sorted(set(body) - _NAMES):
        raise BadInput(f"Nobody is described by {', '.join(unknown)}.")
    lane = body.get("lane")
    try:
        return _WHO.validate_python(
            {**body, "lane": lane_named(lane)} if isinstance(lane, str) else dict(body)
        )
    except ValidationError as fault:
        wrong = "; ".join(f"{error['loc'][0]}: {error['msg']}" for error in fault.errors())
        raise BadInput(f"That does not say on whose behalf a key is used: {wrong}.") from fault


def hash_of(key: str) -> str:
    """Give what is kept of a key.

    Raises:
        BadInput: it is too short to be a secret.
    """
    if len(key) < _SHORTEST_KEY:
        raise BadInput(
            "The key is too short to be one.", remedy=f"Use {_SHORTEST_KEY} characters or more."
        )
    return _hash(key)


class Bindings:
    """The living keys and the fences, as the ledger remembers them and as they change."""

    def __init__(self, restored: Restored) -> None:
        self._fences = {key: dict(fence) for key, fence in restored.fences.items()}
        known = {key: who_from(who) for key, who in restored.bindings.items()}
        self._living = {key: who for key, who in known.items() if not self.is_fenced(who)}

    def __len__(self) -> int:
        return len(self._living)

    def identify(self, key: str) -> Who | None:
        """Give who is behind a living key."""
        return self._living.get(_hash(key))

    def is_fenced(self, who: Who) -> bool:
        """Whether a newer incarnation of the session or a higher epoch of the job has bound."""
        session = self._fences.get(f"session:{who.session}") if who.session else None
        job = self._fences.get(f"job:{who.job}") if who.job else None
        superseded = session is not None and session["incarnation"] != who.incarnation
        return superseded or (job is not None and job["epoch"] > who.epoch)

    def bind(self, key: str, who: Who) -> list[Entry]:
        """Let a key live; those that it supersedes are dead. Doing it twice changes nothing.

        Raises:
            BadInput: the key is too short.
            Fenced: a newer incarnation of the session, or a higher epoch of the job, was here.
        """
        hashed = hash_of(key)
        self._refuse_superseded(who)
        entries = [*self._raise_session(who), *self._raise_job(who)]
        for old in [old for old, its in self._living.items() if self.is_fenced(its)]:
            del self._living[old]
            entries.append(Entry(EntryKind.UNBOUND, old))
        self._living[hashed] = who
        entries.append(Entry(EntryKind.BINDING, hashed, asdict(who)))
        return entries

    def release(self, key: str) -> tuple[Who | None, list[Entry]]:
        """Let a key die; gives who was behind it. One that is dead already is no error."""
        hashed = _hash(key)
        return self._living.pop(hashed, None), [Entry(EntryKind.UNBOUND, hashed)]

    def _refuse_superseded(self, who: Who) -> None:
        session = self._fences.get(f"session:{who.session}") if who.session else None
        if session is not None and who.incarnation in session["gone"]:
            raise Fenced(
                f"A newer process of {who.session} has taken over; this one gets no key.",
                remedy="Nothing is to be done: the newer one goes on with the job.",
            )
        job = self._fences.get(f"job:{who.job}") if who.job else None
        if job is not None and job["epoch"] > who.epoch:
            raise Fenced(
                f"A newer attempt of job {who.job} is under way; attempt {who.epoch} gets no key.",
                remedy="Nothing is to be done: the newer attempt goes on with the job.",
            )

    def _raise_session(self, who: Who) -> list[Entry]:
        if not who.session:
            return []
        fence = self._fences.get(f"session:{who.session}")
        gone = [] if fence is None else fence["gone"]
        if fence is not None and fence["incarnation"] != who.incarnation:
            gone = [*gone, fence["incarnation"]][-_REMEMBERED:]
        return self._raise(f"session:{who.session}", {"incarnation": who.incarnation, "gone": gone})

    def _raise_job(self, who: Who) -> list[Entry]:
        return self._raise(f"job:{who.job}", {"epoch": who.epoch}) if who.job else []

    def _raise(self, name: str, fence: dict[str, Any]) -> list[Entry]:
        self._fences[name] = fence
        return [Entry(EntryKind.FENCE, name, fence)]


def _hash(key: str) -> str:
    return sha256(key.encode(errors="surrogateescape")).hexdigest()
