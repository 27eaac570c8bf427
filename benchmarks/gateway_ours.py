"""Our router with its gateway and its ledger, in a process of its own, without Ray.

`python -P -m benchmarks.gateway_ours HOME` prints the gateway's address and serves until stdin
closes. The dispatcher behind it takes every call and does nothing.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from actors.router import Router
from actors.routing.office import Outside


class Taker:
    """A dispatcher that takes every fact of the ledger."""

    async def command(self, name: str, body: Any) -> dict[str, Any]:
        """Take facts."""
        assert name == "call.take", name
        return {"taken": body["calls"][-1][0] if body["calls"] else 0}

    async def query(self, name: str, body: Any) -> dict[str, Any]:
        """The house is not halted."""
        del name, body
        return {"halted_at": 0}


async def serve(home: str) -> None:
    """Serve until stdin closes."""
    router = Router(home, Outside(find_desk=Taker))
    where = await router.query("gateway.where", {})
    print(where["ok"]["url"], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await router.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
