"""The dispatcher's mailbox: what came in, who waits for the answer, and the bell.

A delivery is what one wake takes out. It is answered, refused, handed back, or split into its
parts when the whole could not be carried out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.dispatching.facts import Act, Fact, Inbox
from engine.errors import HelioError, HouseFault
from engine.messages import Report

# Turns of the loop between the bell and the taking: what arrives together then shares one
# transaction, and so one sync of the disk. An idle house loses some ten microseconds by it.
_GATHERING = 4

Answer = asyncio.Future[dict[str, Any]]
Receipt = asyncio.Future[bool]


@dataclass(slots=True)
class Delivery:
    """What one wake carries out, and who waits for it."""

    inbox: Inbox
    answers: list[Answer] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def parts(self) -> int:
        """How many separate things it holds."""
        return len(self.inbox.acts) + len(self.inbox.reports) + len(self.inbox.facts)


class Mailbox:
    """Collects until a wake takes it."""

    def __init__(self) -> None:
        self._now = Delivery(Inbox())
        self._parts: deque[Delivery] = deque()
        self._bell = asyncio.Event()
        self._committed = asyncio.Event()

    async def put_act(self, act: Act) -> dict[str, Any]:
        """Hand in an act and wait for its answer; it is durable then."""
        return await self.post(act)

    async def put_reports(self, reports: Sequence[Report]) -> bool:
        """Hand in reports; True once they are durable, False when they must be sent again."""
        receipt: Receipt = asyncio.get_running_loop().create_future()
        self._now.inbox.reports.extend(reports)
        self._now.receipts.append(receipt)
        self._bell.set()
        return await receipt

    def post(self, act: Act) -> Answer:
        """Hand in an act now; its answer may be waited for or not."""
        answer: Answer = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._now.inbox.acts.append(act)
        self._now.answers.append(answer)
        self._bell.set()
        return answer

    def put_fact(self, fact: Fact) -> None:
        """Hand in a fact about a session."""
        self._now.inbox.facts.append(fact)
        self._bell.set()

    def ask_for_sweep(self, anchor: Mapping[str, Any]) -> None:
        """Let the next wake sweep, and note where the steady clock stands."""
        self._now.inbox.sweep = anchor
        self._bell.set()

    async def rung(self, within_s: float) -> None:
        """Wait until something came in, or until the time is over."""
        if self._parts:
            return
        try:
            async with asyncio.timeout(within_s):
                await self._bell.wait()
                for _ in range(_GATHERING):
                    await asyncio.sleep(0)
        except TimeoutError:
            pass

    async def next_commit(self, within_s: float) -> None:
        """Wait until a wake has committed, or until the time is over."""
        try:
            async with asyncio.timeout(within_s):
                await self._committed.wait()
        except TimeoutError:
            pass

    def take(self) -> Delivery:
        """Take everything out; a split delivery's parts come first, one at a time."""
        if self._parts:
            return self._parts.popleft()
        self._bell.clear()
        delivery, self._now = self._now, Delivery(Inbox())
        return delivery

    def answer(self, delivery: Delivery, answers: Sequence[dict[str, Any] | HelioError]) -> None:
        """Give everybody of a committed delivery their answer."""
        for future, answer in zip(delivery.answers, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, HelioError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        _settle(delivery.receipts, taken=True)
        self._committed.set()
        self._committed = asyncio.Event()

    def refuse(self, delivery: Delivery, trouble: HelioError) -> None:
        """Nothing of it was written: requests fail, reports must come again, facts are kept."""
        for future in delivery.answers:
            if not future.done():
                future.set_exception(trouble)
        _settle(delivery.receipts, taken=False)
        self._now.inbox.facts[:0] = delivery.inbox.facts

    def hand_back(self, delivery: Delivery) -> None:
        """Put a delivery that was not carried out back in front."""
        ahead = self._now
        ahead.inbox.acts[:0] = delivery.inbox.acts
        ahead.inbox.reports[:0] = delivery.inbox.reports
        ahead.inbox.facts[:0] = delivery.inbox.facts
        ahead.answers[:0] = delivery.answers
        ahead.receipts[:0] = delivery.receipts

    def refuse_all(self, trouble: HelioError) -> None:
        """Refuse all that waits: the house cannot take it now."""
        while self._parts:
            self.refuse(self._parts.popleft(), trouble)
        self.refuse(self.take(), trouble)

    def split(self, delivery: Delivery) -> None:
        """Queue the parts of a delivery that failed as a whole; a single part is refused."""
        if delivery.parts <= 1:
            delivery.inbox.facts.clear()
            self.refuse(delivery, HouseFault("This could not be carried out; see the log."))
            return
        _settle(delivery.receipts, taken=False)
        inbox = delivery.inbox
        self._parts.extend(Delivery(Inbox(reports=[report])) for report in inbox.reports)
        self._parts.extend(Delivery(Inbox(facts=[fact])) for fact in inbox.facts)
        self._parts.extend(
            Delivery(Inbox(acts=[act]), answers=[answer])
            for act, answer in zip(inbox.acts, delivery.answers, strict=True)
        )


def _settle(receipts: Sequence[Receipt], *, taken: bool) -> None:
    for receipt in receipts:
        if not receipt.done():
            receipt.set_result(taken)
