"""A key to the gateway for one attempt: minted here, bound before the work, dead after it.

While the router is away (it restarts from its ledger in seconds) both are tried again for a
while. A key that could not be released dies with the next attempt or incarnation.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from actors.backends.base import Lines
from actors.sessions.effects import Ending
from engine.errors import HelioError, Unavailable
from engine.messages import Order
from engine.outcomes import Drained, Failed

T = TypeVar("T")

PREFIX = "hk-"
PATIENCE_S = 60.0
RELEASE_S = 10.0
_KEY_BYTES = 32
_BACK_OFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_LOG = logging.getLogger("heliograph.session")


@dataclass(frozen=True, slots=True)
class Key:
    """A living key, and where the gateway listens."""

    text: str = field(repr=False)
    url: str = ""
    socket: str = ""

    def environment(self) -> dict[str, str]:
        """Give the variables by which scripts and official clients find the gateway."""
        return {
            "HELIOGRAPH_MODELS_URL": self.url,
            "HELIOGRAPH_MODELS_KEY": self.text,
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": self.text,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": self.text,
            "GOOGLE_GEMINI_BASE_URL": self.url,
            "GEMINI_API_KEY": self.text,
        }


async def open_key(order: Order, lines: Lines) -> Key:
    """Mint a key and bind it to this order.

    Raises:
        Unavailable: the router did not come back in time.
        Fenced: a newer attempt or incarnation was here.
    """
    text = PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    who = who_of(order, lines)
    place = await patiently(lambda: lines.find_router().bind(text, who), lines)
    return Key(text, str(place.get("url") or ""), str(place.get("socket") or ""))


async def release(key: Key, lines: Lines, within_s: float = RELEASE_S) -> bool:
    """Let the key die; what its calls cost is in the main store then.

    Gives whether the house is halted.
    """
    try:
        async with asyncio.timeout(within_s):
            told = await patiently(lambda: lines.find_router().release(key.text), lines)
    except (HelioError, TimeoutError):
        _LOG.warning("A key was not released; it dies with its incarnation.")
        return False
    return bool(told.get("halted"))


def unless_halted(ending: Ending, *, halted: bool) -> Ending:
    """Give the ending of work whose calls a halt may have cut.

    Most clients give up when that happens, and before anybody can stop them. So a failure in a
    halted house says nothing of the work, which goes on when the house does.
    """
    if halted and isinstance(ending.outcome, Failed):
        return Ending(Drained(), by_itself=False)
    return ending


def who_of(order: Order, lines: Lines) -> Mapping[str, Any]:
    """Give the JSON of `routing.requests.Who` for an order."""
    said = order.payload
    return {
        "session": lines.session,
        "incarnation": lines.incarnation,
        "job": order.job,
        "epoch": order.epoch,
        "project": order.project or "default",
        "lane": order.lane,
        "backend": order.backend,
        "tier": said.get("tier"),
        "floor": said.get("floor"),
        "budget_usd": said.get("budget_usd"),
        "project_usd": said.get("project_usd"),
        "pinned": bool(said.get("pin")),
        "avoid": list(said.get("avoid") or ()),
    }


async def patiently(
    act: Callable[[], Awaitable[T]],
    lines: Lines,
    patience_s: float = PATIENCE_S,
    away: type[Exception] = Unavailable,
) -> T:
    """Do it again, with back-off, as long as the other side is only away.

    Raises:
        away: it stayed away for too long; any other error at once.
    """
    until = lines.clock.monotonic() + patience_s
    for failures in count():
        try:
            return await act()
        except away:
            if lines.clock.monotonic() >= until:
                raise
        await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
    raise AssertionError("count() does not end")
