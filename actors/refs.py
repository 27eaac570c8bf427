"""References to actors: the only module that holds a Ray handle on behalf of others.

Callers get objects that satisfy the Protocols of `engine.ports` and never learn that Ray exists.
Handles are looked up by name in the house's namespace (inside Serve the default is another one)
and looked up again after an actor was replaced. What crosses is JSON: an actor's `command` and
`query` answer ``{"ok": ...}`` or ``{"problem": ...}``, and the reference raises the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RaySystemError

from actors.plans import NAMESPACE, Kind
from engine.errors import Unavailable, from_problem
from engine.ports import Body, CouncilFace, Desk, HubFace, ReportDesk, RouterFace, SessionFace


class Ref:
    """A named actor, wherever it lives now."""

    def __init__(self, name: str, namespace: str = NAMESPACE) -> None:
        self.name = name
        self._namespace = namespace
        self._handle: Any = None

    async def call(self, method: str, *args: Any) -> Any:
        """Call a method and give its answer.

        Raises:
            Unavailable: there is no such actor, or it died or restarts; the call may have run.
        """
        try:
            return await getattr(self._find(), method).remote(*args)
        except (RayActorError, RaySystemError, GetTimeoutError) as gone:
            self._handle = None
            raise self._away(f"It is restarting ({type(gone).__name__}).") from gone

    def _find(self) -> Any:
        if self._handle is None:
            try:
                self._handle = ray.get_actor(self.name, namespace=self._namespace)
            except ValueError as unknown:
                raise self._away("No actor has that name now.") from unknown
        return self._handle

    def _away(self, why: str) -> Unavailable:
        return Unavailable(
            f"The {self.name} does not answer. {why}",
            remedy="Try again in a few seconds; `helio status` tells how the house is.",
            actor=self.name,
        )


class RayQueries(Ref):
    """The dispatcher as whoever only asks it sees it."""

    async def query(self, name: str, body: Body) -> dict[str, Any]:
        """Answer a question from the store.

        Raises:
            HelioError: the dispatcher's typed refusal.
        """
        return _opened(await self.call("query", name, dict(body)))


class RayDesk(RayQueries):
    """The dispatcher as the API sees it."""

    async def command(self, name: str, body: Body) -> dict[str, Any]:
        """Carry out a command; durable when this returns.

        Raises:
            HelioError: the dispatcher's typed refusal.
        """
        return _opened(await self.call("command", name, dict(body)))


class RayReportDesk(RayQueries):
    """The dispatcher as a session sees it."""

    async def report(self, session: str, incarnation: str, reports: Sequence[Body]) -> bool:
        """Hand over a batch of reports; True when they are durable.

        Raises:
            Unavailable: the dispatcher is away; send the same batch again later.
        """
        taken = await self.call("report", session, incarnation, [dict(one) for one in reports])
        return bool(_opened(taken) if isinstance(taken, dict) else taken)


class RaySession(Ref):
    """A session as the dispatcher sees it."""

    async def start(self, orders: Sequence[Body]) -> dict[str, Any]:
        """Hand over orders.

        Raises:
            Unavailable: the session is away; it may have taken them.
        """
        return dict(await self.call("start", [dict(order) for order in orders]))

    async def stop(self, job: str, epoch: int, why: str) -> None:
        """Ask it to end an order.

        Raises:
            Unavailable: the session is away.
        """
        await self.call("stop", job, epoch, why)

    async def throttle(
        self, job: str, epoch: int, until: int, why: str, cause: str = "rate_limit"
    ) -> None:
        """Ask it to interrupt an order, which is delayed until then.

        Raises:
            Unavailable: the session is away.
        """
        await self.call("throttle", job, epoch, until, why, cause)

    async def status(self) -> dict[str, Any]:
        """Ask what it runs.

        Raises:
            Unavailable: the session is away.
        """
        return dict(await self.call("status"))


class RayRouter(RayDesk):
    """The router as sessions, the council and the API see it."""

    async def bind(self, key: str, who: Body) -> dict[str, Any]:
        """Let a key stand for whom `who` says; gives where the gateway listens.

        Raises:
            HelioError: the router's typed refusal.
            Unavailable: the router is away; binding again is harmless.
        """
        return _opened(await self.call("bind", key, dict(who)))

    async def release(self, key: str) -> dict[str, Any]:
        """Let a key die; the finished calls of its job are in the main store when this returns.

        Gives {"halted"}: whether the house is halted.

        Raises:
            Unavailable: the router or the dispatcher is away; releasing again is harmless.
        """
        return _opened(await self.call("release", key))


class RayCouncil(Ref):
    """The council as a session sees it."""

    async def ask(self, body: Body) -> dict[str, Any]:
        """Hold a sitting.

        Raises:
            HelioError: the council's typed refusal.
        """
        return _opened(await self.call("ask", dict(body)))


class RayHub(Ref):
    """The hub as the API and the dispatcher see it."""

    async def publish(self, events: Sequence[Body]) -> None:
        """Hand over events.

        Raises:
            Unavailable: the hub is away; it replays from the store when it is back.
        """
        await self.call("publish", [dict(event) for event in events])

    async def after(
        self,
        cursor: int,
        prefixes: Sequence[str],
        subject: str,
        timeout_s: float,
        tick: int = -1,
    ) -> dict[str, Any]:
        """Wait for events behind the cursor.

        Raises:
            Unavailable: the hub is away.
        """
        return dict(await self.call("after", cursor, list(prefixes), subject, timeout_s, tick))

    async def metrics(self) -> str:
        """Ask for the Prometheus text.

        Raises:
            Unavailable: the hub is away.
        """
        return str(await self.call("metrics"))


def desk() -> Desk:
    """Refer to the dispatcher, for commands and queries."""
    return RayDesk(Kind.DISPATCHER)


def report_desk() -> ReportDesk:
    """Refer to the dispatcher, for reports of a session."""
    return RayReportDesk(Kind.DISPATCHER)


def hub() -> HubFace:
    """Refer to the hub."""
    return RayHub(Kind.HUB)


def router() -> RouterFace:
    """Refer to the router."""
    return RayRouter(Kind.ROUTER)


def council() -> CouncilFace:
    """Refer to the council."""
    return RayCouncil(Kind.COUNCIL)


def session(name: str) -> SessionFace:
    """Refer to the session of that name."""
    return RaySession(name)


def _opened(answer: dict[str, Any]) -> dict[str, Any]:
    """Give what is inside ``ok``, or raise what is inside ``problem``."""
    if "problem" in answer:
        raise from_problem(answer["problem"])
    return dict(answer["ok"])
