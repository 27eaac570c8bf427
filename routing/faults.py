"""How a call to a provider can fail, and what each failure says about whom.

One small catalogue that the transports fill in, the waterfall judges by and the gateway words.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Reach(StrEnum):
    """How far a fault reaches: what must not be asked again for a while."""

    NOTHING = "nothing"  # the request itself is at fault, or nobody is
    MODEL = "model"  # this model with this key
    KEY = "key"  # every model of this key
    PROVIDER = "provider"  # counted by the provider's breaker


class FaultKind(StrEnum):
    """The classes of failure that we can tell apart."""

    RATE_LIMIT = "rate_limit"  # 429
    QUOTA = "quota"  # 429 or 402 that says: out of credit, plan used up, unified limit rejected
    OVERLOADED = "overloaded"  # 529, 503
    SERVER = "server"  # other 5xx
    CONNECT = "connect"  # refused, DNS, TLS, no connection in time
    TIMEOUT = "timeout"  # no first byte, or silence in mid-stream
    CUT = "cut"  # the connection ended before the answer did
    MALFORMED = "malformed"  # not the JSON or the stream that the dialect promises
    AUTH = "auth"  # 401, 403: a wrong key
    NOT_FOUND = "not_found"  # 404: no such model there
    CONTEXT = "context"  # the prompt is too long for this model
    REFUSED = "refused"  # 400, 422: the request is wrong everywhere
    CONTENT = "content"  # the provider's policy refuses the content
    CANCELLED = "cancelled"  # our own client went away


REACH: Mapping[FaultKind, Reach] = {
    FaultKind.RATE_LIMIT: Reach.MODEL,
    FaultKind.QUOTA: Reach.KEY,
    FaultKind.OVERLOADED: Reach.PROVIDER,
    FaultKind.SERVER: Reach.PROVIDER,
    FaultKind.CONNECT: Reach.PROVIDER,
    FaultKind.TIMEOUT: Reach.PROVIDER,
    FaultKind.CUT: Reach.PROVIDER,
    FaultKind.MALFORMED: Reach.PROVIDER,
    FaultKind.AUTH: Reach.KEY,
    FaultKind.NOT_FOUND: Reach.MODEL,
    FaultKind.CONTEXT: Reach.NOTHING,
    FaultKind.REFUSED: Reach.NOTHING,
    FaultKind.CONTENT: Reach.NOTHING,
    FaultKind.CANCELLED: Reach.NOTHING,
}

# After these the next candidate is tried; after the others the client is told.
MOVES_ON = frozenset(set(FaultKind) - {FaultKind.REFUSED, FaultKind.CONTENT, FaultKind.CANCELLED})


class Fault(Exception):
    """One failed call: raised by transports, judged and handed on as a value.

    `headers` are the provider's, lower-cased, for `routing.limits`. `body` is its error object
    (or its text under "text"), for the client that speaks the same dialect.
    """

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *,
        status: int = 0,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.headers = headers or {}
        self.body = body or {}

    @property
    def reach(self) -> Reach:
        """What must not be asked again for a while."""
        return REACH[self.kind]

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"
