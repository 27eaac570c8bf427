"""What the gateway gets from the router around it: who asks, what is decided, what is durable.

`actors.router` is one; a test makes another. The gateway knows nothing of the ledger, of files
or of Ray: whatever outlives a request goes through here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from engine.ports import Clock
from engine.settings import Settings
from routing.models import Candidate, Catalogue, Provider
from routing.ports import Carrier
from routing.requests import Refusal, Who
from routing.router import RouterCore


class GatewayOffice(Protocol):
    """The router as its own HTTP face sees it. All of it lives on one event loop."""

    @property
    def core(self) -> RouterCore:
        """Decides. Ask for it anew in each request; what it says is durable after `durable`."""

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue that the core works with now; it changes when its file does."""

    @property
    def clock(self) -> Clock:
        """Wall time for decisions, elapsed time for what lasts."""

    @property
    def settings(self) -> Settings:
        """The numbers of the house; the gateway's are in `models`."""

    @property
    def halted(self) -> bool:
        """The house is halted: no call may begin, and those under way must end."""

    def identify(self, key: str) -> Who | None:
        """Give on whose behalf a key is used; None where nobody is known by it (any more)."""

    def secret(self, candidate: Candidate) -> str:
        """Give the value of a candidate's key; empty where its provider wants none.

        Raises:
            NotFound: the secret or the variable that the catalogue names is not there.
        """

    def carrier(self, provider: Provider) -> Carrier:
        """Give the transport of a provider; it is shared by all calls and closed by the router."""

    async def durable(self) -> None:
        """Return when all that the core has said so far survives a power cut.

        It appends `core.take_entries()` to the ledger. Cheap when there are none; callers that
        come together share one commit.

        Raises:
            StoreFull, HouseFault: it could not be written; nothing may be done about it.
        """

    def refused(self, who: Who, refusal: Refusal) -> None:
        """Hear that a request was refused: sessions whose models are all closed are told."""

    def under_way(self, who: Who) -> AbstractContextManager[None]:
        """Stand around one whole request: it ends when the house halts or its key dies.

        Then the task inside gets a `CancelledError` once, to settle its attempt (as when its
        client goes away), and the `with` raises instead, as `asyncio.timeout` does:

        Raises:
            Halted: the house was halted, now or before: answer 503, `x-should-retry: false`.
            Denied: the key was released or fenced in the meantime.
        """
