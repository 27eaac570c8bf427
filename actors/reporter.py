"""The outbox on its way to the dispatcher: in order, again and again, until it is durable there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from actors.sessions.core import SessionCore, reports_to_wire
from engine.errors import HelioError
from engine.messages import ReportKind
from engine.ports import ReportDesk

_BACK_OFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_LOG = logging.getLogger("heliograph.session")


class Reporter:
    """Sends a core's pending reports; only an acknowledgement takes them out."""

    def __init__(
        self, name: str, core: SessionCore, find_desk: Callable[[], ReportDesk], gather_s: float
    ) -> None:
        self._name = name
        self._core = core
        self._find_desk = find_desk
        self._gather_s = gather_s
        self._news = asyncio.Event()
        self.said = "well"
        self.on_taken: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Tell that the outbox has news."""
        self._news.set()

    async def run(self) -> None:
        """Send what is pending, for ever."""
        failures = 0
        while True:
            if not self._core.pending(1):
                await self._news.wait()
            self._news.clear()
            if all(report.kind is ReportKind.PROGRESS for report in self._core.pending()):
                await asyncio.sleep(self._gather_s)  # it does not hurry; others may join it
            if await self.send():
                failures = 0
            else:
                await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
                failures += 1

    async def send(self) -> bool:
        """Send one batch; False when it must be sent again."""
        batch = self._core.pending()
        if not batch:
            return True
        try:
            desk = self._find_desk()
            taken = await desk.report(self._name, self._core.incarnation, reports_to_wire(batch))
        except HelioError as away:
            self.said, taken = away.detail, False
        except Exception as surprise:  # noqa: BLE001  # the loop outlives whatever it meets
            self.said, taken = repr(surprise), False
            _LOG.exception("A report was not taken and will be sent again.")
        if taken:
            self.said = "well"
            self._core.reports_acked(len(batch))
            self.on_taken()
        return taken
