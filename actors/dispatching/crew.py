"""The dispatcher's hands: reach sessions and the hub, and put what they say into facts.

Nothing here decides. A call that fails becomes a fact that says so; the roster judges.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from actors.dispatching.facts import Answered, Fact, Gone, Seen, Unanswered
from engine.errors import HelioError
from engine.messages import Order
from engine.ports import HubFace, RouterFace, SessionFace

_ANSWER_S = 10.0
_SPAWN_S = 60.0
_SWITCH_S = 1.5  # a halt is acknowledged after so long although the router did not answer


class Crew(Protocol):
    """How the dispatcher reaches everybody else."""

    async def send(self, session: str, orders: Sequence[Order]) -> Fact:
        """Find or make the session and hand it orders."""

    async def warm(self, session: str) -> None:
        """Make a session without a directory ahead of its first order."""

    async def stop(self, session: str, job: str, epoch: int, why: str) -> None:
        """Ask a session to end an order; a session that is away is asked again by the sweep."""

    async def probe(self, session: str, number: int) -> Fact | None:
        """Ask a session what it has; None when it cannot answer now."""

    async def retire(self, session: str) -> None:
        """End a session for good."""

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Hand stored events to the hub; it fetches what it missed by itself."""

    async def switch(self, word: str) -> None:
        """Tell the router that the house was halted or resumed; it asks again by itself."""


class FaceCrew(ABC):
    """A crew over faces: how to get a session's face is the only thing that subclasses differ in.

    `find` gives None where there is no such session.
    """

    @abstractmethod
    async def find(self, session: str) -> SessionFace | None:
        """Give the face of a session that exists."""

    @abstractmethod
    async def make(self, session: str, directory: str) -> SessionFace:
        """Give the face of a session, made if need be."""

    @abstractmethod
    async def hub(self) -> HubFace | None:
        """Give the hub's face."""

    async def router(self) -> RouterFace | None:
        """Give the router's face; None in a house without one."""
        return None

    async def send(self, session: str, orders: Sequence[Order]) -> Fact:
        """Find or make the session and hand it orders."""
        claims = frozenset((order.job, order.epoch) for order in orders)
        try:
            async with asyncio.timeout(_SPAWN_S):
                face = await self.make(session, orders[0].cwd)
                reply = await face.start([order.to_wire() for order in orders])
        except (HelioError, TimeoutError, OSError):
            return Unanswered(session, claims)
        return Answered(session, _claims(reply["accepted"]), _reasons(reply["refused"]))

    async def warm(self, session: str) -> None:
        """Make a session without a directory ahead of its first order."""
        with contextlib.suppress(HelioError, TimeoutError, OSError):
            async with asyncio.timeout(_SPAWN_S):
                await self.make(session, "")

    async def stop(self, session: str, job: str, epoch: int, why: str) -> None:
        """Ask a session to end an order."""
        with contextlib.suppress(HelioError, TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                face = await self.find(session)
                if face is not None:
                    await face.stop(job, epoch, why)

    async def probe(self, session: str, number: int) -> Fact | None:
        """Ask a session what it has."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                face = await self.find(session)
                if face is None:
                    return Gone(session, number)
                status = await face.status()
        except (HelioError, TimeoutError):
            return None
        if not status["ready"]:
            return None
        working = _claims(status["running"]) | _claims(status["queued"])
        return Seen(session, number, working, _claims(status["unreported"]))

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Hand stored events to the hub."""
        with contextlib.suppress(HelioError, TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                face = await self.hub()
                if face is not None:
                    await face.publish(events)

    async def switch(self, word: str) -> None:
        """Tell the router that the house was halted or resumed."""
        with contextlib.suppress(HelioError, TimeoutError):
            async with asyncio.timeout(_SWITCH_S):
                face = await self.router()
                if face is not None:
                    await face.command(word, {})


class RayCrew(FaceCrew):
    """The crew on a Ray cluster."""

    def __init__(self, home: str) -> None:
        self._home = home

    async def find(self, session: str) -> SessionFace | None:
        """Give the face of a living actor."""
        from actors import refs, system  # noqa: PLC0415  (tests of the shell run without Ray)

        return refs.session(session) if await system.exists(session) else None

    async def make(self, session: str, directory: str) -> SessionFace:
        """Spawn the actor if need be."""
        from actors import refs, system  # noqa: PLC0415

        await system.spawn_session(session, self._home, directory)
        return refs.session(session)

    async def hub(self) -> HubFace | None:
        """Give the hub actor's face."""
        from actors import refs  # noqa: PLC0415

        return refs.hub()

    async def router(self) -> RouterFace | None:
        """Give the router actor's face."""
        from actors import refs  # noqa: PLC0415

        return refs.router()

    async def retire(self, session: str) -> None:
        """Let the session send back what it may just have taken, then end its actor."""
        from actors import refs, system  # noqa: PLC0415

        with contextlib.suppress(HelioError, TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                await refs.Ref(session).call("retire")
        with contextlib.suppress(HelioError, TimeoutError):
            await system.retire(session)


def _reasons(refused: Sequence[Sequence[Any]]) -> dict[tuple[str, int], str]:
    return {(str(job), int(epoch)): str(reason) for job, epoch, reason in refused}


def _claims(pairs: Sequence[Sequence[Any]]) -> frozenset[tuple[str, int]]:
    return frozenset((str(pair[0]), int(pair[1])) for pair in pairs)
