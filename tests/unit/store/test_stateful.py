"""A model of the store that Hypothesis tries to break, verb by verb.

Steering: claims are never used up, so a zombie replays any old (job, epoch) for ever; and
`takeover` is one rule, because lose, claim and late report in just this order are too rare when
they are drawn one by one. Without both, a store without a fence goes unnoticed. The mutation
tests at the end keep the model honest.
"""

import tempfile
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from engine.drafts import Need
from engine.errors import Conflict, Fenced
from engine.failures import Cause, Failure
from engine.gates import GATE, Ruling
from engine.jobs import EdgeKind, GroupMode, JobState, Lane, Result
from engine.moments import us
from engine.outcomes import Cancelled, Done, Failed, Lost, NeedsOwner, NeedsSignal
from engine.ports import JobFilter
from engine.records import Call, Decision
from engine.settings import StoreSettings
from store.home import Home
from store.sqlite import SqliteStore
from store.term import begin_term
from store.verbs.cancel import cancel
from store.verbs.claim import Claim
from store.verbs.decisions import answer
from store.verbs.retry import retry
from store.verbs.waits import signal
from tests.checks import Execution
from tests.checks.results import TOKEN
from tests.simulation import planted
from tests.unit.store.verbs.kit import House, group, task, wait

MODES = (GroupMode.ALL, GroupMode.RACE, GroupMode.ANY, GroupMode.ALL_SETTLED)
SLOTS = 3
DUE = {"requirements": "It works."}
FAMILIES = ("gpt", "claude", "")
OUTCOMES = {
    "tool": Failed(Failure(cause=Cause.TOOL, message="It failed.")),
    "stuck": Failed(Failure(cause=Cause.STUCK, message="It hangs.")),
    "busy": Failed(Failure(cause=Cause.RATE_LIMIT, message="Slow down.")),
    "ask": NeedsOwner("Which?", ("left", "right")),
    "signal": NeedsSignal("go"),
    "cancelled": Cancelled(),
}


