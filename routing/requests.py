"""What the waterfall is asked and what it answers: plain values.

`Wanted` goes in; a `Grant` (go to this candidate, so much is reserved) or a `Refusal` (nobody
can be asked now, and until when) comes out, each with a `Skip` for every candidate passed over.
Times are microseconds of wall time, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.jobs import Lane
from routing.conversation import Dialect
from routing.models import Ability, Candidate, Slot, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """On whose behalf: what the key of a call stands for. All empty: the owner's own tools."""

    session: str = ""
    incarnation: str = ""
    job: str = ""
    epoch: int = 0
    project: str = "default"
    lane: Lane = Lane.P2
    backend: str = ""
    tier: Tier | None = None  # asked for where the call names no model
    floor: Tier | None = None  # no model below this may answer
    budget_usd: float | None = None  # of this job
    project_usd: float | None = None  # of this project a day; None: as the settings say
    avoid: tuple[str, ...] = ()  # families that must not answer: those a gate reviews
    pinned: bool = False  # only the model that was asked for may answer

    @property
    def worker(self) -> str:
        """Whose budget and whose usual answer length count."""
        return self.session or "owner"


class Purpose(StrEnum):
    """What the call is for: the endpoint it came in by."""

    ANSWER = "answer"
    COUNT = "count"
    EMBED = "embed"
    TRANSCRIBE = "transcribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One request to the waterfall. `tried` grows with each attempt of the same request."""

    id: str
    asked: str  # a model, an alias, a tier; empty: by lane and need
    who: Who
    purpose: Purpose = Purpose.ANSWER
    abilities: frozenset[Ability] = frozenset()
    dialect: Dialect = Dialect.CHAT
    input_tokens: int = 0  # estimated
    max_tokens: int | None = None
    stream: bool = False
    hedgeable: bool = False  # idempotent, without tools
    login: bool = False  # the client brought its own: without it no subscription can be asked
    attempt: int = 1
    tried: frozenset[Slot] = frozenset()
    min_context: int = 0  # raised when a model said that the prompt is too long for it
    only: Slot | None = None  # `helio model test`: this one or none


class SkipReason(StrEnum):
    """Why a candidate was passed over."""

    RATE_LIMITED = "rate_limited"
    BREAKER_OPEN = "breaker_open"
    PROBING = "probing"  # half open, and the one probe is under way or somebody else's
    OVER_BUDGET = "over_budget"
    UNPRICED = "unpriced"
    ADMISSION_FULL = "admission_full"
    RESERVED = "reserved"  # what is left of the limit belongs to P0-P1
    DEFERRED = "deferred"  # background work waits for its first choice instead of spilling
    NO_ABILITY = "no_ability"
    CONTEXT_TOO_SMALL = "context_too_small"
    BELOW_FLOOR = "below_floor"
    SAME_FAMILY = "same_family"
    OTHER_SPACE = "other_space"  # an embedding of another vector space
    PINNED = "pinned"
    DISABLED = "disabled"
    NO_KEY = "no_key"
    TRIED = "tried"
    DIALECT = "dialect"  # a subscription can only be relayed in its own dialect


@dataclass(frozen=True, slots=True)
class Skip:
    """One candidate that was passed over; `until` is 0 where no time is known."""

    slot: Slot
    reason: SkipReason
    until: int = 0
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the JSON object for the record and the headers."""
        return {
            "slot": str(self.slot),
            "reason": str(self.reason),
            "until": self.until,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Go to this candidate. `id` is the attempt's: ``request:attempt``.

    `probe` marks the one call that finds out whether a closed slot is open again; `spill` that
    the candidate is not the first choice. `substituted`: it is not the model that was asked for.
    `hedge_after_us` is set when a second candidate may be asked after so long without a byte.
    """

    id: str
    wanted: Wanted
    candidate: Candidate
    reserved_usd: float
    skips: tuple[Skip, ...] = ()
    probe: bool = False
    spill: bool = False
    substituted: bool = False
    hedge_after_us: int = 0
    granted_at: int = 0


class RefusalKind(StrEnum):
    """Why nobody can be asked."""

    CLOSED = "closed"  # every fitting candidate is closed; `until` says till when
    BUDGET = "budget"  # the money is spent; `until` is when the budget renews, 0 if never
    UNKNOWN_MODEL = "unknown_model"
    NOTHING_CONFIGURED = "nothing_configured"
    UNFIT = "unfit"  # no candidate can do it at all: abilities, context, floor, family
    FAILED = "failed"  # the candidates were tried, and all failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Nobody can be asked now. The message is a sentence with its remedy."""

    kind: RefusalKind
    message: str
    remedy: str = ""
    until: int = 0
    skips: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one attempt turned out to be, told to the core when it is over.

    `usage` is None where the provider did not say: then what was reserved is what it cost.
    `fault` is the kind of failure, empty after a success. Times in microseconds.
    """

    ok: bool
    usage_known: bool = False
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    fault: str = ""
    status: int = 0
    served: str = ""  # the model as the provider named it
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)  # of an error
    first_byte_us: int = 0
    took_us: int = 0
