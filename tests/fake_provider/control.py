"""The control endpoint: queue scripts and quotas, read the log, open and shut doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import Any

from aiohttp import web

from tests.fake_provider.doors import Doors
from tests.fake_provider.place import Match, Place, Quota, Script
from tests.fake_provider.throttle import US

MAIN = "main"


class Control:
    """The words that tests speak to the process."""

    def __init__(self, place: Place, doors: Doors) -> None:
        self._place = place
        self._doors = doors
        self._ids = count(1)

    def mount(self, app: web.Application) -> None:
        """Add the endpoints."""
        app.router.add_post("/_control/scripts", self.script)
        app.router.add_delete("/_control/scripts", self.unscript)
        app.router.add_post("/_control/quotas", self.quota)
        app.router.add_delete("/_control/quotas", self.unquota)
        app.router.add_get("/_control/log", self.log)
        app.router.add_get("/_control/counts", self.counts)
        app.router.add_post("/_control/doors", self.open)
        app.router.add_delete("/_control/doors/{name}", self.shut)
        app.router.add_post("/_control/clock", self.clock)
        app.router.add_post("/_control/models", self.models)
        app.router.add_post("/_control/reset", self.reset)

    async def script(self, request: web.Request) -> web.Response:
        """Queue one script or a list of them."""
        given = await request.json()
        made = [self._script(one) for one in (given if isinstance(given, list) else [given])]
        self._place.scripts += made
        return web.json_response({"ids": [one.id for one in made]})

    def _script(self, given: Mapping[str, Any]) -> Script:
        rest = dict(given)
        matched = Match(**rest.pop("match", {}))
        return Script(id=next(self._ids), match=matched, **rest)

    async def unscript(self, request: web.Request) -> web.Response:
        """Forget every script."""
        del request
        self._place.scripts.clear()
        return web.json_response({})

    async def quota(self, request: web.Request) -> web.Response:
        """Set a quota; `closed_s` closes it at once for so long."""
        rest = await request.json()
        matched = Match(**rest.pop("match", {}))
        closed = self._place.now() + int(float(rest.pop("closed_s", 0)) * US)
        self._place.quotas = [one for one in self._place.quotas if one.match != matched]
        self._place.quotas.append(Quota(match=matched, closed_until=closed, **rest))
        return web.json_response({"closed_until": closed})

    async def unquota(self, request: web.Request) -> web.Response:
        """Forget every quota."""
        del request
        self._place.quotas.clear()
        return web.json_response({})

    async def log(self, request: web.Request) -> web.Response:
        """Give the requests behind number `after`."""
        after = int(request.query.get("after", 0))
        told = [asdict(one) for one in self._place.log if one.number > after]
        return web.json_response({"requests": told, "now": self._place.now()})

    async def counts(self, request: web.Request) -> web.Response:
        """Give how many requests came to each end."""
        del request
        return web.json_response(dict(self._place.counts))

    async def open(self, request: web.Request) -> web.Response:
        """Open a door {"name", "port"}; give its address."""
        given = await request.json()
        url = await self._doors.open(given["name"], int(given.get("port", 0)))
        return web.json_response({"url": url})

    async def shut(self, request: web.Request) -> web.Response:
        """Shut a door: from now on connections are refused."""
        await self._doors.shut(request.match_info["name"])
        return web.json_response({})

    async def clock(self, request: web.Request) -> web.Response:
        """Set the provider's clock ahead by {"ahead_s"}."""
        given = await request.json()
        self._place.ahead_us += int(float(given["ahead_s"]) * US)
        return web.json_response({"now": self._place.now()})

    async def models(self, request: web.Request) -> web.Response:
        """Set the models that are listed: {"models": [...]}."""
        self._place.models = tuple((await request.json())["models"])
        return web.json_response({})

    async def reset(self, request: web.Request) -> web.Response:
        """Forget everything, and shut every door but the first."""
        del request
        self._place.reset()
        await self._doors.shut_all(but=MAIN)
        return web.json_response({})
