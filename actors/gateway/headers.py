"""The headers of an answer: what was asked, who served it, at what cost; and what is passed on.

Pure. Values are made safe for a header: a client chose some of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from routing.requests import Grant, Skip

STREAM = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}
_SKIPS_CHARS = 2000
_VALUE_CHARS = 256
# A provider's headers that end with its connection, or name an account of the owner's.
_NOT_RETURNED = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding",
        "upgrade", "content-length", "content-encoding", "date", "server", "set-cookie", "alt-svc",
        "strict-transport-security", "via", "anthropic-organization-id", "openai-organization",
        "openai-project", "x-should-retry", "access-control-allow-origin",
        "access-control-allow-credentials", "access-control-expose-headers",
    }
)  # fmt: skip


def of_request(call: str, asked: str, attempts: int, skips: Iterable[Skip]) -> dict[str, str]:
    """Give what is known of a request, whatever becomes of it."""
    told = {
        "x-helio-call": call,
        "x-helio-requested-model": safe(asked),
        "x-helio-attempts": str(attempts),
    }
    if worded := skips_text(skips):
        told["x-helio-skips"] = worded
    return told


def of_grant(grant: Grant) -> dict[str, str]:
    """Give who answers."""
    deployment = grant.candidate.deployment
    told = {
        "x-helio-model": safe(deployment.model),
        "x-helio-provider": safe(deployment.provider),
    }
    return told | {"x-helio-substituted": "true"} if grant.substituted else told


def skips_text(skips: Iterable[Skip]) -> str:
    """Give the skips in short: ``slot=reason;slot=reason``, with +N for those left out."""
    parts: list[str] = []
    room = _SKIPS_CHARS
    left = 0
    for skip in skips:
        part = f"{safe(str(skip.slot))}={skip.reason}"
        room -= len(part) + 1
        if room < 0:
            left += 1
        else:
            parts.append(part)
    return ";".join([*parts, f"+{left}"] if left else parts)


def returned(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the provider's headers that a relayed answer keeps."""
    return {name: value for name, value in headers.items() if name not in _NOT_RETURNED}


def safe(text: str) -> str:
    """Give a text that may stand in a header."""
    cut = text[:_VALUE_CHARS]
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in cut)
