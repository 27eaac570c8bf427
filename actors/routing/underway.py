"""The calls under way, and how they are ended: at a halt, or when their key dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from engine.errors import Halted, HelioError
from routing.requests import Who


def halted() -> Halted:
    """Give the error of a call in a halted house."""
    return Halted(
        "Heliograph is halted: no model is called.",
        remedy="Let it go on: helio resume",
    )


class Underway:
    """Knows every request that is being served. Make it on the loop that serves them."""

    def __init__(self) -> None:
        self._calls: set[_Call] = set()

    def __len__(self) -> int:
        return len(self._calls)

    def call(self, who: Who, *, refuse: HelioError | None) -> AbstractContextManager[None]:
        """Stand around one request; `refuse` is why it must not even begin."""
        return _Call(who, self._calls, refuse)

    async def end(self, doomed: Callable[[Who], bool], why: HelioError, within_s: float) -> None:
        """End the calls of these and wait until they have settled, for so long."""
        ended = [call for call in self._calls if doomed(call.who)]
        for call in ended:
            call.end(why)
        if ended:
            await asyncio.wait([call.left for call in ended], timeout=within_s)


class _Call(AbstractContextManager[None]):
    """One request. Works as `asyncio.timeout` does, with a reason in the place of a time."""

    def __init__(self, who: Who, calls: set[_Call], refuse: HelioError | None) -> None:
        loop = asyncio.get_running_loop()
        self.who = who
        self.left: asyncio.Future[None] = loop.create_future()
        self._calls = calls
        self._why = refuse
        self._task: asyncio.Task[object] | None = asyncio.current_task()
        self._cancelling = 0

    def __enter__(self) -> None:
        if self._why is not None:
            raise self._why
        assert self._task is not None
        self._cancelling = self._task.cancelling()
        self._calls.add(self)

    def end(self, why: HelioError) -> None:
        """End it, once."""
        if self._why is None:
            self._why = why
            assert self._task is not None
            self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._calls.discard(self)
        self.left.set_result(None)
        if self._why is None:
            return
        assert self._task is not None
        ours = self._task.uncancel() <= self._cancelling
        if ours and kind is asyncio.CancelledError:
            raise self._why from fault
