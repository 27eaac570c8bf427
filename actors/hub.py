"""The hub: an actor that streams events to whoever follows, and counts them.

A thin shell around `actors.hubs.ring` and `actors.hubs.tally`. The dispatcher publishes stored
events after their commit, sessions publish passing ones; a reader waits with a cursor. What the
hub missed it reads from the desk, at start, at a hole and at a slow sweep, so it may die at any
moment: a new one counts on from the saved tally and misses nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version as installed_version
from time import monotonic
from typing import Any

from actors.hubs.metrics import Sight, exposition
from actors.hubs.ring import NOW, Batch, Behind, Bounds, Ring, Sieve
from actors.hubs.tally import Tally, from_json, to_json
from actors.logs import open_log
from engine.errors import HelioError
from engine.ports import Body, Desk, RouterFace
from engine.settings import HubSettings
from store.config import load_settings
from store.home import Home

_LOG = logging.getLogger("heliograph.hub")
_BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_SCRAPE_S = 2.0  # how long a scrape waits for the dispatcher
_PAGE = 500


def _find_desk() -> Desk:
    from actors.refs import desk  # noqa: PLC0415  # Ray is imported only where it is used

    return desk()


def _find_router() -> RouterFace:
    from actors.refs import router  # noqa: PLC0415  # likewise

    return router()


class Hub:
    """Keeps the newest events for readers and the totals for scrapers."""

    def __init__(self, home: str, find_desk: Callable[[], Desk] = _find_desk) -> None:
        """Remember where home is and begin; nothing here can fail (a failure would be final)."""
        self._home = home
        self._find_desk = find_desk
        self._limits = HubSettings()
        self._ring = Ring(_bounds(self._limits))
        self._tally = Tally()
        self._ready = False
        self._said = "starting"
        self._beat = monotonic()
        self._saved_at = monotonic()
        self._saved_seq = 0
        self._hole = asyncio.Event()
        self._news = asyncio.Condition()
        self._main = asyncio.get_running_loop().create_task(self._live(), name="hub")

    # -- what others ask ------------------------------------------------------------------------

    async def publish(self, events: Sequence[Body]) -> None:
        """Take stored events (with seq) or transient ones (seq 0)."""
        if not self._ready:
            self._hole.set()  # they are read from the desk, once the hub is ready
            return
        taken, missing = self._ring.publish(events)
        self._tally.fold(taken)
        if missing:
            self._hole.set()
        await self._announce()

    async def after(
        self,
        cursor: int,
        prefixes: Sequence[str],
        subject: str,
        timeout_s: float,
        tick: int = NOW,
    ) -> dict[str, Any]:
        """Wait for events behind the cursor; `engine.ports.HubFace` says what comes back."""
        sieve = Sieve(tuple(prefixes), subject)
        deadline = asyncio.get_running_loop().time() + timeout_s
        async with self._news:
            while True:
                if self._ready:
                    match self._ring.after(cursor, tick, sieve):
                        case Behind(oldest):
                            return _answer((), cursor, tick) | {"behind": True, "oldest": oldest}
                        case Batch(events, behind, ticked):
                            if events or cursor == NOW:
                                return _answer(events, behind, ticked)
                            cursor, tick = behind, ticked
                if not await self._news_before(deadline):
                    return _answer((), cursor, tick)

    async def metrics(self) -> str:
        """Give the Prometheus text of the house's one registry."""
        status, workers, decisions, models = await asyncio.gather(
            self._ask("house.status", {}),
            self._ask("worker.list", {}),
            self._ask("decision.list", {"state": "open", "limit": _PAGE}),
            self._ask_router(),
        )
        sight = Sight(
            version=installed_version("heliograph"),
            hub_seq=self._ring.last,
            hub_beat_age_s=monotonic() - self._beat,
            status=status,
            workers=None if workers is None else workers["items"],
            decisions=None if decisions is None else decisions["items"],
            router=models,
        )
        return exposition(self._tally, sight)

    async def health(self) -> dict[str, Any]:
        """Tell how the main loop is; runs on another thread than it."""
        return {
            "ready": self._ready,
            "beat_age_s": monotonic() - self._beat,
            "said": self._said,
            "last_seq": self._ring.last,
        }

    async def version(self) -> str:
        """Give the version of the code that runs here."""
        return installed_version("heliograph")

    async def close(self) -> None:
        """Save the counters and stop."""
        self._main.cancel()
        await asyncio.gather(self._main, return_exceptions=True)
        if self._ready:
            await self._save()

    # -- the main loop --------------------------------------------------------------------------

    async def _live(self) -> None:
        failures = 0
        opened = False
        while True:
            self._beat = monotonic()
            try:
                if not opened:
                    await self._open()
                    opened = True
                await self._catch_up()
                await self._save_if_due()
                failures, self._said = 0, "well"
                await self._pause(self._limits.sweep_s)
            except Exception as fault:  # noqa: BLE001  # the loop outlives whatever it meets
                self._said = f"{type(fault).__name__}: {fault}"
                if not isinstance(fault, HelioError):
                    _LOG.exception("The hub met a surprise and tries again.")
                await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
                failures += 1

    async def _open(self) -> None:
        """Find out where to begin: behind the saved tally, and far enough back for the ring."""
        home = Home.at(self._home)
        settings = load_settings(home)
        self._limits = settings.hub
        if self._find_desk is _find_desk:  # tests listen to the logger themselves
            open_log(home, "hub", settings.house.log_level)
        tally = await asyncio.to_thread(_saved, home)
        last = int((await self._find_desk().query("house.status", {}))["last_seq"])
        if tally.seq > last:
            tally = Tally()  # the store is older than the counters: it was restored from a copy
        if not tally.seq:
            tally.seq = max(0, last - self._limits.rebuild_events)
        self._tally, self._saved_seq = tally, tally.seq
        start = min(tally.seq, max(0, last - self._limits.ring_events))
        self._ring = Ring(_bounds(self._limits), last=start)

    async def _catch_up(self) -> None:
        """Read what the store has and the ring has not, then be ready."""
        self._hole.clear()
        desk = self._find_desk()
        while True:
            self._beat = monotonic()
            page = await desk.query("event.list", {"after": self._ring.last, "limit": _PAGE})
            taken = self._ring.refill(page["items"])
            self._tally.fold(taken)
            if len(page["items"]) < _PAGE:
                break
        if taken or not self._ready:
            self._ready = True
            await self._announce()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hole.wait()
        except TimeoutError:
            pass

    async def _announce(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _news_before(self, deadline: float) -> bool:
        try:
            async with asyncio.timeout_at(deadline):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _ask(self, name: str, body: Body) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(_SCRAPE_S):
                return await self._find_desk().query(name, body)
        except (HelioError, TimeoutError):
            return None

    async def _ask_router(self) -> bool | None:
        """Whether the router answers; None where a test plays a house without one."""
        if self._find_desk is not _find_desk:
            return None
        try:
            async with asyncio.timeout(_SCRAPE_S):
                return bool(await _find_router().query("gateway.where", {}))
        except (HelioError, TimeoutError):
            return False

    # -- the saved counters ---------------------------------------------------------------------

    async def _save_if_due(self) -> None:
        if self._tally.seq == self._saved_seq:
            return
        if monotonic() - self._saved_at >= self._limits.save_every_s:
            await self._save()

    async def _save(self) -> None:
        body = to_json(self._tally)
        await asyncio.to_thread(_write, Home.at(self._home), body)
        self._saved_at, self._saved_seq = monotonic(), body["seq"]


def _answer(events: Sequence[Body], cursor: int, tick: int) -> dict[str, Any]:
    return {"events": list(events), "cursor": cursor, "tick": tick}


def _bounds(limits: HubSettings) -> Bounds:
    return Bounds(
        events=limits.ring_events,
        size_bytes=limits.ring_bytes,
        passing=limits.passing_events,
        page=limits.page,
    )


def _saved(home: Home) -> Tally:
    try:
        return from_json(json.loads(home.tally.read_text()))
    except FileNotFoundError:
        return Tally()
    except (OSError, ValueError) as fault:
        _LOG.warning("The saved counters are not used: %s", fault)
        return Tally()


def _write(home: Home, body: Mapping[str, Any]) -> None:
    draft = home.tally.with_suffix(".new")
    draft.write_text(json.dumps(body))
    os.replace(draft, home.tally)  # noqa: PTH105  # atomic, and says so
