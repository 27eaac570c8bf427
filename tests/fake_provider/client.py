"""The control endpoint for tests: `FakeProvider` speaks to a running process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

import aiohttp

Requests = list[dict[str, Any]]


class FakeProvider:
    """A running fake provider: its address, and what a test may tell and ask it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def at(self, door: str) -> str:
        """The address of another provider in the same process: its door is named in the log."""
        return f"{self.url}/at/{door}"

    async def answer(self, answer: dict[str, Any], *, times: int = 1, **match: str) -> None:
        """Queue an answer for the next requests of a door, dialect, key or model."""
        await self._post("scripts", {"match": match, "answer": answer, "times": times})

    async def fault(self, fault: dict[str, Any], *, times: int = 1, **match: str) -> None:
        """Queue a fault for the next requests of a door, dialect, key or model."""
        await self._post("scripts", {"match": match, "fault": fault, "times": times})

    async def script(self, *scripts: dict[str, Any]) -> None:
        """Queue whole scripts, which may hold an answer and a fault."""
        await self._post("scripts", list(scripts))

    async def unscript(self) -> None:
        """Forget every script."""
        await self._delete("scripts")

    async def quota(self, limit: int, *, match: dict[str, str] | None = None, **more: Any) -> int:
        """Set a quota; gives until when it is closed, in microseconds (README: quotas)."""
        told = await self._post("quotas", {"limit": limit, "match": match or {}, **more})
        return int(told["closed_until"])

    async def unquota(self) -> None:
        """Forget every quota."""
        await self._delete("quotas")

    async def log(self, after: int = 0, **match: Any) -> Requests:
        """Give the requests behind a number whose fields are as named."""
        told = await self._get(f"log?after={after}")
        return [
            one
            for one in told["requests"]
            if all(one[name] == value for name, value in match.items())
        ]

    async def last(self) -> dict[str, Any]:
        """Give the newest request."""
        return (await self.log())[-1]

    async def counts(self) -> dict[str, int]:
        """Give how many requests came to each end."""
        return await self._get("counts")

    async def until(
        self, good: Callable[[Requests], bool], *, within_s: float = 5.0, **match: Any
    ) -> Requests:
        """Wait until the log is as wanted, and give it.

        Raises:
            TimeoutError: it did not become so.
        """
        async with asyncio.timeout(within_s):
            while not good(seen := await self.log(**match)):
                await asyncio.sleep(0.01)
        return seen

    async def open_door(self, name: str, port: int = 0) -> str:
        """Listen on one more socket; give its address."""
        return str((await self._post("doors", {"name": name, "port": port}))["url"])

    async def shut_door(self, name: str) -> None:
        """Stop listening there: connections are refused."""
        await self._delete(f"doors/{name}")

    async def ahead(self, seconds: float) -> None:
        """Set the provider's clock ahead."""
        await self._post("clock", {"ahead_s": seconds})

    async def models(self, *names: str) -> None:
        """Set the models that are listed."""
        await self._post("models", {"models": names})

    async def reset(self) -> None:
        """Forget everything."""
        await self._post("reset", {})

    async def _post(self, name: str, body: Any) -> Any:
        return await self._call("POST", name, json=body)

    async def _get(self, name: str) -> Any:
        return await self._call("GET", name)

    async def _delete(self, name: str) -> Any:
        return await self._call("DELETE", name)

    async def _call(self, method: str, name: str, **more: Any) -> Any:
        assert self._session is not None, "async with FakeProvider(url) as provider"
        url = f"{self.url}/_control/{name}"
        async with self._session.request(method, url, **more) as response:
            assert response.status == 200, await response.text()
            return await response.json()
