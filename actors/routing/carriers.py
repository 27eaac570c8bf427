"""The transports of the house, each made when a provider first needs it.

LiteLLM's carrier starts a process; a house whose providers are spoken to directly has none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from routing.models import Provider, Transport
from routing.ports import Carrier


def _make(transport: Transport, empty: Path) -> Carrier:
    """Make a transport; its libraries are imported when it is."""
    match transport:
        case Transport.LITELLM:
            from actors.transports.litellm import LitellmCarrier  # noqa: PLC0415

            return LitellmCarrier(empty)
        case Transport.RELAY:
            from actors.transports.relay import RelayCarrier  # noqa: PLC0415

            return RelayCarrier()
        case Transport.DIRECT:
            from actors.transports.direct import DirectCarrier  # noqa: PLC0415

            return DirectCarrier()


class Carriers:
    """One carrier a kind of transport, shared by all providers and calls.

    A transport that needs a process starts it in `empty`, a directory without files.
    """

    def __init__(self, empty: Path, make: Callable[[Transport, Path], Carrier] = _make) -> None:
        self._empty = empty
        self._make = make
        self._made: dict[Transport, Carrier] = {}

    def of(self, provider: Provider) -> Carrier:
        """Give the carrier to a provider."""
        made = self._made.get(provider.transport)
        if made is None:
            made = self._made[provider.transport] = self._make(provider.transport, self._empty)
        return made

    async def close(self) -> None:
        """Let go of all connections and processes."""
        made, self._made = list(self._made.values()), {}
        for carrier in made:
            await carrier.close()
