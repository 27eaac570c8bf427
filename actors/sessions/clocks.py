"""The three progress clocks of a running order, as arithmetic on elapsed seconds.

Silence counts from the last sign of life, and stands still while a tool call is open, since that
call has a clock of its own. Total counts from the beginning. A limit of 0 switches a clock off.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.failures import Cause, Failure
from engine.messages import Order


@dataclass(slots=True)
class Clocks:
    """When an order began, was last heard of, and opened the tool call it is in."""

    began: float
    heard: float
    tool: float | None = None

    def deadline(self, order: Order) -> float | None:
        """The earliest moment at which one of the clocks runs out."""
        return min((at for at, _ in self._limits(order)), default=None)

    def run_out(self, order: Order, mono: float) -> Failure | None:
        """The failure of the first clock that has run out, or None."""
        due = [(at, text) for at, text in self._limits(order) if at <= mono]
        return Failure(cause=Cause.STUCK, message=min(due)[1]) if due else None

    def _limits(self, order: Order) -> list[tuple[float, str]]:
        limits = []
        if order.total_s > 0:
            text = f"It was not done after {order.total_s:g} s, its limit in all."
            limits.append((self.began + order.total_s, text))
        if order.silence_s > 0 and self.tool is None:
            text = f"It gave no sign of progress for {order.silence_s:g} s."
            limits.append((self.heard + order.silence_s, text))
        if order.tool_s > 0 and self.tool is not None:
            text = f"One tool call took more than {order.tool_s:g} s."
            limits.append((self.tool + order.tool_s, text))
        return limits
