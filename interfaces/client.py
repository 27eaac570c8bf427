"""A synchronous client of `/v1`: desk words in, JSON out, every refusal a HelioError.

It reads the token and the port from the home and keeps no state of its own. It knows nothing
about Ray or the store; the CLI and tests use it, and so may any Python program of the owner.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import quote

import httpx

from engine.errors import Denied, HelioError, Unavailable, from_problem
from interfaces import control
from interfaces.routes import ARTEFACT_PATH, LOG_PATH, STREAM_PATH, Call, call_of
from interfaces.sse import Frame, frames
from store.home import Home

_CONNECT_S = 5.0
_ANSWER_S = 60.0
_BEAT_S = 45.0  # the stream sends a comment at least every 15 s
_RECONNECT_S = (0.2, 0.5, 1.0, 2.0, 5.0)
# What answers before the API does: Serve's proxy says 404 while no replica stands behind it.
_BUSY = (404, 429, 502, 503, 504)


class Unreachable(Unavailable):
    """Nobody listens at the address that the home names."""

    slug, title = "unreachable", "Heliograph does not answer"


def base_url(home: Home) -> str:
    """Read the API's address from the home.

    Raises:
        Unreachable: no house was started here.
    """
    places = control.ports(home)
    address = places.get("api")
    if places and not address:
        raise Unreachable(
            "Heliograph is starting and takes no requests yet.",
            remedy="Wait for it: helio up. Look: helio status",
        )
    if not address:
        raise Unreachable(
            f"No Heliograph runs for the home {home.root}.", remedy="Start it: helio up"
        )
    return str(address)


def token_of(home: Home) -> str:
    """Read the bearer token from the home.

    Raises:
        Denied: there is none, or this user may not read it.
    """
    try:
        return home.token.read_text().strip()
    except OSError as fault:
        raise Denied(
            f"The token at {home.token} cannot be read: {fault.strerror}.",
            remedy="Run as the user who started Heliograph, or start it: helio up",
        ) from None


class Client:
    """One connection pool to one house."""

    def __init__(
        self, url: str, token: str, *, pause: Callable[[float], None] | None = None
    ) -> None:
        timeout = httpx.Timeout(_ANSWER_S, connect=_CONNECT_S)
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, timeout=timeout, headers=headers, trust_env=False)
        self._pause = pause or _wait
        self.url = url

    @classmethod
    def of(cls, home: Home, *, pause: Callable[[float], None] | None = None) -> Client:
        """Open the client of the house that runs in this home."""
        return cls(base_url(home), token_of(home), pause=pause)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def ask(self, word: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a desk word and give its answer.

        Raises:
            HelioError: the typed refusal, or Unreachable.
        """
        return self._send(call_of(word, body or {}))

    def log(
        self, job: str, *, epoch: int = 0, offset: int = 0, wait_s: float = 0
    ) -> dict[str, Any]:
        """Read the output of one attempt from a byte offset on; waits for more when asked to."""
        query = {"epoch": epoch, "offset": offset, "wait_s": wait_s}
        return self._send(Call("GET", LOG_PATH.format(id=quote(job, safe="")), query, None))

    def artefact(self, job: str, name: str) -> Iterator[bytes]:
        """Give the bytes of a file that a job left, piece by piece.

        Raises:
            NotFound: there is no such file.
            Unreachable: the line broke.
        """
        path = ARTEFACT_PATH.format(id=quote(job, safe=""), name=quote(name))
        try:
            with self._http.stream("GET", path) as answer:
                if answer.is_error:
                    answer.read()
                    raise _refusal(answer)
                yield from answer.iter_bytes()
        except httpx.TransportError as fault:
            self._unreachable(fault)

    def events(
        self, after: int, prefixes: Sequence[str] = (), subject: str = "", *, tries: int = 8
    ) -> Iterator[Frame]:
        """Follow events behind a cursor, reconnecting where the line broke; ends only by error.

        Raises:
            Unreachable: `tries` connections in a row brought nothing.
        """
        cursor, barren = after, 0
        while True:
            try:
                for frame in self._stream(cursor, prefixes, subject):
                    cursor, barren = max(cursor, frame.seq), 0
                    yield frame
            except (httpx.TransportError, Unavailable) as fault:
                barren += 1
                if barren >= tries:
                    self._unreachable(fault)
            self._pause(_RECONNECT_S[min(barren, len(_RECONNECT_S) - 1)])

    def _stream(self, after: int, prefixes: Sequence[str], subject: str) -> Iterator[Frame]:
        wanted: dict[str, Any] = {"after": after}
        wanted |= {"prefix": list(prefixes)} if prefixes else {}
        wanted |= {"subject": subject} if subject else {}
        timeout = httpx.Timeout(_BEAT_S, connect=_CONNECT_S)
        with self._http.stream("GET", STREAM_PATH, params=wanted, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                raise _refusal(answer)
            yield from frames(answer.iter_lines())

    def _send(self, call: Call) -> dict[str, Any]:
        headers = {"Idempotency-Key": call.idem_key} if call.idem_key else {}
        try:
            answer = self._http.request(
                call.method, call.path, params=dict(call.query), json=call.body, headers=headers
            )
        except httpx.TransportError as fault:
            self._unreachable(fault)
        if answer.is_error:
            raise _refusal(answer)
        body: dict[str, Any] = answer.json()
        return body

    def _unreachable(self, fault: Exception) -> NoReturn:
        raise Unreachable(
            f"Heliograph does not answer at {self.url} ({type(fault).__name__}).",
            remedy="Look: helio status. Start it: helio up",
        ) from None


def _refusal(answer: httpx.Response) -> HelioError:
    """Make the typed error of an answer that is none of ours as well as of one that is."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and str(problem.get("type", "")).startswith("urn:heliograph"):
        return from_problem(problem)
    kinds = {401: Denied, 403: Denied} | dict.fromkeys(_BUSY, Unavailable)
    kind = kinds.get(answer.status_code, HelioError)
    return kind(
        f"{answer.request.url.path} answered {answer.status_code} {answer.reason_phrase}.",
        remedy="Look at the house: helio status, then helio doctor",
    )


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)
