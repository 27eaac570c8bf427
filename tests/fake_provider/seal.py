"""Signatures and sealed reasoning: a token is good only if this program made it for that use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

_KEY = b"the fake provider's own"


def sign(use: str, text: str) -> str:
    """Give the signature of a text for one use."""
    mac = hmac.new(_KEY, f"{use}\0{text}".encode(), hashlib.sha256).digest()
    return base64.b64encode(mac * 2).decode()


def signed(use: str, text: str, token: str) -> bool:
    """Whether `sign` gave this token for this use and text."""
    return hmac.compare_digest(sign(use, text).encode(), token.encode())


def seal(use: str, value: Any) -> str:
    """Give a token that holds a value, readable by `opened` alone."""
    text = json.dumps(value, sort_keys=True)
    return base64.b64encode(json.dumps([use, text, sign(use, text)]).encode()).decode()


def opened(use: str, token: str) -> bool:
    """Whether `seal` gave this token for this use."""
    plain = token.replace("-", "+").replace("_", "/")  # Google's client writes base64 so
    try:
        named, text, mac = json.loads(base64.b64decode(plain, validate=True))
    except (ValueError, binascii.Error, TypeError):
        return False
    return named == use and signed(use, text, mac)
