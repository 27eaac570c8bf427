"""What the owner may ask over the control socket, and what is done about it.

status, halt, resume and down work whatever else is dead; cancel needs the dispatcher.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from engine.errors import BadInput, HelioError, Unavailable
from engine.ports import Clock
from serve.control import Request
from serve.supervisor import kin
from serve.supervisor.halting import Halting
from serve.supervisor.supervision import Supervision

_ASK_S = 5.0
_KEEPER = "actors/keeper.py"


class Requests:
    """Answers the control socket."""

    def __init__(self, house: Supervision, clock: Clock, leave: Callable[[], None]) -> None:
        self._house = house
        self._leave = leave
        self.halting = Halting(house.home, clock, self._command)

    async def answer(self, request: Request) -> dict[str, Any]:
        """Answer one request.

        Raises:
            BadInput: nobody knows how to do that.
            HelioError: the dispatcher's typed refusal.
        """
        match request.get("do"):
            case "status":
                return await self._status(memory=bool(request.get("memory")))
            case "halt":
                return await self.halting.order(str(request.get("by", "owner")))
            case "resume":
                return await self.halting.lift(str(request.get("by", "owner")))
            case "cancel":
                return await self._command("job.cancel", {"id": str(request.get("id", ""))})
            case "down":
                self._leave()
                return {"stopping": True, "pid": os.getpid()}
            case other:
                raise BadInput(
                    f"The supervisor does not know how to do {other!r}.",
                    remedy="It knows status, phases, halt, resume, cancel and down.",
                )

    async def _status(self, *, memory: bool) -> dict[str, Any]:
        house = self._house
        below = await asyncio.to_thread(kin.descendants, os.getpid())
        told = {
            **house.progress.latest,
            "pid": os.getpid(),
            "home": str(house.home.root),
            "version": version("heliograph"),
            "halted": self.halting.pending,
            "restarts": dict(house.restarts),
            "processes": len(below),
            "house": None,
        } | house.told
        if memory:
            everyone = [*below, kin.identity(os.getpid())]
            living = [one for one in everyone if one]
            told["memory_bytes"] = await asyncio.to_thread(kin.memory_bytes, living)
        try:
            known = await self._ask({"do": "query", "name": "house.status", "body": {}})
            told |= {"house": known, "halted": told["halted"] or bool(known["halted_at"])}
        except HelioError as away:
            told["house_problem"] = away.as_problem()
        else:
            told["models_problem"] = await self._problem_of_models()
        return told

    async def _problem_of_models(self) -> Any:
        """Tell what keeps models from being called, whatever models.toml says."""
        with contextlib.suppress(HelioError):
            return (await self._ask({"do": "models"})).get("problem")
        return None

    async def _command(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._ask({"do": "command", "name": name, "body": body})

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._house.link is None:
            raise Unavailable("The actors are not up.", remedy="`helio status` shows the start.")
        return await self._house.link.ask(request, _ASK_S)
