"""Names of things: sortable ids, and the identity of a session.

An id is a ULID (48 bits of milliseconds, 80 bits of chance, Crockford base 32): ids made later
sort later, which keeps index pages warm and lists in order. Time and chance are arguments.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from random import Random

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
ULID_LENGTH = 26
_RANDOM_BITS = 80
_BITS_PER_CHAR = 5
_US_PER_MS = 1000
_HASH_CHARS = 10
_SLUG_CHARS = 24


class IdMint:
    """Makes ULIDs that never sort backwards within one mint, even when the clock does."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._last = 0

    def mint(self, now_us: int) -> str:
        """Give a new id, greater than every id that this mint gave before."""
        drawn = (now_us // _US_PER_MS) << _RANDOM_BITS | self._rng.getrandbits(_RANDOM_BITS)
        self._last = drawn if drawn > self._last else self._last + 1
        return _encode(self._last)


def _encode(number: int) -> str:
    chars = []
    for _ in range(ULID_LENGTH):
        chars.append(_CROCKFORD[number & 31])
        number >>= _BITS_PER_CHAR
    return "".join(reversed(chars))


def slug(text: str) -> str:
    """Reduce text to the lower-case letters, digits and dashes that a name may have."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_SLUG_CHARS] or "root"


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Who a session is: the host and the canonical working directory, nothing else.

    `directory` must already be canonical (realpath); this class cannot look at a disk.
    """

    host: str
    directory: str

    @property
    def digest(self) -> str:
        """First ten hex digits of sha256 over host and directory."""
        text = f"{self.host}\0{self.directory}"
        return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARS]

    @property
    def name(self) -> str:
        """The actor's name, for example ``session/site-web-0f3a9b21cc``."""
        return f"session/{slug(self.directory.rsplit('/', 1)[-1])}-{self.digest}"
