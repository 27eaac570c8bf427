"""The borders of the routing cores: the ledger, the transports, and what is durable.

An `Entry` is one fact for the ledger. The core makes entries; the shell makes them durable with
`Ledger.append` before it acts on what they say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from routing.conversation import Answer, Ask, Event
from routing.models import Candidate, Provider


class EntryKind(StrEnum):
    """The kinds of facts in the ledger. `key` and `data` of each are given behind it."""

    STATE = "state"  # str(slot) or "key:P/K" or "provider:P" -> rate-limit and breaker state
    RESERVED = "reserved"  # grant id -> {usd, day, provider, project, job, worker, lane, at}
    CALL = "call"  # grant id -> one finished attempt (see `Call` below); ends its reservation
    BINDING = "binding"  # sha256 of a key -> Who as JSON
    UNBOUND = "unbound"  # sha256 of a key -> {}
    NOTICE = "notice"  # "" -> {kind: closed|opened|budget, slot, until, reason, ...}; is shipped
    TRIPPED = "tripped"  # slot or provider closed by hand -> {until}
    FENCE = "fence"  # "session:NAME" or "job:ID" -> whose keys are dead; for the shell alone
    HOUSE = "house"  # "halted" -> {at, by}; for the shell alone


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact. A later entry of the same kind and key replaces an earlier one; CALL appends.

    Empty data takes the fact back.
    """

    kind: EntryKind
    key: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a ledger remembers: enough for a core to go on as if nothing had happened.

    `calls` are the finished attempts of the last 24 hours, oldest first; `reserved` those
    under way when the last process died.
    """

    states: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tripped: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reserved: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    calls: Sequence[Mapping[str, Any]] = ()
    bindings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    house: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # sums of CALL.usd that still matter: {"day:2026-11-22": usd, "job:ID": usd,
    # "project:NAME:DAY": usd, "provider:NAME:DAY": usd, "worker:NAME:DAY": usd}
    spent: Mapping[str, float] = field(default_factory=dict)


class Ledger(Protocol):
    """The router's own durable file, of which it is the only writer."""

    def restore(self) -> Restored:
        """Read everything; called once, before the first request."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Make entries durable; returns when a power cut cannot lose them. Group commit."""

    @property
    def identity(self) -> str:
        """A name that no other ledger file has: the main store counts `seq` by it."""

    async def unshipped(self, limit: int) -> list[tuple[int, Mapping[str, Any]]]:
        """(seq, fact) of what the main store has not taken yet, oldest first.

        A fact is the JSON of a CALL or NOTICE entry with ``"kind"`` among its keys: call,
        closed, opened or budget.
        """

    async def shipped(self, seq: int) -> None:
        """The main store has taken all up to `seq`."""

    async def rename(self) -> None:
        """Take a new identity: the main store counts further under this one than the file does."""

    def close(self) -> None:
        """Let go of the file."""


# The JSON of one finished attempt (EntryKind.CALL, and the main store's `Call` record):
# {id, request, attempt, at, job, epoch, session, project, lane, backend, asked, model, served,
#  provider, key, family, tier, ok, fault, status, skips: [...], probe, spill, hedge, substituted,
#  usd, usd_known, turns, input, output, cache_read, cache_write, reasoning, first_byte_us,
#  took_us, purpose, dialect}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds: to connect, to the first byte, and of silence after it."""

    connect_s: float = 3.0
    first_byte_s: float = 30.0
    idle_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt, ready to be made. `raw` and `raw_headers` are set for a relay."""

    grant: str
    provider: Provider
    candidate: Candidate
    secret: str  # the key's value; never logged
    ask: Ask
    path: str = ""  # for a relay: the path and query as the client sent them
    raw: bytes = b""
    raw_headers: Mapping[str, str] = field(default_factory=dict)
    timeouts: Timeouts = Timeouts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A complete answer. `raw` holds the provider's own bytes where it was relayed."""

    headers: Mapping[str, str]
    answer: Answer
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a streamed answer: what it means, and its bytes where it is relayed.

    A relayed piece may carry bytes that mean nothing (comments, pings).
    """

    events: tuple[Event, ...] = ()
    raw: bytes = b""


class Stream(Protocol):
    """A streamed answer after its head came. Closing it early ends the call at the provider."""

    headers: Mapping[str, str]

    def pieces(self) -> AsyncIterator[Piece]:
        """Give the pieces as they come.

        Raises:
            Fault: it was cut, fell silent, or is not what the dialect promises.
        """

    async def close(self) -> None:
        """End the call, wherever it stands."""


class Carrier(Protocol):
    """A transport: how a call reaches a provider."""

    async def whole(self, call: Call) -> Whole:
        """Make a call and wait for all of its answer.

        Raises:
            Fault: it failed.
        """

    async def stream(self, call: Call) -> Stream:
        """Make a call; returns when its head has come with a good status.

        Raises:
            Fault: it failed before that.
        """

    async def close(self) -> None:
        """Let go of connections and processes."""
