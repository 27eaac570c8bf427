"""SQLite and the in-memory twin, driven by the same random transactions, never differ."""

import tempfile
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.errors import HelioError
from engine.events import Event, EventKind
from engine.jobs import Edge, EdgeKind, Job, JobState, Lane, Reason
from engine.ports import JobFilter
from engine.records import Idempotency, Signal
from engine.settings import StoreSettings
from store.home import Home
from store.memory import MemoryStore
from store.prune import DAY_US, prune
from store.sqlite import SqliteStore

IDS = st.sampled_from([f"{number:026d}" for number in range(12)])
TIMES = st.integers(0, 4).map(lambda days: days * DAY_US)
LANES = st.sampled_from([Lane.P0, Lane.P2])
KEYS = st.sampled_from(["", "k", "l"])
MOVES = st.fixed_dictionaries(
    {
        "state": st.sampled_from(JobState),
        "reason": st.sampled_from([Reason.NONE, Reason.DIRECTORY, Reason.POOL, Reason.DEPENDENCY]),
        "ready_seq": st.integers(0, 99),
        "run_at": TIMES,
        "finished_at": TIMES,
        "holding": st.booleans(),
        "epoch": st.integers(0, 2),
    }
)
JOBS = st.builds(
    lambda key, lane, worker_key, idem_key, moves: Job(
        id=key, lane=lane, worker_key=worker_key, idem_key=idem_key, **moves
    ),
    IDS,
    LANES,
    KEYS,
    st.sampled_from([None, None, "a", "b"]),
    MOVES,
)
EDGES = st.builds(Edge, IDS, IDS, st.sampled_from(EdgeKind), st.integers(0, 2))
KINDS = st.sampled_from([EventKind.JOB_READY, EventKind.HOUSE_STARTED])
EVENTS = st.builds(Event, at=TIMES, kind=KINDS, subject=st.sampled_from("ab"))
RECORDS = st.one_of(
    st.builds(lambda job, name: Signal(id=f"{job}:{name}", job=job, name=name), IDS, KEYS),
    st.builds(lambda key, at: Idempotency(key=key, digest="", at=at), KEYS, TIMES),
)
SETTINGS = StoreSettings(done_days=1, failed_days=2, event_days=2, prune_batch=2)


class Interruption(Exception):
    """Fails a transaction after all of its work was done."""


class StoppedClock:
    def now(self):
        return 1

    def monotonic(self):
        return 0.0


def ordered(rows):
    return sorted(rows, key=repr)


def everything(tables):
    ids = [f"{number:026d}" for number in range(12)]
    queues = [
        (tables.ready(lane, 3), tables.queued(key, lane, 3), tables.ready_on_key(key, lane, 2))
        for lane in (Lane.P0, Lane.P2)
        for key in ("k", "l")
    ]
    return {
        "jobs": tables.list_jobs(JobFilter(), "", 99, False),
        "heads": ordered(tables.heads(9)),
        "some": ordered(tables.jobs(ids[:5])),
        "counts": (tables.count_jobs(), tables.count_unverified()),
        "queues": [
            [ordered(part) if isinstance(part, list) else part for part in q] for q in queues
        ],
        "times": (tables.due(2 * DAY_US, 9), tables.expired(2 * DAY_US, 9), tables.next_due()),
        "holding": tables.holding(),
        "edges": ([tables.edges_to(key) for key in ids], ordered(tables.edges_from(ids))),
        "events": (tables.events(0, 99), tables.events(0, 99, ["job."], "a"), tables.last_seq()),
        "records": (tables.find(Signal), tables.find(Idempotency)),
        "prunable": [tables.prunable(state, 3 * DAY_US, 9) for state in JobState],
    }


class Twins(RuleBasedStateMachine):
    """Every rule is one transaction on both; both give the same answer or the same refusal."""

    @initialize()
    def open(self):
        self.directory = tempfile.TemporaryDirectory()
        home = Home.at(self.directory.name)
        self.stores = (MemoryStore(), SqliteStore(home, StoreSettings(), StoppedClock()))

    def teardown(self):
        if hasattr(self, "stores"):
            for store in self.stores:
                store.close()
            self.directory.cleanup()

    def both(self, act):
        answers = []
        for store in self.stores:
            try:
                answers.append(store.write(act))
            except (HelioError, Interruption) as refusal:
                answers.append(type(refusal))
        assert answers[0] == answers[1]

    @rule(jobs=st.lists(JOBS, max_size=4), edges=st.lists(EDGES, max_size=4))
    def submit(self, jobs, edges):
        self.both(lambda tables: (tables.insert_jobs(jobs), tables.insert_edges(edges)))

    @rule(moves=st.lists(st.tuples(IDS, MOVES), max_size=4), seen_wrongly=st.booleans())
    def update(self, moves, seen_wrongly):
        def act(tables):
            known = {job.id: job for job in tables.jobs([key for key, _ in moves])}
            if seen_wrongly:
                known = {key: replace(job, epoch=job.epoch + 1) for key, job in known.items()}
            writes = []
            for key, changes in moves:
                if key in known:
                    writes.append((known[key], replace(known[key], **changes)))
                    known[key] = writes[-1][1]
            tables.update_jobs(writes)

        self.both(act)

    @rule(events=st.lists(EVENTS, max_size=3), records=st.lists(RECORDS, max_size=3))
    def tell(self, events, records):
        self.both(lambda tables: (tables.append_events(events), tables.put(*records)))

    @rule(ids=st.lists(IDS, max_size=3), key=KEYS, before=st.integers(0, 20))
    def remove(self, ids, key, before):
        def act(tables):
            tables.delete_jobs(ids)
            tables.remove(Idempotency, [key])
            return tables.delete_events(before, 2)

        self.both(act)

    @rule(now=TIMES)
    def prune(self, now):
        self.both(lambda tables: prune(tables, SETTINGS, now))

    @rule(jobs=st.lists(JOBS, max_size=2), events=st.lists(EVENTS, max_size=2), ids=st.lists(IDS))
    def fail_at_the_end(self, jobs, events, ids):
        def act(tables):
            tables.delete_jobs(ids)
            tables.delete_events(99, 3)
            tables.append_events(events)
            tables.put(Idempotency(key="k", digest="changed"))
            tables.insert_jobs(jobs)
            raise Interruption

        self.both(act)

    @invariant()
    def nothing_differs(self):
        if hasattr(self, "stores"):
            memory, sqlite = (store.read(everything) for store in self.stores)
            assert memory == sqlite


TestTwins = Twins.TestCase
TestTwins.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,  # the same run everywhere; raise max_examples to explore
    suppress_health_check=list(HealthCheck),
)
