"""A router in a process of its own, without Ray, so that it can be killed: `LoneRouter`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.router import Router
from actors.routing.office import Outside

TOKEN = "the-owner-s-own-token"


class Taker:
    """A dispatcher that takes every call."""

    async def command(self, name: str, body: Any) -> dict[str, Any]:
        return {"taken": body["calls"][-1][0]} if name == "call.take" else {}

    async def query(self, name: str, body: Any) -> dict[str, Any]:
        return {"halted_at": 0}


@dataclass
class LoneRouter:
    """One home and the process that serves it; every life listens at an address of its own."""

    home: Path
    url: str = ""
    process: subprocess.Popen[str] | None = None

    def live(self) -> None:
        """Start it and wait until its gateway listens."""
        words = [sys.executable, "-P", "-m", "tests.fault.lone_router", str(self.home)]
        environment = {**os.environ, "FAKE_KEY": "sk-of-the-provider"}
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the router did not start"

    def kill(self) -> None:
        """kill -9."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """See that nothing is left."""
        if self.process is not None:
            with self.process as process:
                assert process.stdin
                process.stdin.close()
                process.wait(timeout=20)
            self.process = None


@contextmanager
def lone_router(place: Path, models: str) -> Iterator[LoneRouter]:
    """Make a home with this catalogue and run a router on it."""
    home = place / "home"
    (home / "empty").mkdir(parents=True)
    (home / "config.toml").write_text("[models]\nport = 0\nbackoff_first_s = 1\n")
    (home / "models.toml").write_text(models)
    (home / "token").write_text(TOKEN)
    (home / "token").chmod(0o600)
    router = LoneRouter(home)
    router.live()
    try:
        yield router
    finally:
        router.end()


async def serve(home: str) -> None:
    router = Router(home, Outside(find_desk=Taker))
    where = await router.query("gateway.where", {})
    print(where["ok"]["url"], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await router.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
