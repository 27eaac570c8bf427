"""Carry out a sitting: its steps become calls, their ends become its facts, time passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from actors.councils.asking import Asking
from routing.council import (
    MEMBERS_SHARE,
    SYSTEM,
    AskMember,
    Sitting,
    Step,
    Synthesise,
    Verdict,
    Vote,
)


async def hold(
    sitting: Sitting,
    asking: Asking,
    question: str,
    system: str,
    *,
    total_s: float,
    monotonic: Callable[[], float],
) -> Verdict:
    """Run a sitting to its verdict; calls that are still under way then are ended."""
    return await _Run(sitting, asking, question, system, monotonic).go(total_s * MEMBERS_SHARE)


class _Run:
    """One sitting under way."""

    def __init__(
        self,
        sitting: Sitting,
        asking: Asking,
        question: str,
        system: str,
        monotonic: Callable[[], float],
    ) -> None:
        self._sitting, self._asking = sitting, asking
        self._question, self._system = question, system
        self._monotonic = monotonic
        self._tasks: set[asyncio.Task[None]] = set()
        self._verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

    async def go(self, members_s: float) -> Verdict:
        loop = asyncio.get_running_loop()
        self._take(self._sitting.begin(self._monotonic()))
        bell = loop.call_later(members_s, self._members_time_is_over)
        try:
            return await self._verdict
        finally:
            bell.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _members_time_is_over(self) -> None:
        self._take(self._sitting.members_time_is_over(self._monotonic()))

    def _take(self, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case AskMember():
                    self._begin(self._ask(step))
                case Synthesise():
                    self._begin(self._weigh(step))
                case Verdict():
                    self._verdict.set_result(step)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, step: AskMember) -> None:
        began = self._monotonic()
        said = await self._asking.ask(
            step.member.model, self._system, self._question, within_s=step.within_s, pinned=True
        )
        now = self._monotonic()
        vote = Vote(
            member=step.member,
            text=said.text,
            why=said.why,
            served=said.served,
            provider=said.provider,
            usd=said.usd,
            took_s=now - began,
        )
        self._take(self._sitting.heard(vote, now))

    async def _weigh(self, step: Synthesise) -> None:
        said = await self._asking.ask(
            step.model, SYSTEM, step.prompt, within_s=step.within_s, pinned=False
        )
        if said.why:
            self._take(self._sitting.not_weighed(self._monotonic()))
        else:
            model = said.model or said.served or step.model
            self._take(self._sitting.weighed(said.text, model, said.usd))
