"""A client that reads a response while it is being written, and may hang up.

httpx's ASGI transport waits for the end of a response; a live stream has none.
"""

import asyncio
import json
from typing import Any, Self
from urllib.parse import urlencode

from interfaces.sse import Frame, frames


class Line:
    """One open request to an ASGI application."""

    def __init__(self, app: Any, path: str, query: Any = (), **headers: str) -> None:
        given = {"host": "localhost", "authorization": "Bearer the-token-of-the-house"} | headers
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": urlencode(query, doseq=True).encode(), "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in given.items()],
        }  # fmt: skip
        self._app = app
        self._came: asyncio.Queue[Any] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self._text = ""
        self.status = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._came.put))
        head = await asyncio.wait_for(self._came.get(), 5)
        self.status = head["status"]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        await asyncio.wait_for(asyncio.gather(self._task, return_exceptions=True), 5)

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def text(self, timeout_s: float = 5) -> str:
        """The next piece of the body."""
        message = await asyncio.wait_for(self._came.get(), timeout_s)
        return message["body"].decode()

    async def frame(self, timeout_s: float = 5) -> Frame:
        """The next frame with data."""
        async with asyncio.timeout(timeout_s):
            while True:
                for frame in frames((await self.text(timeout_s)).split("\n")):
                    return frame

    async def seqs(self, count: int) -> list[int]:
        """The places of so many next events."""
        return [(await self.frame()).seq for _ in range(count)]

    async def body(self) -> Any:
        """The whole of a JSON answer."""
        return json.loads(await self.text())
