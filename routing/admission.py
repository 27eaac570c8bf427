"""Admission: how much may be sent so that a limit is never met, and who may use the last of it.

Each limit of so many a minute is a `Window` of tokens: whoever is admitted takes some, and each
comes back a minute after it was taken. So no minute, wherever it begins, sees more than the
limit's share; a bucket that refills steadily would let nearly twice the limit through in the
minute after a pause. A `Headroom` is the provider's own word of what is left until its reset.

A `Lack` says until when there is none. Questions change nothing that shows; `take` and `correct`
do. It knows no provider and no lane.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from engine.moments import US_PER_S
from routing.models import Slot
from routing.requests import Skip, SkipReason

MINUTE_US = 60 * US_PER_S
_GRAIN_US = US_PER_S  # takings of one second come back together
_ANSWERS_KEPT = 64  # of a window, until something is taken
_ROUNDING = 1e-9  # 0.9 * 10 is a little less than 9


@dataclass(frozen=True, slots=True)
class Lack:
    """No room until then; `reserved`: what there is belongs to P0 and P1."""

    until: int
    detail: str
    reserved: bool = False
    holds_until: int = 0  # from then on it may be another one
    skips: dict[object, Skip] = field(default_factory=dict, compare=False, repr=False)

    def skip(self, of: object, slot: Slot) -> Skip:
        """Give the skip of a slot that lacks it; made once, as in `routing.state.Shut`."""
        made = self.skips.get(of)
        if made is None:
            reason = SkipReason.RESERVED if self.reserved else SkipReason.ADMISSION_FULL
            made = self.skips[of] = Skip(slot, reason, self.until, self.detail)
        return made


class Window:
    """So many tokens a minute. `cap` is the share of the limit that we use."""

    __slots__ = ("_lacks", "_parts", "_used", "cap", "limit")

    def __init__(self, limit: int, share: float) -> None:
        self.limit = limit
        self.cap = max(1, int(limit * share + _ROUNDING))
        self._parts: deque[list[int]] = deque()  # [second, tokens]
        self._used = 0  # an upper bound between takings: parts may have come back since
        self._lacks: dict[tuple[int, float], Lack] = {}  # (amount, part) -> as things are

    def resize(self, limit: int, share: float) -> None:
        """Take another limit; what was used stays used."""
        self.limit = limit
        self.cap = max(1, int(limit * share + _ROUNDING))
        self._lacks.clear()

    def take(self, amount: int, now: int) -> None:
        """Take tokens, also more than there are: those who ask first see to that."""
        while self._parts and self._parts[0][0] <= now - MINUTE_US - _GRAIN_US:
            self._used -= self._parts.popleft()[1]
        second = now - now % _GRAIN_US
        if self._parts and self._parts[-1][0] >= second:
            self._parts[-1][1] += amount
        else:
            self._parts.append([second, amount])
        self._used += amount
        self._lacks.clear()

    def correct(self, change: int, taken_at: int) -> None:
        """Take more or fewer after all than at that time; what came back since is past."""
        second = taken_at - taken_at % _GRAIN_US
        for part in self._parts:
            if part[0] == second:
                part[1] += change
                self._used += change
        self._lacks.clear()

    def used(self, now: int) -> int:
        """Give how many are out."""
        start = now - MINUTE_US - _GRAIN_US
        if not self._parts or self._parts[0][0] > start:  # nothing has come back
            return self._used
        return sum(amount for second, amount in self._parts if second > start)

    def admits(self, amount: int, now: int, part: float = 1.0) -> bool:
        """Whether so many fit into this part of the cap."""
        return self.free_at(amount, now, part) <= now

    def free_at(self, amount: int, now: int, part: float = 1.0) -> int:
        """Give when so many fit into this part of the cap: now, or when enough have come back.

        More than the whole part fits when nothing is out: else it never would.
        """
        cap = self.cap if part >= 1 else max(1, int(self.cap * part + _ROUNDING))
        left = self.used(now) + min(amount, cap) - cap
        until = now
        for second, out in self._parts:
            if left <= 0:
                break
            if second > now - MINUTE_US - _GRAIN_US:
                left -= out
                until = second + MINUTE_US + _GRAIN_US
        return until

    def lack(self, amount: int, now: int, part: float = 1.0) -> Lack | None:
        """Say until when so many do not fit into this part of the cap, None where they do.

        What was said holds until something is taken or comes back: it need not be worked out for
        every request that finds the window full.
        """
        if self._used + amount <= self.cap * part:  # the usual case, and `_used` is no less
            return None
        known = self._lacks.get((amount, part))
        if known is not None and now < known.holds_until:
            return known
        until = self.free_at(amount, now, part)
        if until <= now:
            return None
        whole = until if part >= 1 else self.free_at(amount, now)
        reserved = whole <= now
        holds = until if reserved else whole
        lack = Lack(until, f"{self.limit} a minute", reserved, holds)
        if len(self._lacks) >= _ANSWERS_KEPT:
            self._lacks.clear()
        self._lacks[amount, part] = lack
        return lack


class Allowance:
    """The windows of requests and of tokens of one thing; None is not known to be limited."""

    __slots__ = ("requests", "tokens")

    def __init__(self) -> None:
        self.requests: Window | None = None
        self.tokens: Window | None = None

    def size(self, requests: int, tokens: int, share: float) -> None:
        """Take limits a minute, 0 being none; what was used of older ones stays used."""
        self.requests = _sized(self.requests, requests, share)
        self.tokens = _sized(self.tokens, tokens, share)

    def learn(self, requests: int | None, tokens: int | None, share: float) -> None:
        """Take the limits that were told; what was not told stays."""
        if requests:
            self.requests = _sized(self.requests, requests, share)
        if tokens:
            self.tokens = _sized(self.tokens, tokens, share)

    def take(self, tokens: int, now: int) -> None:
        """Take one request and so many tokens."""
        if self.requests is not None:
            self.requests.take(1, now)
        if self.tokens is not None:
            self.tokens.take(tokens, now)

    def correct(self, change: int, taken_at: int) -> None:
        """Take more or fewer tokens after all."""
        if self.tokens is not None:
            self.tokens.correct(change, taken_at)


def _sized(window: Window | None, limit: int, share: float) -> Window | None:
    if not limit:
        return None
    if window is None:
        return Window(limit, share)
    if window.limit != limit:
        window.resize(limit, share)
    return window


@dataclass(frozen=True, slots=True)
class Headroom:
    """What the provider said is left of a limit until its reset."""

    left: int
    reset: int

    def admits(self, amount: int, now: int) -> bool:
        """Whether so many are left, as far as is known."""
        return now >= self.reset or amount <= self.left

    def less(self, amount: int) -> Headroom:
        """Give what is left after taking some."""
        return Headroom(max(self.left - amount, 0), self.reset)


class Retries:
    """Second attempts at a provider, held to a part of its first ones."""

    __slots__ = ("_attempts", "_seconds", "_share")

    FREE = 3  # a minute, so that a quiet provider can be asked again at all

    def __init__(self, share: float) -> None:
        self._share = share
        self._attempts = Window(1, 1.0)
        self._seconds = Window(1, 1.0)

    def admits(self, now: int) -> bool:
        """Whether one more second attempt is within the budget."""
        out = self._seconds.used(now)
        return out < max(self.FREE, self._share * self._attempts.used(now))

    def take(self, now: int, *, again: bool) -> None:
        """Count an attempt."""
        (self._seconds if again else self._attempts).take(1, now)
