"""What the whole process knows: scripts, quotas, the log, its clock, the models it lists."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from tests.fake_provider.throttle import US, Gauge, standing

KEPT = 20_000  # records of the log
MODELS = ("claude-fake", "gpt-fake", "gemini-fake", "embed-fake", "whisper-fake")


@dataclass(slots=True)
class Record:
    """One request, as the provider saw it."""

    number: int
    at: int  # microseconds UTC by the provider's clock
    door: str
    dialect: str
    path: str
    key: str
    model: str = ""
    stream: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    status: int = 0
    outcome: str = "under way"  # then ok, refused, throttled, scripted, leaked or left
    message: str = ""  # of a refusal
    events: int = 0  # sent of a stream
    ended_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests are meant; what is empty does not filter."""

    door: str = ""
    dialect: str = ""
    key: str = ""
    model: str = ""

    def fits(self, record: Record) -> bool:
        """Whether the request is one of them."""
        return all(not want or want == getattr(record, of) for of, want in asdict(self).items())


@dataclass(slots=True, kw_only=True)
class Script:
    """What to do with the next requests that match: an answer, a fault, or both."""

    id: int
    match: Match
    answer: Mapping[str, Any] | None = None
    fault: Mapping[str, Any] | None = None
    times: int = 1  # 0 is for ever


@dataclass(slots=True, kw_only=True)
class Quota:
    """At most `limit` requests in any window of time; one count for all that match."""

    match: Match
    limit: int
    window_s: float = 60.0
    style: str = "retry-after"
    rejected_cost: bool = False  # a refused request counts as well
    told: bool = True  # good answers say how the limit stands, where the style can
    closed_until: int = 0
    taken: deque[int] = field(default_factory=deque)

    def take(self, now: int) -> tuple[bool, Gauge]:
        """Count one request in; False when there is no room for it."""
        while self.taken and self.taken[0] <= now - self._window:
            self.taken.popleft()
        good = now >= self.closed_until and len(self.taken) < self.limit
        if good or self.rejected_cost:
            self.taken.append(now)
        return good, self._gauge(now)

    @property
    def _window(self) -> int:
        return int(self.window_s * US)

    def _gauge(self, now: int) -> Gauge:
        over = len(self.taken) - self.limit
        oldest = self.taken[over] if 0 <= over < len(self.taken) else now
        reset = now if over < 0 else oldest + self._window
        left = max(0, -over) if now >= self.closed_until else 0
        most = max(reset, self.closed_until)
        return Gauge(limit=self.limit, remaining=left, now_us=now, reset_us=most)

    def headers(self, now: int) -> dict[str, str]:
        """Give what a good answer says of the limit."""
        return standing(self.style, self._gauge(now)) if self.told else {}


class Place:
    """The process's one state; the control endpoint changes it, the providers read it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything that tests said and did."""
        self.scripts: list[Script] = []
        self.quotas: list[Quota] = []
        self.log: deque[Record] = deque(maxlen=KEPT)
        self.counts: Counter[str] = Counter()
        self.models: tuple[str, ...] = MODELS
        self.ahead_us = 0
        self._numbers = count(1)

    def now(self) -> int:
        """The provider's own wall clock, which a test may set ahead."""
        return time.time_ns() // 1000 + self.ahead_us

    def begin(self, **seen: Any) -> Record:
        """Write a request into the log."""
        record = Record(number=next(self._numbers), at=self.now(), **seen)
        self.log.append(record)
        return record

    def end(self, record: Record) -> None:
        """Count a request that is over."""
        record.ended_at = self.now()
        self.counts[record.outcome] += 1

    def script(self, record: Record) -> Script | None:
        """Give the first script that is meant for a request, and use it up."""
        for script in self.scripts:
            if script.match.fits(record):
                if script.times:
                    script.times -= 1
                    if not script.times:
                        self.scripts.remove(script)
                return script
        return None

    def quota(self, record: Record) -> Quota | None:
        """Give the quota that a request counts against."""
        return next((one for one in self.quotas if one.match.fits(record)), None)
