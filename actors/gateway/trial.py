"""One attempt at one candidate, from the grant to the settlement: time, usage, outcome.

Whatever happens, an attempt is settled exactly once: the reservation behind it would stand for
ever otherwise. It knows no socket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from actors.gateway.office import GatewayOffice
from routing.conversation import Begun, Ended, Event, Grew, Usage
from routing.faults import Fault, FaultKind
from routing.requests import Grant, Spent
from routing.tokens import BYTES_A_TOKEN

_US_PER_S = 1_000_000
# The provider said no, or was not reached: nothing was made, so nothing is charged.
_FREE = frozenset(
    {
        FaultKind.RATE_LIMIT,
        FaultKind.QUOTA,
        FaultKind.OVERLOADED,
        FaultKind.SERVER,
        FaultKind.CONNECT,
        FaultKind.AUTH,
        FaultKind.NOT_FOUND,
        FaultKind.CONTEXT,
        FaultKind.REFUSED,
        FaultKind.CONTENT,
    }
)


class Trial:
    """One attempt."""

    def __init__(self, office: GatewayOffice, grant: Grant) -> None:
        self.grant = grant
        self._core = office.core
        self._clock = office.clock
        self._began = office.clock.monotonic()
        self._headers: Mapping[str, str] = {}
        self._first_byte_us = 0
        self._usage: Usage | None = None
        self._whole = False
        self._made_chars = 0
        self._served = ""
        self._record: dict[str, Any] | None = None

    def head(self, headers: Mapping[str, str]) -> None:
        """A good head of a stream came."""
        self._headers = headers
        self._first_byte_us = max(self._took_us(), 1)
        self._core.head(self.grant, headers, self._clock.now())

    def hear(self, events: Iterable[Event]) -> None:
        """Learn from what the answer tells."""
        for event in events:
            match event:
                case Grew():
                    self._made_chars += len(event.text)
                case Begun():
                    self._served = event.model or self._served
                    self._usage = event.usage or self._usage
                case Ended():
                    self._usage = event.usage or self._usage
                    self._whole = True
                case _:
                    pass

    def learn(self, headers: Mapping[str, str], served: str, usage: Usage | None) -> None:
        """Take what a whole answer says. Its first byte is no measure of a stream's."""
        self._headers, self._served, self._usage, self._whole = headers, served, usage, True

    @property
    def served(self) -> str:
        """The model as the provider named it."""
        return self._served

    def won(self) -> dict[str, Any]:
        """Settle a success; gives the call's record."""
        return self._settle(None, self._usage)

    def lost(self, fault: Fault) -> dict[str, Any]:
        """Settle a failure; what had been made by then is charged as far as it is known."""
        usage = self._usage
        if usage is None:
            nothing = fault.kind in _FREE and not self._made_chars
            usage = Usage() if nothing else None
        elif not self._whole:
            made = max(usage.output, round(self._made_chars / BYTES_A_TOKEN))
            usage = Usage(usage.input, made, usage.cache_read, usage.cache_write, usage.reasoning)
        return self._settle(fault, usage)

    def abandon(self) -> None:
        """Settle what nobody waits for any more, unless it is settled."""
        if self._record is None:
            self.lost(Fault(FaultKind.CANCELLED, "the client went away"))

    def drop(self) -> None:
        """Settle an attempt that never reached its provider: it cost nothing."""
        self._settle(Fault(FaultKind.CANCELLED, "the call was not made"), Usage())

    def _settle(self, fault: Fault | None, usage: Usage | None) -> dict[str, Any]:
        if self._record is None:
            spent = self._spent(fault, usage)
            self._record = self._core.settle(self.grant, spent, self._clock.now())
        return self._record

    def _spent(self, fault: Fault | None, usage: Usage | None) -> Spent:
        told = usage or Usage()
        return Spent(
            ok=fault is None,
            usage_known=usage is not None,
            input=told.input,
            output=told.output,
            cache_read=told.cache_read,
            cache_write=told.cache_write,
            reasoning=told.reasoning,
            fault=str(fault.kind) if fault else "",
            status=fault.status if fault else 200,
            served=self._served,
            headers=(fault.headers if fault else None) or self._headers,
            body=fault.body if fault else {},
            first_byte_us=self._first_byte_us,
            took_us=self._took_us(),
        )

    def _took_us(self) -> int:
        return round((self._clock.monotonic() - self._began) * _US_PER_S)
