"""What a provider's refusal means: status, headers and body become a `Fault`.

Providers say the same thing in many ways, and some say a thing with the wrong status: Anthropic
an empty purse with 400, Google a wrong key with 400 and a burst with the word quota, OpenRouter
a rate limit inside a 200. So the body's code is asked first, its text second, the status last.
Keys that an error echoes are hidden. Pure; it opens no socket and reads no secret by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.redaction import hide, hide_json, needles
from routing.conversation import Dialect
from routing.faults import Fault, FaultKind
from routing.translate.dialects import DIALECTS

_TEXT_CHARS = 2000
_BAD_REQUEST = 400
_TOO_MANY = 429

# What a body's code says, whatever the status.
_CODES: Mapping[str, FaultKind] = {
    "context_length_exceeded": FaultKind.CONTEXT,
    "insufficient_quota": FaultKind.QUOTA,
    "billing_error": FaultKind.QUOTA,
    "billing_not_active": FaultKind.QUOTA,
    "billing_hard_limit_reached": FaultKind.QUOTA,
    "usage_limit_reached": FaultKind.QUOTA,
    "usage_not_included": FaultKind.QUOTA,
    "rate_limit_exceeded": FaultKind.RATE_LIMIT,
    "rate_limit_error": FaultKind.RATE_LIMIT,
    "overloaded_error": FaultKind.OVERLOADED,
    "slow_down": FaultKind.OVERLOADED,
    "invalid_api_key": FaultKind.AUTH,
    "account_deactivated": FaultKind.AUTH,
    "authentication_error": FaultKind.AUTH,
    "model_not_found": FaultKind.NOT_FOUND,
    "content_filter": FaultKind.CONTENT,
    "content_policy_violation": FaultKind.CONTENT,
}

# Larger than a minute's tokens: waiting never helps, another model may.
_TOO_LARGE = r"request too large|reduce the length"
_TOO_LONG = (
    r"prompt is too long|exceeds? (?:the )?(?:model'?s )?(?:maximum )?context|"
    r"maximum context length|context (?:length|window|limit)|input is too long|"
    r"input token count.{0,40}exceeds|too many (?:input )?tokens|"
    r"exceeds the maximum number of (?:input )?tokens"
)
_NO_MONEY = (
    r"credit balance|insufficient (?:balance|credits?|funds)|credits are depleted|"
    r"out of credits?|key limit exceeded|billing hard limit|usage limit"
)
_WRONG_KEY = r"api[ _]key not valid|API_KEY_INVALID|invalid api key|organization has been disabled"
_NO_MODEL = (
    r"not a valid model|model (?:does )?not exist|unknown model|invalid model|"
    r"model [`'\"]?[\w./:-]+[`'\"]? (?:(?:is |was )?not found|does not exist)|"
    r"[`'\"] model is not supported"
)
_NOT_SAID = r"content (?:policy|filter|management)|flagged|moderation"

# What a text says, for these statuses only. The first match counts.
_TEXTS: Sequence[tuple[frozenset[int], re.Pattern[str], FaultKind]] = tuple(
    (frozenset(statuses), re.compile(pattern, re.IGNORECASE), kind)
    for statuses, pattern, kind in (
        ((413, 429), _TOO_LARGE, FaultKind.CONTEXT),
        ((400, 413, 422, 500), _TOO_LONG, FaultKind.CONTEXT),
        ((400, 402, 403, 429), _NO_MONEY, FaultKind.QUOTA),
        ((400,), _WRONG_KEY, FaultKind.AUTH),
        ((400,), _NO_MODEL, FaultKind.NOT_FOUND),
        ((400, 403), _NOT_SAID, FaultKind.CONTENT),
    )
)

_STATUSES: Mapping[int, FaultKind] = {
    401: FaultKind.AUTH,
    402: FaultKind.QUOTA,
    403: FaultKind.AUTH,
    404: FaultKind.NOT_FOUND,
    405: FaultKind.NOT_FOUND,
    408: FaultKind.TIMEOUT,
    409: FaultKind.SERVER,
    413: FaultKind.CONTEXT,
    429: FaultKind.RATE_LIMIT,
    503: FaultKind.OVERLOADED,
    504: FaultKind.TIMEOUT,
    529: FaultKind.OVERLOADED,
}


def classify(
    dialect: Dialect, status: int, headers: Mapping[str, str], raw: bytes, secret: str = ""
) -> Fault:
    """Give the fault that a provider's error answer is; `headers` are lower-cased."""
    body = _object(raw)
    code, message = DIALECTS[dialect].read_error(status, body)
    said = " ".join(raw[:_TEXT_CHARS].decode(errors="replace").split())
    kind = _kind(status, headers, body, (code, message or said))
    hidden = needles([secret])
    worded = message or (said if body else f"status {status} without a reason")
    return Fault(
        kind,
        hide(worded[:_TEXT_CHARS], hidden),
        status=status,
        headers=headers,
        body=hide_json(body or {"text": said}, hidden),
    )


def without_secret(fault: Fault, secret: str) -> Fault:
    """Give a fault that a decoder found, with the key that the provider echoed hidden."""
    hidden = needles([secret])
    fault.message = hide(fault.message[:_TEXT_CHARS], hidden)
    fault.body = hide_json(dict(fault.body), hidden)
    return fault


def inner_status(raw: bytes) -> int:
    """Give the status of an error that came with a good status; 0 if there is none."""
    error = _object(raw).get("error")
    if not error:
        return 0
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, int) and code >= _BAD_REQUEST else 500


def _kind(
    status: int, headers: Mapping[str, str], body: Mapping[str, Any], told: tuple[str, str]
) -> FaultKind:
    if status < _BAD_REQUEST:
        return FaultKind.MALFORMED  # a redirect, which would carry the key elsewhere
    if headers.get("anthropic-ratelimit-unified-status") == "rejected" and status == _TOO_MANY:
        return FaultKind.QUOTA
    code, text = told
    by_text = _by_text(status, text)
    if by_text in (FaultKind.CONTEXT, FaultKind.QUOTA):
        return by_text
    return _by_code(code, body) or by_text or _by_status(status, body)


def _by_code(code: str, body: Mapping[str, Any]) -> FaultKind | None:
    """Look a code up, also in the places where not every dialect reads it."""
    error = body.get("error")
    places = (error, error.get("metadata")) if isinstance(error, Mapping) else ()
    named = [code] + [
        str(place.get(field, ""))
        for place in places
        if isinstance(place, Mapping)
        for field in ("code", "type", "error_type")
    ]
    return next((_CODES[one] for one in named if one in _CODES), None)


def _by_text(status: int, text: str) -> FaultKind | None:
    for statuses, pattern, kind in _TEXTS:
        if status in statuses and pattern.search(text):
            return kind
    return None


def _by_status(status: int, body: Mapping[str, Any]) -> FaultKind:
    """Judge by the status. A 403 that is no JSON comes from the edge, not from the key's keeper."""
    if status == 403 and not body:
        return FaultKind.SERVER
    fallback = FaultKind.SERVER if status >= 500 else FaultKind.REFUSED
    return _STATUSES.get(status, fallback)


def _object(raw: bytes) -> dict[str, Any]:
    """Read an error's JSON; Google wraps the one object of a stream's error into a list."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    if isinstance(body, list) and body:
        body = body[0]
    return body if isinstance(body, dict) else {}
