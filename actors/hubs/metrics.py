"""The house's one Prometheus registry: the tally and one look at the house, written as text.

Counters come from the tally, gauges from what the dispatcher says at the moment of the scrape; a
gauge that nobody could tell is left out, and `actor_up` says whose silence it was. Labels are
words of the house (lanes, states, backends, classes), never an id, a path or a text.
`docs/metrics.md` lists them; a test compares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from actors.hubs.tally import (
    CALL_BUCKETS_S,
    MICRO,
    RUN_BUCKETS_S,
    WAIT_BUCKETS_S,
    Labels,
    Spread,
    Tally,
)

PREFIX = "heliograph_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen of the house at a scrape; None where nobody answered."""

    version: str
    hub_seq: int
    hub_beat_age_s: float
    status: Mapping[str, Any] | None = None
    workers: Sequence[Mapping[str, Any]] | None = None
    decisions: Sequence[Mapping[str, Any]] | None = None
    router: bool | None = None


class _House(Collector):
    """Yields every metric of the house when the registry is read."""

    def __init__(self, tally: Tally, sight: Sight) -> None:
        self._tally = tally
        self._sight = sight

    def collect(self) -> Iterator[Metric]:
        """Give the families, counters first."""
        yield from _counters(self._tally)
        yield from _histograms(self._tally)
        yield from _actors(self._sight)
        if self._sight.status is not None:
            yield from _house(self._sight.status, self._sight.hub_seq)
        if self._sight.workers is not None:
            yield _grouped("workers", "Sessions by backend and state.", self._sight.workers,
                           ("backend", "state"))  # fmt: skip
        if self._sight.decisions is not None:
            yield _grouped("decisions_open", "Questions that wait for the owner.",
                           self._sight.decisions, ("risk",))  # fmt: skip


def exposition(tally: Tally, sight: Sight) -> str:
    """Write everything in the Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_House(tally, sight))
    return generate_latest(registry).decode()


def _counters(tally: Tally) -> Iterator[Metric]:
    yield _counter("jobs_submitted", "Jobs accepted.", ("lane", "kind", "source"), tally.submitted)
    yield _counter(
        "jobs_finished",
        "Jobs that came to rest; a claim that nobody confirmed is unverified.",
        ("lane", "kind", "outcome"),
        tally.finished,
    )
    yield _counter("job_failures", "Jobs that failed for good.", ("class",), tally.failures)
    yield _counter("job_retries", "Attempts that will be repeated.", ("reason",), tally.retries)
    yield _counter("events", "Events stored.", ("kind",), tally.events)
    yield from _model_counters(tally)


def _model_counters(tally: Tally) -> Iterator[Metric]:
    whose = ("provider", "model")
    yield _counter(
        "model_calls", "Attempts at a provider; outcome is ok or the kind of failure.",
        (*whose, "outcome"), tally.model_calls,
    )  # fmt: skip
    yield _counter(
        "model_skips", "Candidates passed over without asking.", ("reason",), tally.model_skips
    )
    yield _counter(
        "model_tokens", "Tokens by kind.", (*whose, "kind"), tally.model_tokens
    )  # fmt: skip
    spent = {key: value / MICRO for key, value in tally.model_microdollars.items()}
    yield _counter("model_spend_usd", "US dollars spent.", whose, spent)


def _histograms(tally: Tally) -> Iterator[Metric]:
    yield _histogram(
        "job_duration_seconds", "Last attempt of a finished task.", ("lane", "kind", "backend"),
        tally.runs, RUN_BUCKETS_S,
    )  # fmt: skip
    yield _histogram(
        "model_call_seconds", "A good call, whole.", ("provider", "model"),
        tally.calls, CALL_BUCKETS_S,
    )  # fmt: skip
    yield _histogram(
        "model_first_byte_seconds", "To the first byte of a good call.", ("provider", "model"),
        tally.first_bytes, CALL_BUCKETS_S,
    )  # fmt: skip
    yield _histogram(
        "job_queue_wait_seconds", "From ready to running.", ("lane",), tally.waits, WAIT_BUCKETS_S
    )


def _actors(sight: Sight) -> Iterator[Metric]:
    up: dict[Labels, float] = {
        ("dispatcher",): int(bool(sight.status and sight.status.get("ready"))),
        ("hub",): 1,
    }
    if sight.router is not None:
        up["router",] = int(sight.router)
    yield _gauge("build_info", "The installed version.", ("version",), {(sight.version,): 1})
    yield _gauge(
        "actor_up", "Whether the actor answered.", ("actor",),
        up,
    )  # fmt: skip
    yield _gauge(
        "actor_heartbeat_age_seconds", "Age of the main loop's last turn.", ("actor",),
        {("hub",): sight.hub_beat_age_s},
    )  # fmt: skip


def _house(status: Mapping[str, Any], hub_seq: int) -> Iterator[Metric]:
    depth: dict[Labels, float] = {
        (lane, state): count
        for state, lanes in (status.get("counts") or {}).items()
        for lane, count in lanes.items()
    }
    yield _gauge("queue_depth", "Jobs by lane and state, as stored.", ("lane", "state"), depth)
    plain = {
        "worker_slots": ("Jobs that may run at the same time.", status.get("slots", 0)),
        "worker_slots_used": ("Jobs that run now.", status.get("running", 0)),
        "term": ("The dispatcher's fence; up by one at each take-over.", status.get("term", 0)),
        "halted": ("Whether everything is stopped.", int(bool(status.get("halted_at")))),
        "paused": ("Whether new jobs are held back.", int(bool(status.get("paused_at")))),
        "event_lag": ("Stored events that the hub has not seen.",
                      max(0, int(status.get("last_seq", 0)) - hub_seq)),
    }  # fmt: skip
    for name, (text, value) in plain.items():
        yield _gauge(name, text, (), {(): value})
    if "lost_wakes" in status:
        yield _counter(
            "lost_wakes", "Wakes that only the safety sweep found.", (),
            {(): status["lost_wakes"]},
        )  # fmt: skip


def _grouped(
    name: str, text: str, rows: Iterable[Mapping[str, Any]], labels: tuple[str, ...]
) -> Metric:
    counts = Counter(tuple(str(row.get(label) or "none") for label in labels) for row in rows)
    return _gauge(name, text, labels, counts)


def _counter(
    name: str, text: str, labels: Sequence[str], values: Mapping[Labels, float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _gauge(
    name: str, text: str, labels: Sequence[str], values: Mapping[Labels, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _histogram(
    name: str,
    text: str,
    labels: Sequence[str],
    spreads: Mapping[Labels, Spread],
    bounds: Sequence[float],
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(PREFIX + name, text, labels=labels)
    edges = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    for key, spread in sorted(spreads.items()):
        buckets = list(zip(edges, accumulate(spread.counts), strict=True))
        family.add_metric(key, buckets, spread.total)
    return family
