"""Time, chance and the network of one simulated house."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from engine.moments import US_PER_S, Moment, us

_BEGIN = 1_800_000_000 * US_PER_S
_QUICK_S, _SLOW_S = 0.02, 8.0


class World:
    """A heap of things that will happen. Each happens at an instant of its own."""

    def __init__(self, seed: int, *, tracing: bool = False) -> None:
        self.rng = Random(seed)
        self.now = _BEGIN
        self.steps = 0
        self.calm = False  # the faults have stopped
        self.trace: list[str] = []
        self._tracing = tracing
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._cut_until = 0
        self._jumps: list[tuple[int, int]] = [(0, 0)]

    # -- time ---------------------------------------------------------------------------------
    @property
    def mono(self) -> float:
        """Elapsed seconds, as a session's clocks count them."""
        return (self.now - _BEGIN) / US_PER_S

    def moment(self) -> Moment:
        """Now, on both clocks."""
        return Moment(steady=self.now, wall=self.wall_at(self.now))

    def wall_at(self, steady: int) -> int:
        """What the wall clock showed at a steady time."""
        place = bisect_right(self._jumps, steady, key=lambda jump: jump[0]) - 1
        return steady + self._jumps[place][1]

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self._jumps.append((self.now, self._jumps[-1][1] + us(seconds)))
        self.tell("the wall clock jumps by %s s", seconds)

    # -- what happens -------------------------------------------------------------------------
    def after(self, delay_s: float, act: Callable[..., None], *args: Any) -> None:
        """Let something happen in a while."""
        heapq.heappush(self._heap, (self.now + us(delay_s), next(self._order), act, args))

    def run(self, until_s: float | None = None, steps: int = 10**9) -> bool:
        """Let things happen until a time, or until nothing is left; False when out of steps."""
        end = None if until_s is None else _BEGIN + us(until_s)
        while self._heap and steps:
            if end is not None and self._heap[0][0] > end:
                break
            at, _, act, args = heapq.heappop(self._heap)
            self.now = max(self.now + 1, at)
            self.steps += 1
            steps -= 1
            act(*args)
        if end is not None:
            self.now = max(self.now, end)
        return steps > 0

    def cut(self, seconds: float) -> None:
        """Nothing passes for a while, unless the faults have stopped."""
        if not self.calm:
            self._cut_until = self.now + us(seconds)
            self.tell("the network is cut for %s s", seconds)

    # -- the network --------------------------------------------------------------------------
    def chance(self, probability: float) -> bool:
        """Whether a fault strikes now; never after the faults have stopped."""
        return not self.calm and self.rng.random() < probability

    def send(self, act: Callable[..., None], *args: Any) -> None:
        """Carry a message: perhaps late, perhaps twice, perhaps never."""
        if self.now < self._cut_until or self.chance(0.06):
            self.tell("lost: %s", act)
            return
        self.after(self._delay_s(), act, *args)
        if self.chance(0.04):
            self.after(self._delay_s(), act, *args)

    def _delay_s(self) -> float:
        longest = _SLOW_S if self.chance(0.07) else _QUICK_S
        return self.rng.random() * longest

    def tell(self, text: str, *args: object) -> None:
        """Note a line of the trace, if one is wanted."""
        if self._tracing:
            named = [getattr(arg, "__qualname__", arg) for arg in args]
            self.trace.append(f"{self.mono:12.6f}  {text % tuple(named)}")
