"""What the house has counted: events folded into totals and histograms.

The fold needs to remember a job between its events (its lane, when it became ready, when it
began), so that too is part of the state. The whole state is one JSON object up to one event:
loading it and folding what came later gives the same numbers as folding everything. It knows
nothing about Prometheus; `actors.hubs.metrics` writes it out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from actors.hubs.ring import Wire
from engine.events import EventKind
from engine.failures import Cause
from engine.jobs import TERMINAL, JobKind, Reason
from engine.moments import US_PER_S

Labels = tuple[str, ...]
SHAPE: Final = 2  # of the saved object; another number is not read

RUN_BUCKETS_S = tuple(0.01 * 4**step for step in range(11))  # 10 ms to 3 hours
CALL_BUCKETS_S = tuple(0.05 * 2**step for step in range(14))  # 50 ms to 7 minutes
WAIT_BUCKETS_S = tuple(0.001 * 4**step for step in range(12))  # 1 ms to 70 minutes

_SOURCES = frozenset({"api", "cli", "pipeline", "engine", "page"})
_FINISHED = {EventKind(f"job.{state}"): str(state) for state in TERMINAL}
_RETRIED = frozenset({Reason.BACKOFF, Reason.RATE_LIMIT, Reason.BUDGET, Reason.LOST})
_OTHER = "other"
MICRO = 1_000_000  # sums of fractions would drift apart after a replay; whole numbers do not


@dataclass(slots=True)
class Spread:
    """One histogram: how many fell into each bucket (the last is open), and their sum."""

    counts: list[int]
    total: float = 0.0

    def observe(self, value: float, bounds: Sequence[float]) -> None:
        """Count one value."""
        self.counts[bisect_left(bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Memo:
    """What must be remembered of a job until it is at rest. Times are microseconds."""

    lane: str
    kind: str
    backend: str
    ready_at: int | None = None
    started_at: int | None = None


@dataclass(slots=True)
class Tally:
    """Totals up to event `seq`."""

    seq: int = 0
    submitted: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    finished: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    failures: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    retries: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    events: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    model_calls: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    model_skips: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    model_tokens: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    model_microdollars: defaultdict[Labels, int] = field(default_factory=lambda: defaultdict(int))
    calls: dict[Labels, Spread] = field(default_factory=dict)
    first_bytes: dict[Labels, Spread] = field(default_factory=dict)
    runs: dict[Labels, Spread] = field(default_factory=dict)
    waits: dict[Labels, Spread] = field(default_factory=dict)
    memos: dict[str, Memo] = field(default_factory=dict)

    def fold(self, events: Sequence[Wire]) -> None:
        """Count stored events that were not counted yet."""
        for event in events:
            if event["seq"] > self.seq:
                self.seq = int(event["seq"])
                self._count(event)

    def _count(self, event: Wire) -> None:
        kind = str(event["kind"])
        self.events[(kind,)] += 1
        if kind == EventKind.JOB_SUBMITTED:
            self._submitted(event)
        elif kind in _FINISHED:
            self._finished(event, _FINISHED[EventKind(kind)])
        elif kind == EventKind.MODEL_CALLED:
            self._called(event["data"])
        elif memo := self.memos.get(str(event["subject"])):
            self._moved(event, memo)

    def _submitted(self, event: Wire) -> None:
        data = event["data"]
        memo = Memo(_lane(data.get("lane")), str(data.get("kind")), str(data.get("backend") or ""))
        source = str(data.get("source"))
        self.submitted[(memo.lane, memo.kind, source if source in _SOURCES else _OTHER)] += 1
        if data.get("state") == "ready":
            memo.ready_at = int(event["at"])
        self.memos[str(event["subject"])] = memo

    def _moved(self, event: Wire, memo: Memo) -> None:
        match event["kind"]:
            case EventKind.JOB_READY:
                memo.ready_at = int(event["at"])
            case EventKind.JOB_RUNNING:
                memo.started_at = int(event["at"])
                if memo.ready_at is not None:
                    waited_s = (memo.started_at - memo.ready_at) / US_PER_S
                    _observe(self.waits, (memo.lane,), waited_s, WAIT_BUCKETS_S)
                    memo.ready_at = None
            case EventKind.JOB_DELAYED if event["data"].get("reason") in _RETRIED:
                self.retries[(str(event["data"]["reason"]),)] += 1
            case _:
                pass

    def _called(self, data: Mapping[str, Any]) -> None:
        whose = str(data["provider"]), str(data["model"])
        outcome = "ok" if data["ok"] else str(data["fault"] or _OTHER)
        self.model_calls[(*whose, outcome)] += 1
        self.model_microdollars[whose] += round(data["usd"] * MICRO)
        for kind in ("input", "output"):
            self.model_tokens[(*whose, kind)] += int(data[kind])
        for reason in data.get("skips", ()):
            self.model_skips[(str(reason),)] += 1
        if data["ok"]:
            _observe(self.calls, whose, data["took_us"] / US_PER_S, CALL_BUCKETS_S)
            began_s = data["first_byte_us"] / US_PER_S
            _observe(self.first_bytes, whose, began_s, CALL_BUCKETS_S)

    def _finished(self, event: Wire, outcome: str) -> None:
        memo = self.memos.pop(str(event["subject"]), Memo("unknown", "unknown", ""))
        if event["data"].get("reason") == Reason.UNVERIFIED:
            outcome = str(Reason.UNVERIFIED)  # a claim that nobody confirmed is no success
        self.finished[(memo.lane, memo.kind, outcome)] += 1
        if event["kind"] == EventKind.JOB_FAILED:
            cause = str((event["data"].get("error") or {}).get("cause"))
            self.failures[(cause if cause in frozenset(Cause) else _OTHER,)] += 1
        if memo.started_at is not None and memo.kind == JobKind.TASK:
            ran_s = (int(event["at"]) - memo.started_at) / US_PER_S
            _observe(self.runs, (memo.lane, memo.kind, memo.backend), ran_s, RUN_BUCKETS_S)


def _observe(
    spreads: dict[Labels, Spread], labels: Labels, value: float, bounds: Sequence[float]
) -> None:
    if labels not in spreads:
        spreads[labels] = Spread([0] * (len(bounds) + 1))
    spreads[labels].observe(max(0.0, value), bounds)


def _lane(value: Any) -> str:
    """Name a lane; an event holds its number."""
    return f"P{value}" if isinstance(value, int) else str(value)


_COUNTERS = (
    "submitted", "finished", "failures", "retries", "events", "model_calls", "model_skips",
    "model_tokens", "model_microdollars",
)  # fmt: skip
_SPREADS = {
    "runs": len(RUN_BUCKETS_S) + 1,
    "waits": len(WAIT_BUCKETS_S) + 1,
    "calls": len(CALL_BUCKETS_S) + 1,
    "first_bytes": len(CALL_BUCKETS_S) + 1,
}


def to_json(tally: Tally) -> dict[str, Any]:
    """Give the state as one JSON object that shares nothing with the living tally."""
    body: dict[str, Any] = {"shape": SHAPE, "seq": tally.seq}
    for name in _COUNTERS:
        body[name] = [[*labels, count] for labels, count in getattr(tally, name).items()]
    for name in _SPREADS:
        spreads: dict[Labels, Spread] = getattr(tally, name)
        body[name] = [[list(k), list(v.counts), v.total] for k, v in spreads.items()]
    body["memos"] = {
        job: [memo.lane, memo.kind, memo.backend, memo.ready_at, memo.started_at]
        for job, memo in tally.memos.items()
    }
    return body


def from_json(body: Mapping[str, Any]) -> Tally:
    """Rebuild the state.

    Raises:
        ValueError: it was written in another shape, or it is damaged.
    """
    if body.get("shape") != SHAPE:
        raise ValueError("The saved counters have another shape.")
    try:
        return _decoded(body)
    except (KeyError, TypeError, IndexError) as fault:
        raise ValueError("The saved counters are damaged.") from fault


def _decoded(body: Mapping[str, Any]) -> Tally:
    tally = Tally(seq=int(body["seq"]))
    for name in _COUNTERS:
        getattr(tally, name).update({tuple(row[:-1]): int(row[-1]) for row in body[name]})
    for name, buckets in _SPREADS.items():
        for labels, counts, total in body[name]:
            if len(counts) != buckets:
                raise ValueError("The saved counters have other buckets.")
            getattr(tally, name)[tuple(labels)] = Spread(list(counts), float(total))
    tally.memos = {job: Memo(*memo) for job, memo in body["memos"].items()}
    return tally
