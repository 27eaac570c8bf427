"""The council: an actor that puts one question to several models and has their answers weighed.

A thin shell around `routing.council`. It keeps nothing: if it dies in the middle of a sitting,
the job that asked tries again. Every call goes through the gateway under the key of that job, so
its lane, its budget and its record are the job's own.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version as installed_version
from time import monotonic
from typing import Any

from pydantic import Field

from actors.clock import SystemClock
from actors.councils.asking import Asking, Door
from actors.councils.sitting import hold
from actors.dispatching.bodies import Body as Words
from actors.dispatching.bodies import read
from actors.logs import open_log
from actors.routing.showing import UNASKABLE
from engine.errors import BadInput, Conflict, HelioError
from engine.ports import Body, Clock, RouterFace
from engine.settings import Settings
from routing.council import Known, Member, Sitting, Verdict, pick_members
from routing.models import Tier
from store.config import load_settings
from store.home import Home

_LOG = logging.getLogger("heliograph.council")
_BEAT_S = 1.0
_BACK_OFF_S = 1.0


class Question(Words):
    """What `ask` takes. The door is where the gateway listens, and the key of the job."""

    question: str = Field(min_length=1)
    system: str = ""
    members: list[str] = Field(default_factory=list)
    wanted: int = Field(0, ge=0)
    quorum: int = Field(0, ge=0)
    total_s: float = Field(0, ge=0)
    max_tokens: int = Field(0, ge=0)
    key: str = Field(min_length=1, repr=False)
    url: str = ""
    socket: str = ""


def _find_router() -> RouterFace:
    from actors.refs import router  # noqa: PLC0415  # Ray is imported only where it is used

    return router()


class Council:
    """Asks several models at once. Constructor arguments are strings, and nothing can fail."""

    _settings: Settings

    def __init__(
        self,
        home: str,
        find_router: Callable[[], RouterFace] = _find_router,
        clock: Clock | None = None,
    ) -> None:
        """Remember where home is and begin."""
        self._home = Home.at(home)
        self._find_router = find_router
        self._clock = clock or SystemClock()
        self._logs = clock is None  # tests listen to the logger themselves
        self._ready = asyncio.Event()
        self._said = "starting"
        self._beat = monotonic()
        self._sitting = 0
        self._main = asyncio.get_running_loop().create_task(self._live(), name="council")

    async def ask(self, body: Body) -> dict[str, Any]:
        """Hold a sitting; gives {"ok": verdict} or {"problem": RFC 9457 object}."""
        self._sitting += 1
        try:
            await self._ready.wait()
            return {"ok": (await self._ask(read(Question, body))).as_json()}
        except HelioError as refusal:
            return {"problem": refusal.as_problem()}
        finally:
            self._sitting -= 1

    async def health(self) -> dict[str, Any]:
        """Tell how the main loop is; runs on another thread than it."""
        return {
            "ready": self._ready.is_set(),
            "beat_age_s": monotonic() - self._beat,
            "said": self._said,
            "pid": os.getpid(),
            "sitting": self._sitting,
        }

    async def version(self) -> str:
        """Give the version of the code that runs here."""
        return installed_version("heliograph")

    async def close(self) -> None:
        """End the main task."""
        self._main.cancel()
        await asyncio.gather(self._main, return_exceptions=True)

    # -- inside -------------------------------------------------------------------------------

    async def _live(self) -> None:
        while True:
            self._beat = monotonic()
            if not self._ready.is_set():
                try:
                    self._settings = load_settings(self._home)
                    if self._logs:
                        open_log(self._home, "council", self._settings.house.log_level)
                except (HelioError, OSError) as trouble:
                    self._said = str(trouble)
                    await asyncio.sleep(_BACK_OFF_S)
                    continue
                self._said = "well"
                self._ready.set()
            await asyncio.sleep(_BEAT_S)

    async def _ask(self, asked: Question) -> Verdict:
        sizes = self._settings.council
        wanted = asked.wanted or len(asked.members) or sizes.members
        members = await self._members(asked.members, wanted)
        quorum = asked.quorum or min(sizes.quorum, wanted)
        if quorum > wanted:
            raise BadInput(
                f"A quorum of {quorum} cannot come from {wanted} members.",
                remedy="Ask more members, or lower the quorum.",
            )
        if len(members) < quorum:
            there = "one family is" if len(members) == 1 else f"{len(members)} families are"
            raise Conflict(
                f"The council needs {quorum} answers, and {there} configured.",
                remedy="Add a provider of another family to models.toml, or lower the quorum.",
            )
        total_s = asked.total_s or sizes.total_s
        door = Door(key=asked.key, url=asked.url, socket=asked.socket)
        sitting = Sitting(asked.question, members, quorum=quorum, total_s=total_s)
        async with Asking(door, asked.max_tokens or sizes.max_tokens) as asking:
            verdict = await hold(
                sitting,
                asking,
                asked.question,
                asked.system,
                total_s=total_s,
                monotonic=self._clock.monotonic,
            )
        _LOG.info("A sitting ended: %s.", verdict.label)
        return verdict

    async def _members(self, named: list[str], wanted: int) -> tuple[Member, ...]:
        listed = await self._find_router().query("model.list", {})
        known = known_models(listed["candidates"])
        if not named:
            return pick_members(known, wanted)
        families = {one.model: one.family for one in known}
        return tuple(Member(name, families.get(name, "")) for name in dict.fromkeys(named))


def known_models(candidates: list[Mapping[str, Any]]) -> list[Known]:
    """Read the router's view: each model once, open if one of its candidates is."""
    found: dict[str, Known] = {}
    for one in candidates:
        if one["state"] in UNASKABLE:
            continue
        model = str(one["model"])
        is_open = one["state"] == "open" or (model in found and found[model].open)
        found[model] = Known(model, str(one["family"]), Tier(one["tier"]), is_open)
    return list(found.values())
