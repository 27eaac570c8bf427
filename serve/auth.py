"""Who is calling: the owner by the token, the owner's browser by a session, or nobody.

The token is a file of the home that only its owner may read; it is read again when it changes,
so a rotation takes effect at once and ends every browser session. Sessions are signed tickets in
a cookie (`engine.tickets`), which no replica has to remember. It knows nothing about routes.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from engine.errors import Denied, HouseFault
from engine.moments import us
from engine.ports import Clock
from engine.tickets import Purpose, holds, issue, seal
from store.home import Home

FORM_HEADER = "x-heliograph-form"
_OTHERS = 0o077
_NONCE_BYTES = 12


class Caller(Enum):
    """How a request proved to be the owner's."""

    TOKEN = auto()
    BROWSER = auto()


@dataclass(frozen=True, slots=True)
class _Read:
    """The token and the state of its file when it was read."""

    token: str
    stamp: tuple[int, ...]


class Auth:
    """Checks tokens, sessions and login links of one home."""

    def __init__(self, home: Home, clock: Clock, session_s: float) -> None:
        self._path = home.token
        self._clock = clock
        self.session_s = session_s
        self._read: _Read | None = None
        self._used: dict[str, int] = {}
        # Browsers share cookies between ports, so each home has a name of its own.
        self.cookie = f"heliograph_{sha256(os.fsencode(home.root)).hexdigest()[:8]}"

    @property
    def token(self) -> str:
        """The token as it stands in the file now.

        Raises:
            HouseFault: there is none, it is empty, or others may read it.
        """
        try:
            found = self._path.stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
            if self._read is None or self._read.stamp != stamp:
                self._read = _Read(self._path.read_text().strip(), stamp)
        except OSError as fault:
            raise HouseFault(
                f"The API's token cannot be read: {fault.strerror}.",
                remedy="Start the house anew: helio down, then helio up",
            ) from fault
        if stamp[-1] & _OTHERS or not self._read.token:
            raise HouseFault(
                "The API's token is empty, or others may read it, so it proves nothing.",
                remedy="Delete the file `token` in the home, then: helio down, helio up",
            )
        return self._read.token

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Tell how these request headers prove to be the owner's.

        Raises:
            Denied: they do not.
        """
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(value.strip()):
            return Caller.TOKEN
        if not kind and self._holds(self.session(headers), Purpose.SESSION):
            return Caller.BROWSER
        raise Denied(
            "This needs the token of the house."
            if not kind
            else "The token is not that of this house.",
            remedy="Send `Authorization: Bearer TOKEN`; the file `token` in the home holds it. "
            "In a browser: helio open",
        )

    def is_token(self, text: str) -> bool:
        """Compare with the token in constant time."""
        return hmac.compare_digest(text.encode(errors="replace"), self.token.encode())

    def session(self, headers: Mapping[str, str]) -> str:
        """Give the browser session that the cookies hold, or an empty text."""
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def begin(self) -> str:
        """Make a new browser session."""
        return self._issue(Purpose.SESSION, self.session_s)

    def redeem(self, ticket: str) -> bool:
        """Say whether a login link is good; this process takes each only once."""
        now = self._clock.now()
        self._used = {used: ends for used, ends in self._used.items() if ends > now}
        if ticket in self._used or not self._holds(ticket, Purpose.LOGIN):
            return False
        self._used[ticket] = int(ticket.partition(".")[0], 16)
        return True

    def form_key(self, session: str) -> str:
        """Give what our page must send with each change; other pages cannot know it."""
        return seal(self.token, Purpose.FORM, session)

    def form_key_of(self, headers: Mapping[str, str]) -> str:
        """Give the form key of the session in the cookies, empty where there is none."""
        session = self.session(headers)
        return self.form_key(session) if self._holds(session, Purpose.SESSION) else ""

    def is_form_key(self, text: str, session: str) -> bool:
        """Compare with the session's form key in constant time."""
        return hmac.compare_digest(text.encode(errors="replace"), self.form_key(session).encode())

    def _issue(self, purpose: Purpose, life_s: float) -> str:
        nonce = secrets.token_hex(_NONCE_BYTES)
        return issue(self.token, purpose, self._clock.now() + us(life_s), nonce)

    def _holds(self, ticket: str, purpose: Purpose) -> bool:
        return bool(ticket) and holds(ticket, self.token, purpose, self._clock.now())
