"""What the router's ledger tells counts once, however often it is told."""

import pytest

from engine.events import EventKind
from engine.failures import Cause, Failure
from engine.jobs import JobState, Result
from engine.moments import us
from engine.outcomes import Done, Failed
from engine.records import Call, Cursor, Project, Spend
from store.verbs.calls import take_calls
from tests.unit.store.verbs.kit import BEGIN, task

LEDGER = "one"


def call(n, job="", **more):
    """A fact as the ledger gives it."""
    fact = {
        "kind": "call", "id": f"r{n}:1", "request": f"r{n}", "job": job, "project": "p",
        "session": "session/a", "model": "sonnet", "provider": "anthropic", "ok": True,
        "usd": 0.25, "input": 10, "output": 5, "at": BEGIN, "skips": [],
    }  # fmt: skip
    return (n, fact | more)


@pytest.fixture
def running(house):
    """A job that runs."""
    ids = house.submit(task("work"))
    house.claim()
    return ids["work"]


def told(house, kind):
    events = house.store.read(lambda tables: tables.events(0, 1000))
    return [event for event in events if event.kind is kind]


def take(house, *facts, ledger=LEDGER):
    return house.do(take_calls, ledger, facts)


def test_a_call_becomes_a_row_a_sum_an_event_and_a_cost(house, running):
    assert take(house, call(1, running), call(2, running, ok=False, usd=0.0)) == 2
    assert house.job(running).cost_usd == 0.25
    assert {row.id for row in house.find(Call, job=running)} == {"r1:1", "r2:1"}
    (spend,) = house.find(Spend)
    assert (spend.calls, spend.failed, spend.usd, spend.input) == (2, 1, 0.25, 20)
    assert spend.worker == "session/a"
    assert [e.subject for e in told(house, EventKind.MODEL_CALLED)] == [running, running]


def test_what_is_sent_again_counts_once(house, running):
    take(house, call(1, running), call(2, running))
    assert take(house, call(1, running), call(2, running), call(3, running)) == 3
    assert house.job(running).cost_usd == 0.75
    assert house.find(Spend)[0].calls == 3
    assert house.find(Cursor)[0].seq == 3


def test_another_ledger_counts_from_its_own_beginning(house, running):
    take(house, call(5, running))
    assert take(house, call(1, running, id="other:1"), ledger="two") == 1
    assert house.job(running).cost_usd == 0.5


def test_a_job_at_rest_does_not_change_but_its_call_is_kept(house, running):
    house.report(running, Done(Result(text="well")))
    take(house, call(1, running))
    assert house.state(running) is JobState.SUCCEEDED
    assert house.job(running).cost_usd == 0
    assert house.find(Call, job=running)
    assert house.find(Spend)[0].usd == 0.25
    assert not house.violations()


def test_calls_of_the_owner_and_of_unknown_jobs_are_counted(house):
    take(house, call(1, session=""), call(2, job="gone"))
    assert sorted(row.worker for row in house.find(Spend)) == ["owner", "session/a"]


def test_a_notice_is_told_and_counts_once(house):
    notice = (1, {"kind": "closed", "slot": "a/k/m", "until": BEGIN + us(60), "reason": "429"})
    take(house, notice)
    take(house, notice)
    closed = told(house, EventKind.MODEL_CLOSED)
    assert [(event.subject, event.data["reason"]) for event in closed] == [("a/k/m", "429")]


@pytest.mark.parametrize(
    ("cause", "by", "state"),
    [
        (Cause.RATE_LIMIT, "owner", JobState.READY),
        (Cause.BUDGET, "owner", JobState.READY),
        (Cause.RATE_LIMIT, "", JobState.DELAYED),  # one by one, at the time that each was told
        (Cause.OTHER, "owner", JobState.DELAYED),
    ],
)
def test_what_the_owner_opens_is_not_waited_for_any_longer(house, running, cause, by, state):
    later = None if cause is Cause.OTHER else BEGIN + us(3600)
    house.report(running, Failed(Failure(cause=cause, message="Not now.", retry_at=later)))
    assert house.state(running) is JobState.DELAYED
    opened = {"kind": "opened", "slot": "provider:a", "until": 0, "by": by, "at": BEGIN}
    take(house, (1, opened))
    assert house.state(running) is state
    assert not house.violations()


def test_a_day_is_one_of_the_owners_zone(house):
    late = us(1_799_969_400)  # 2027-01-14 23:30 UTC
    house.settings = house.settings.model_copy(
        update={"house": house.settings.house.model_copy(update={"time_zone": "Europe/Berlin"})}
    )
    take(house, call(1, at=late))
    assert house.find(Spend)[0].day == "2027-01-15"


def test_an_order_that_calls_models_knows_what_its_project_may_spend(house):
    house.do(lambda work: work.save(Project(id="site", name="site", budget_usd=2.5)))
    told = {"project": "site", "spec": {"prompt": "Hi"}}
    house.submit(task("ask", backend="llm", **told), task("run", project="site"))
    claimed = house.claim()
    assert claimed["ask"].order.payload["project_usd"] == 2.5
    assert "project_usd" not in claimed["run"].order.payload
