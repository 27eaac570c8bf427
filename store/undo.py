"""The undo log of the in-memory twin: what a roll-back takes back, newest first."""

from __future__ import annotations

from collections.abc import Callable

from store.faults import read_only


class UndoLog:
    """Closed, it refuses every change; open, it remembers how to take each one back."""

    def __init__(self) -> None:
        self.open = False
        self._steps: list[Callable[[], None]] = []

    def note(self, step: Callable[[], None]) -> None:
        """Remember how to take back the change that was just made, or is about to be.

        Raises:
            HouseFault: no write transaction is under way.
        """
        if not self.open:
            raise read_only()
        self._steps.append(step)

    def begin(self) -> None:
        """Open the log for one transaction."""
        self.open = True

    def commit(self) -> None:
        """Keep what was done."""
        self._steps.clear()
        self.open = False

    def roll_back(self) -> None:
        """Take everything back."""
        for step in reversed(self._steps):
            step()
        self.commit()
