"""Admission: how much may be sent so that a limit is never met, and who may use the last of it.

Each limit of so many a minute is a `Window` of tokens: whoever is admitted takes some, and each
comes back a minute after it was taken. So no minute, wherever it begins, sees more than the
limit's share; a bucket that refills steadily would let nearly twice the limit through in the
minute after a pause. A `Headroom` is the provider's own word of what is left until its reset.

A `Lack` says until when there is none. Questions change nothing that shows; `take` and `correct`
do. It knows no provider and no lane.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from engine.moments import US_PER_S
from routing.models import Slot
from routing.requests import Skip, SkipReason

MINUTE_US = 60 * US_PER_S
_GRAIN_US = US_PER_S  # takings of one second come back together
_STAYS_US = MINUTE_US + _GRAIN_US  # out, from the second of the taking on
_ANSWERS_KEPT = 64  # of a window
_ROUNDING = 1e-9  # 0.9 * 10 is a little less than 9


@dataclass(frozen=True, slots=True)
class Lack:
    """No room until then; `reserved`: what there is belongs to P0 and P1."""

    until: int
    detail: str
    reserved: bool = False
    skips: dict[object, Skip] = field(default_factory=dict, compare=False, repr=False)

    def skip(self, of: object, slot: Slot) -> Skip:
        """Give the skip of a slot that lacks it; made once, as in `routing.state.Shut`."""
        made = self.skips.get(of)
        if made is None:
            reason = SkipReason.RESERVED if self.reserved else SkipReason.ADMISSION_FULL
            made = self.skips[of] = Skip(slot, reason, self.until, self.detail)
        return made


class Window:
    """So many tokens a minute. `cap` is the share of the limit that we use.

    What was taken is kept as running sums, one for each second: who asks what is out at a time,
    or when enough is back, finds the second by halving.
    """

    __slots__ = ("_back", "_known", "_lacks", "_seconds", "_sums", "_taken", "cap", "limit")

    def __init__(self, limit: int, share: float) -> None:
        self.limit = limit
        self.cap = max(1, int(limit * share + _ROUNDING))
        self._seconds: list[int] = []  # in which something was taken, oldest first
        self._sums: list[int] = []  # of all that was taken up to and in each of them
        self._taken = 0  # the last sum
        self._back = 0  # so much of it has come back for certain; more may have since
        self._known: dict[tuple[int, float], tuple[int, Lack]] = {}  # (amount, part), as it is now
        self._lacks: dict[tuple[int, bool], Lack] = {}  # (until, reserved)

    def resize(self, limit: int, share: float) -> None:
        """Take another limit; what was used stays used."""
        self.limit = limit
        self.cap = max(1, int(limit * share + _ROUNDING))
        self._known.clear()
        self._lacks.clear()

    def take(self, amount: int, now: int) -> None:
        """Take tokens, also more than there are: those who ask first see to that."""
        old = bisect_right(self._seconds, now - _STAYS_US)
        if old:
            self._back = self._sums[old - 1]
            del self._seconds[:old], self._sums[:old]
            self._lacks.clear()
        self._taken += amount
        second = now - now % _GRAIN_US
        if self._seconds and self._seconds[-1] >= second:
            self._sums[-1] = self._taken
        else:
            self._seconds.append(second)
            self._sums.append(self._taken)
        self._known.clear()

    def correct(self, change: int, taken_at: int) -> None:
        """Take more or fewer after all than at that time; what came back since is past."""
        second = taken_at - taken_at % _GRAIN_US
        place = bisect_left(self._seconds, second)
        if place == len(self._seconds) or self._seconds[place] != second:
            return
        self._taken += change
        self._sums[place:] = [taken + change for taken in self._sums[place:]]
        self._known.clear()

    def used(self, now: int) -> int:
        """Give how many are out."""
        old = bisect_right(self._seconds, now - _STAYS_US)
        return self._taken - (self._sums[old - 1] if old else self._back)

    def admits(self, amount: int, now: int, part: float = 1.0) -> bool:
        """Whether so many fit into this part of the cap."""
        return self.free_at(amount, now, part) <= now

    def free_at(self, amount: int, now: int, part: float = 1.0) -> int:
        """Give when so many fit into this part of the cap: now, or when enough have come back.

        More than the whole part fits when nothing is out: else it never would.
        """
        cap = self.cap if part >= 1 else max(1, int(self.cap * part + _ROUNDING))
        needed = self._taken + min(amount, cap) - cap  # when so many of all that was taken are back
        if needed <= self._back:
            return now
        return max(now, self._seconds[bisect_left(self._sums, needed)] + _STAYS_US)

    def lack(self, amount: int, now: int, part: float = 1.0) -> Lack | None:
        """Say until when so many do not fit into this part of the cap, None where they do.

        What was said holds until something is taken or comes back: it need not be worked out for
        every request that finds the window full.
        """
        if self._taken - self._back + amount <= self.cap * part:  # the usual case
            return None
        known = self._known.get((amount, part))
        if known is not None and now < known[0]:
            return known[1]
        until = self.free_at(amount, now, part)
        if until <= now:
            return None
        whole = until if part >= 1 else self.free_at(amount, now)
        reserved = whole <= now
        lack = self._lack(until, reserved=reserved)
        if len(self._known) >= _ANSWERS_KEPT:
            self._known.clear()
        self._known[amount, part] = (until if reserved else whole, lack)
        return lack

    def _lack(self, until: int, *, reserved: bool) -> Lack:
        lack = self._lacks.get((until, reserved))
        if lack is None:
            if len(self._lacks) >= _ANSWERS_KEPT:
                self._lacks.clear()
            lack = self._lacks[until, reserved] = Lack(until, f"{self.limit} a minute", reserved)
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

    def lack(self, tokens: int, now: int, part: float = 1.0) -> Lack | None:
        """Say until when one request and so many tokens do not fit, None where they do."""
        found = None
        if self.requests is not None:
            found = self.requests.lack(1, now, part)
        if found is None and self.tokens is not None:
            found = self.tokens.lack(tokens, now, part)
        return found

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
