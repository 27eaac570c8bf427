"""Failures that are told inside a stream: what their codes mean, and what ours are called.

A stream that fails after a good head has no status, only the words of its error object. Codes of
all dialects are read by one table, since providers borrow each other's.
"""

from __future__ import annotations

from collections.abc import Mapping

from routing.faults import Fault, FaultKind
from routing.translate.dialect import Body

# The first entry whose words stand in the code or the message counts.
_WORDS: tuple[tuple[FaultKind, tuple[str, ...]], ...] = (
    (FaultKind.QUOTA, ("insufficient_quota", "billing", "insufficient balance", "credit balance")),
    (FaultKind.CONTEXT, ("context_length", "context window", "prompt is too long")),
    (FaultKind.RATE_LIMIT, ("rate_limit", "rate limit", "too many requests", "resource_exhausted")),
    (FaultKind.OVERLOADED, ("overloaded", "unavailable", "capacity")),
    (FaultKind.AUTH, ("authentication", "permission", "invalid_api_key", "unauthorized")),
    (FaultKind.CONTENT, ("content_filter", "content_policy", "moderation")),
    (FaultKind.NOT_FOUND, ("not_found",)),
    (FaultKind.TIMEOUT, ("timeout", "timed out", "deadline_exceeded")),
    (FaultKind.REFUSED, ("invalid_request", "invalid_argument", "bad_request")),
)
_STATUSES: Mapping[int, FaultKind] = {
    400: FaultKind.REFUSED,
    401: FaultKind.AUTH,
    402: FaultKind.QUOTA,
    403: FaultKind.AUTH,
    404: FaultKind.NOT_FOUND,
    408: FaultKind.TIMEOUT,
    413: FaultKind.CONTEXT,
    422: FaultKind.REFUSED,
    429: FaultKind.RATE_LIMIT,
    503: FaultKind.OVERLOADED,
    504: FaultKind.TIMEOUT,
    529: FaultKind.OVERLOADED,
}
# The status that a failure would have had, had it come before the first byte.
STATUS_OF: Mapping[FaultKind, int] = {
    FaultKind.RATE_LIMIT: 429,
    FaultKind.QUOTA: 429,
    FaultKind.OVERLOADED: 529,
    FaultKind.SERVER: 502,
    FaultKind.CONNECT: 502,
    FaultKind.TIMEOUT: 504,
    FaultKind.CUT: 502,
    FaultKind.MALFORMED: 502,
    FaultKind.AUTH: 502,  # the wrong key is ours, not the client's
    FaultKind.NOT_FOUND: 404,
    FaultKind.CONTEXT: 400,
    FaultKind.REFUSED: 400,
    FaultKind.CONTENT: 400,
    FaultKind.CANCELLED: 499,
}


def told_in_stream(code: str, message: str, body: Body) -> Fault:
    """Make the fault that an error object inside a stream tells of."""
    status = int(code) if code.isascii() and code.isdigit() and len(code) == 3 else 0
    kind = _STATUSES.get(status) or _kind_by_words(f"{code} {message}".lower())
    words = message or "The provider ended the stream with an error and gave no reason."
    return Fault(kind, words, status=status, body=body)


def _kind_by_words(words: str) -> FaultKind:
    for kind, signs in _WORDS:
        if any(sign in words for sign in signs):
            return kind
    return FaultKind.SERVER


def cut() -> Fault:
    """Make the fault of a stream that ended before its answer did."""
    return Fault(FaultKind.CUT, "The provider's stream ended before the answer was whole.")
