"""Which key a request shows, wherever its client could put it, and on whose behalf that is.

A key in the path (``/k/KEY/...``) or in ``x-helio-key`` is meant for us and for nobody else, so
it alone decides; what then stands in ``Authorization`` is a login of the client's own. Keys are
taken out of path and query here, and no later part of the gateway sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from engine.errors import Denied
from routing.requests import Who

_PREFIX = "/k/"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes, without any key; `key` is the one that stood in the path."""

    path: str
    query: str = ""
    key: str = ""
    query_key: str = ""


def address(target: str) -> Address:
    """Take a request's target apart."""
    path, _, query = target.partition("?")
    key = query_key = ""
    if path.startswith(_PREFIX):
        key, _, rest = path.removeprefix(_PREFIX).partition("/")
        path = f"/{rest}"
    if "key=" in query:
        kept = []
        for one in query.split("&"):
            name, _, value = one.partition("=")
            if name == "key":
                query_key = unquote(value)
            else:
                kept.append(one)
        query = "&".join(kept)
    return Address(path, query, key, query_key)


def identify(
    known: Callable[[str], Who | None], where: Address, headers: Mapping[str, str]
) -> tuple[Who, bool]:
    """Give on whose behalf a request comes, and whether it brings a login of its own.

    Raises:
        Denied: no key, or one that nobody is known by.
    """
    own = where.key or headers.get("x-helio-key", "")
    others = [key for key in _keys(where, headers) if key]
    shown = [own] if own else others
    for key in shown:
        who = known(key)
        if who is not None:
            return who, bool(own) and any(other != own for other in others)
    if shown:
        raise Denied(
            "This key is not known, or no longer: what it was made for has ended.",
            remedy="Take the key that the job got; the owner's is the file `token` in the home.",
        )
    raise Denied(
        "The request shows no key.",
        remedy="Send one as x-api-key or Bearer; the owner's is the file `token` in the home.",
    )


def _keys(where: Address, headers: Mapping[str, str]) -> Iterator[str]:
    yield headers.get("x-api-key", "")
    kind, _, value = headers.get("authorization", "").partition(" ")
    yield value.strip() if kind.lower() == "bearer" else ""
    yield headers.get("x-goog-api-key", "")
    yield where.query_key
