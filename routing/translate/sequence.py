"""Interleaved blocks, told one after the other.

Parallel tool calls may arrive with their pieces mixed. A dialect that has one block open at a
time gets the first block as it grows, and each other one in its turn, whole as far as it came:
pieces wait with their own block and never land in another's.
"""

from __future__ import annotations

from routing.conversation import Begun, Closed, Ended, Event, Grew, Opened


class OneAtATime:
    """Puts events in such an order that at most one block is open."""

    def __init__(self) -> None:
        self._open: int | None = None
        # Blocks that wait for their turn, in the order in which they began.
        self._waiting: dict[int, list[Event]] = {}

    def put(self, event: Event) -> list[Event]:
        """Take the next event and give those whose turn has come."""
        match event:
            case Begun():
                return [event]
            case Ended():
                return [*self.rest(), event]
            case Opened(index) if self._open is None:
                self._open = index
            case Opened(index):
                self._waiting[index] = [event]
                return []
            case Grew(index) | Closed(index) if index != self._open:
                self._waiting[index].append(event)
                return []
            case _:
                pass
        return [event, *self._next()] if isinstance(event, Closed) else [event]

    def rest(self) -> list[Event]:
        """Close what is open and give all that waits, for the answer is over."""
        told: list[Event] = []
        while self._open is not None:
            told.append(Closed(self._open))
            told += self._next()
        return told

    def _next(self) -> list[Event]:
        """Give the blocks that wait, up to the first that is not closed yet."""
        self._open = None
        told: list[Event] = []
        while self._waiting and self._open is None:
            index = next(iter(self._waiting))
            events = self._waiting.pop(index)
            told += events
            if not isinstance(events[-1], Closed):
                self._open = index
        return told
