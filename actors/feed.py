"""Live output on its way to the hub: gathered for a moment, then published, never waited for.

What the hub does not take is dropped: readers find it in the log file, by its offset.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from actors.output import Chunk
from engine.errors import HelioError
from engine.messages import Order
from engine.ports import Clock, HubFace

JOB_OUTPUT = "job.output"  # a passing event: seq 0, not in the store's catalogue
_PENDING_BYTES = 2**20
_LOG = logging.getLogger("heliograph.session")


class Feed:
    """Gathers chunks of output and publishes them as passing events."""

    def __init__(self, clock: Clock, find_hub: Callable[[], HubFace], gather_s: float) -> None:
        self._clock = clock
        self._find_hub = find_hub
        self._gather_s = gather_s
        self._pending: list[dict[str, Any]] = []
        self._size = 0
        self._news = asyncio.Event()

    def show(self, order: Order, chunk: Chunk) -> None:
        """Add a chunk; it joins the one before when it continues it."""
        size = len(chunk.text.encode())
        if self._size + size > _PENDING_BYTES:
            return
        self._size += size
        last = self._pending[-1] if self._pending else None
        if last is not None and _continues(last, order, chunk):
            last["data"]["text"] += chunk.text
        else:
            self._pending.append(self._event(order, chunk))
        self._news.set()

    async def run(self) -> None:
        """Publish what comes, for ever."""
        while True:
            await self._news.wait()
            await asyncio.sleep(self._gather_s)
            await self.publish()

    async def publish(self) -> None:
        """Publish what is pending, now."""
        self._news.clear()
        events, self._pending, self._size = self._pending, [], 0
        if not events:
            return
        try:
            await self._find_hub().publish(events)
        except HelioError:
            pass  # it is away; the file has everything
        except Exception:  # noqa: BLE001  # live output is a comfort, no reason to fail
            _LOG.exception("The hub did not take output.")

    def _event(self, order: Order, chunk: Chunk) -> dict[str, Any]:
        return {
            "seq": 0,
            "at": self._clock.now(),
            "kind": JOB_OUTPUT,
            "subject": order.job,
            "project": order.project,
            "data": {"epoch": order.epoch, "offset": chunk.offset, "text": chunk.text},
        }


def _continues(event: dict[str, Any], order: Order, chunk: Chunk) -> bool:
    data = event["data"]
    end = data["offset"] + len(data["text"].encode())
    return bool(
        event["subject"] == order.job and data["epoch"] == order.epoch and end == chunk.offset
    )
