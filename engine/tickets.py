"""Signed, short-lived proofs that somebody held the token: login links and browser sessions.

A ticket says what it is for and when it ends, and is signed with the token itself, so nobody has
to remember it, any copy of the API can check it, and a rotated token ends them all. It holds no
secret. Time and chance are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum


class Purpose(StrEnum):
    """What a ticket lets its holder do; one for another purpose is worthless."""

    LOGIN = "login"  # begin one browser session
    SESSION = "session"  # be the owner's browser
    FORM = "form"  # prove that a change was asked for by our own page


def seal(key: str, purpose: Purpose, text: str) -> str:
    """Give the signature of a text for a purpose."""
    return hmac.new(key.encode(), f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def issue(key: str, purpose: Purpose, expires_at: int, nonce: str) -> str:
    """Write a ticket that ends at `expires_at` (microseconds, UTC); the nonce tells it apart."""
    text = f"{expires_at:x}.{nonce}"
    return f"{text}.{seal(key, purpose, text)}"


def holds(ticket: str, key: str, purpose: Purpose, now: int) -> bool:
    """Say whether the ticket was signed with this key for this purpose and has not ended."""
    text, _, signature = ticket.rpartition(".")
    if not hmac.compare_digest(signature.encode(), seal(key, purpose, text).encode()):
        return False
    return now < int(text.partition(".")[0], 16)