class StoreMachine(RuleBasedStateMachine):
    """The store as a state machine; the model remembers what must never change."""

    jobs = Bundle("jobs")
    claims = Bundle("claims")

    def __init__(self):
        super().__init__()
        self.house = House(self.open(), pools={"llm": 1}, house={"slots": SLOTS})
        self.known: set[str] = set()
        self.rested: dict[str, tuple] = {}
        self.epochs: dict[str, int] = {}
        self.effects: dict[str, Execution] = {}
        self.count = 0

    def open(self):
        """Give the store under test; None is the in-memory twin."""
        return

    # -- rules --------------------------------------------------------------------------------
    def _submit(self, *drafts):
        self.count += 1
        ids = self.house.submit(*drafts)
        self.known |= set(ids.values())
        return multiple(*ids.values())

    @rule(
        target=jobs,
        lane=st.sampled_from(Lane),
        cwd=st.sampled_from(["", "", "/one"]),
        needs=st.lists(st.tuples(jobs, st.booleans()), max_size=2),
        spec=st.sampled_from([{}, {"effects": "once"}, {"hold": True}, {"max_failures": 1}, DUE]),
        backend=st.sampled_from(["shell", "llm"]),
    )
    def submit(self, lane, cwd, needs, spec, backend):
        kinds = {True: EdgeKind.SUCCESS, False: EdgeKind.SETTLED}
        wanted = [Need(parent, kinds[well]) for parent, well in dict(needs).items()]
        more = {"lane": lane, "cwd": cwd, "spec": spec, "backend": backend}
        return self._submit(task(f"t{self.count}", *wanted, **more))

    @rule(target=jobs, mode=st.sampled_from(MODES), size=st.integers(1, 3), old=jobs)
    def submit_group(self, mode, size, old):
        name = f"g{self.count}"
        members = [task(f"{name}.{n}") for n in range(size)]
        whole = group(name, mode, old, *(member.key for member in members))
        return self._submit(*members, whole)

    @rule(target=jobs, ask=st.booleans(), limit=st.sampled_from([None, 60]))
    def submit_wait(self, ask, limit):
        what = {"ask": "Shall it?", "options": ["yes", "no"]} if ask else {"signal": "go"}
        return self._submit(wait(f"w{self.count}", **what, deadline_s=limit, default="yes"))

    @rule(target=claims, slots=st.integers(1, SLOTS))
    def claim(self, slots):
        return self._claimed(slots)

    def _claimed(self, slots=SLOTS):
        taken = self.house.claim(slots).values()
        return multiple(*((one.job.id, one.job.epoch) for one in taken))

    @rule(claim=claims)
    def succeed(self, claim):
        """A session reports success; it may have been given up long ago, or say it twice."""
        job_id, epoch = claim
        token = f"{TOKEN}{job_id}:{epoch}"
        self.count += 1
        said = f"said again, {self.count}" if token in self.effects else token
        self.effects[token] = Execution(job=job_id, epoch=epoch, token=token)
        self.house.report(job_id, Done(Result(text=said)), epoch=epoch)

    @rule(claim=claims, ruling=st.sampled_from(Ruling), family=st.sampled_from(FAMILIES))
    def deliver(self, claim, ruling, family):
        """A model of this family answers: a deliverable, or the verdict on one."""
        job_id, epoch = claim
        self.count += 1
        answered = Call(id=f"call {self.count}", job=job_id, ok=True, family=family)
        self.house.do(lambda work: work.save(answered))
        said = Result(data={"verdict": str(ruling), "reasons": []})
        self.house.report(job_id, Done(said), epoch=epoch)

    @rule(target=claims, ruling=st.sampled_from(Ruling), family=st.sampled_from(FAMILIES))
    def review(self, ruling, family):
        """A deliverable is made by one family and judged at once, by that or by another."""
        self.count += 1
        due = task(f"d{self.count}", lane=Lane.P0, spec=DUE)
        self._submit(due)
        taken = self._claimed().values
        for claim in taken:
            self.deliver(claim, Ruling.PASS, "gpt")
        judges = self._claimed().values
        for claim in judges:
            self.deliver(claim, ruling, family)
        return multiple(*taken, *judges)

    @rule(claim=claims, how=st.sampled_from(sorted(OUTCOMES)))
    def end_otherwise(self, claim, how):
        self.house.report(claim[0], OUTCOMES[how], epoch=claim[1])

    @rule(claim=claims, counts=st.booleans())
    def lose(self, claim, counts):
        self.house.report(claim[0], Lost(counts=counts), epoch=claim[1])

    @rule(target=claims, claim=claims, swift=st.booleans())
    def takeover(self, claim, swift):
        """The session is silent for long, the job is given to another, and then it speaks.

        A swift heir has ended by then.
        """
        self.house.pass_time(901)
        self.lose(claim, counts=False)
        taken = self._claimed()
        for heir in taken.values if swift else ():
            self.succeed(heir)
        self.succeed(claim)
        return taken

    @rule(job_id=jobs)
    def cancel(self, job_id):
        try:
            self.house.do(cancel, job_id)
        except Conflict:
            assert self.house.state(job_id).terminal

    @rule(target=jobs, job_id=jobs)
    def retry(self, job_id):
        try:
            again = self.house.do(retry, job_id).id
        except Conflict:
            return multiple()
        self.known.add(again)
        return again

    @rule(job_id=jobs)
    def signal(self, job_id):
        try:
            self.house.do(signal, job_id, "go", None)
        except Conflict:
            assert self.house.state(job_id).terminal

    @rule(option=st.integers(0, 1), data=st.data())
    def answer(self, option, data):
        if cards := self.house.find(Decision):
            card = data.draw(st.sampled_from(cards))
            try:
                self.house.do(answer, card.id, card.options[option])
            except Conflict:
                assert card.state != "open"

    @rule(seconds=st.sampled_from([1, 60, 86_400, 3 * 86_400]))
    def advance(self, seconds):
        self.house.pass_time(seconds)

    @rule(seconds=st.sampled_from([-86_400, -60, 60, 86_400]))
    def set_the_wall_clock(self, seconds):
        self.house.skew += us(seconds)

    @rule()
    def new_term(self):
        """A new dispatcher takes over; the old one's next write is refused."""
        old = self.house.term
        new = begin_term(self.house.store)
        with pytest.raises(Fenced):
            self.house.do(lambda work: Claim(work, SLOTS).take())
        assert new == old + 1
        self.house.term = new

    # -- what must hold after every step ------------------------------------------------------
    @invariant()
    def nothing_is_lost_or_changed_at_rest(self):
        where = JobFilter()
        rows = self.house.store.read(lambda tables: tables.list_jobs(where, "", 10_000, False))
        assert {row.id for row in rows if row.source != GATE} == self.known
        holders = [row.worker_key for row in rows if row.holding and row.cwd]
        assert len(holders) == len(set(holders))
        for row in rows:
            assert row.epoch >= self.epochs.get(row.id, 0)
            self.epochs[row.id] = row.epoch
            if row.state.terminal:
                now = (row.state, row.result, row.epoch)
                assert self.rested.setdefault(row.id, now) == now

    # -- the end ------------------------------------------------------------------------------
    def teardown(self):
        """Under a fair drain all must come to rest; then every invariant is judged."""
        try:
            self._drain()
            executions = list(self.effects.values())
            found = self.house.violations(rested=True, executions=executions)
            assert not found, "\n".join(map(str, found))
        finally:
            self.house.store.close()

    def _drain(self):
        self.house.skew = 0
        for _ in range(200):
            rows = self.house.store.read(
                lambda tables: tables.list_jobs(JobFilter(), "", 10_000, False)
            )
            living = [row for row in rows if not row.state.terminal]
            if not living:
                return
            self.house.pass_time(86_400)
            self.house.claim(SLOTS)
            for row in living:
                self._help(self.house.job(row.id))
        pytest.fail(f"no rest: {[(row.name, row.state, row.reason) for row in living]}")

    def _help(self, row):
        match row.state:
            case JobState.RUNNING:
                self.succeed((row.id, row.epoch))
            case JobState.WAITING if "signal" in row.awaits:
                self.house.do(signal, row.id, "go", None)
            case JobState.WAITING:
                card = self.house.find(Decision, job=row.id, state="open")[0]
                self.house.do(answer, card.id, card.options[-1])
            case _:
                pass


