"""A small office for the verbs: one store, one clock that tests move, one call a transaction."""

from __future__ import annotations

from random import Random

from engine.drafts import Batch, Draft, Need
from engine.ids import IdMint
from engine.jobs import EdgeKind, JobKind, Lane, Result
from engine.messages import Report, ReportKind
from engine.moments import Moment, us
from engine.outcomes import Done, to_wire
from engine.settings import Settings
from store.memory import MemoryStore
from store.term import begin_term
from store.verbs.advance import advance
from store.verbs.claim import Claim
from store.verbs.report import take_reports
from store.verbs.submit import submit
from store.verbs.timers import promote_due
from store.work import Work
from tests.checks import Evidence, check_all, snapshot_of

BEGIN = us(1_800_000_000)


def task(key, *needs, **more):
    """A draft of a task that needs these keys or ids to succeed."""
    wanted = tuple(need if isinstance(need, Need) else Need(need) for need in needs)
    return Draft(key=key, name=key, **({"needs": wanted, "spec": {"run": ["true"]}} | more))


def wait(key, *needs, **what):
    """A draft of a wait."""
    wanted = tuple(Need(need) for need in needs)
    return Draft(key=key, name=key, kind=JobKind.WAIT, needs=wanted, spec={"wait": what})


def group(key, mode, *members, **more):
    """A draft of a group of these keys or ids."""
    return Draft(key=key, name=key, kind=JobKind.GROUP, mode=mode, members=members, **more)


def settled(ref):
    """A need that only asks for rest."""
    return Need(ref, EdgeKind.SETTLED)


class House:
    """A store and what acts on it, without sessions."""

    def __init__(self, store=None, **settings):
        self.store = store or MemoryStore(strict=True)
        self.settings = Settings(**settings)
        self.term = begin_term(self.store)
        self.now = BEGIN
        self.skew = 0  # wall clock minus steady clock
        self.rng = Random(7)
        self.mint = IdMint(self.rng)
        self.stops = []

    # -- transactions -------------------------------------------------------------------------
    def do(self, verb, *args, **kwargs):
        """Run one verb in a transaction of its own, as the dispatcher does."""

        def act(tables):
            work = self.work(tables)
            answer = verb(work, *args, **kwargs)
            advance(work)
            work.finish()
            self.stops += work.stops
            return answer

        self.now += 1
        return self.store.write(act)

    def work(self, tables):
        """Open a unit of work."""
        moment = Moment(steady=self.now, wall=self.now + self.skew)
        return Work(
            tables,
            moment,
            term=self.term,
            mint=self.mint,
            rng=self.rng,
            settings=self.settings,
        )

    # -- verbs --------------------------------------------------------------------------------
    def submit(self, *drafts, key=""):
        """Submit drafts; give their ids by key."""
        batch = Batch(drafts=drafts, idem_key=key, digest=str([draft.key for draft in drafts]))
        return dict(self.do(submit, batch).ids)

    def claim(self, slots=20):
        """Claim what fits; give what was claimed, by the job's name."""
        taken = self.do(lambda work: Claim(work, slots).take())
        return {one.job.name: one for one in taken}

    def report(self, job_id, outcome, *, epoch=None):
        """Report an outcome of the job's current epoch, or of another."""
        wire = to_wire(outcome)
        now = self.job(job_id).epoch if epoch is None else epoch
        report = Report(job=job_id, epoch=now, kind=ReportKind.OUTCOME, at=self.now, data=wire)
        self.do(take_reports, [report])
        return self.job(job_id)

    def succeed(self, *ids, text="well", data=None):
        """Claim whatever is ready and report that these ended well."""
        self.claim()
        for job_id in ids:
            self.report(job_id, Done(Result(text=text, data=data, exit_code=0)))

    def pass_time(self, seconds):
        """Let both clocks go on, and promote what is due."""
        self.now += us(seconds)
        return self.do(promote_due)

    # -- looking ------------------------------------------------------------------------------
    def job(self, job_id):
        """Give a row."""
        return self.store.read(lambda tables: tables.jobs([job_id])[0])

    def state(self, job_id):
        """Give a job's state."""
        return self.job(job_id).state

    def states(self, ids):
        """Give the states of ids by key."""
        return {key: str(self.state(job_id)) for key, job_id in ids.items()}

    def find(self, kind, **equals):
        """Give records."""
        return self.store.read(lambda tables: tables.find(kind, **equals))

    def kinds(self, job_id):
        """Give the kinds of a job's events, in order."""
        rows = self.store.read(lambda tables: tables.events(0, 10_000, (), job_id))
        return [str(row.kind) for row in rows]

    def violations(self, **more):
        """Judge the store by every invariant."""
        snapshot = self.store.read(snapshot_of)
        now = (self.now, self.now + self.skew)
        return check_all(Evidence(snapshot=snapshot, settings=self.settings, now=now, **more))


__all__ = ["BEGIN", "House", "Lane", "Moment", "group", "settled", "task", "wait"]
