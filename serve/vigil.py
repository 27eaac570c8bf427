"""The watch over the dispatcher, the router and the hub: who does not breathe is started again.

Ray restarts an actor whose process died. It does not see one whose loop hangs, nor make one that
is gone for good; the vigil does. Its judgement is a pure function of what was seen.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum

from ray.exceptions import ActorDiedError, RayActorError

from actors import system
from actors.plans import Kind

ROUND_S = 5.0
ANSWER_S = 5.0
OLDEST_BEAT_S = 30.0
MOST_TIMEOUTS = 3


class Sight(StrEnum):
    """What one look at an actor showed."""

    BREATHES = "breathes"
    HANGS = "hangs"  # it answers, but its main loop's last beat is too old
    SILENT = "silent"  # no answer in time
    RESTARTS = "restarts"  # Ray is starting it
    GONE = "gone"  # nobody has the name


class Remedy(StrEnum):
    """What is done about it."""

    NONE = "none"
    RESTART = "restart"
    RAISE = "raise"


@dataclass(slots=True)
class Chart:
    """What was seen of one actor lately."""

    timeouts: int = 0

    def judge(self, sight: Sight) -> Remedy:
        """Note what was seen and say what to do."""
        self.timeouts = self.timeouts + 1 if sight is Sight.SILENT else 0
        match sight:
            case Sight.GONE:
                return Remedy.RAISE
            case Sight.HANGS:
                return Remedy.RESTART
            case Sight.SILENT if self.timeouts >= MOST_TIMEOUTS:
                self.timeouts = 0
                return Remedy.RESTART
            case _:
                return Remedy.NONE


async def keep_vigil(home: str, log: logging.Logger) -> None:
    """Watch the singletons for ever."""
    charts = {kind: Chart() for kind in system.SINGLETONS}
    while True:
        for kind, chart in charts.items():
            sight = await look(kind)
            remedy = chart.judge(sight)
            if remedy is not Remedy.NONE:
                log.error("%s %s", kind, sight, extra={"remedy": remedy})
            if remedy is Remedy.RESTART:
                await asyncio.to_thread(system.restart, kind)
            elif remedy is Remedy.RAISE:
                await system.raise_singleton(kind, home)
        await asyncio.sleep(ROUND_S)


async def look(kind: Kind) -> Sight:
    """Look at one actor through its health group."""
    try:
        said = await system.health(kind, ANSWER_S)
    except (LookupError, ActorDiedError):
        return Sight.GONE
    except TimeoutError:
        return Sight.SILENT
    except RayActorError:
        return Sight.RESTARTS
    return Sight.HANGS if said.get("beat_age_s", 0.0) > OLDEST_BEAT_S else Sight.BREATHES