class SqliteMachine(StoreMachine):
    """The same on the real store."""

    def open(self):
        self.directory = tempfile.TemporaryDirectory()
        return SqliteStore(Home.at(self.directory.name), StoreSettings(), _Clock())

    def teardown(self):
        super().teardown()
        self.directory.cleanup()


class _Clock:
    def now(self):
        return 0

    def monotonic(self):
        return 0.0


QUICK = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_twin_keeps_every_promise():
    run_state_machine_as_test(StoreMachine, settings=QUICK)


def test_sqlite_keeps_every_promise():
    run_state_machine_as_test(
        SqliteMachine, settings=settings(QUICK, max_examples=12, stateful_step_count=30)
    )


_REPORTS = "tests.unit.store.verbs.kit.take_reports"
MUTATIONS = {
    "no fence": lambda: planted.no_fence(_REPORTS),
    "result overwritten": lambda: planted.result_overwritten(_REPORTS),
    "lost wake": planted.lost_wake,
    "lost cascade": planted.lost_cascade,
    "double group resolution": planted.double_resolution,
    "cancel not final": planted.cancel_not_final,
    "decision applied twice": planted.decision_twice,
    "shared directory": planted.shared_directory,
    "any reviewer": lambda: patch("engine.gates._why_it_does_not_count", lambda *_: ""),
    "a claim is enough": lambda: patch("store.verbs.report.wants_review", lambda _: False),
    "rescue drops the job": lambda: patch("engine.settle._lost", _dropped),
}


def _dropped(job, moment, *_, **__):
    """A lost job is written down as waiting for a signal that nobody will ever send."""
    from engine.settle import Settlement, park  # noqa: PLC0415

    return Settlement(park(job, {"signal": "never"}, 0))


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_model_notices(name):
    """Each mutation breaks an assertion (or a later verb, where the row has become absurd)."""
    hunt = settings(QUICK, max_examples=600, phases=[p for p in QUICK.phases if p.name != "shrink"])
    with MUTATIONS[name](), pytest.raises((AssertionError, Conflict, pytest.fail.Exception)):
        run_state_machine_as_test(StoreMachine, settings=settings(hunt, report_multiple_bugs=False))
